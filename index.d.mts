// The types of the ESM door: the same names as index.d.ts, without the default export that a CommonJS type file implies.
export * from './index.js'
