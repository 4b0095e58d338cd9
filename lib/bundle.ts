// What the first file of `dist/` exports: the public names, and what the doctor's file uses.

export * from './index.ts'
export { shared } from './shared.ts'
