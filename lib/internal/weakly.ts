// Functions that the addon may keep without keeping this copy of the package.

import { builtin } from './builtins.ts'

/**
 * A function that calls `callback` for as long as somebody else keeps that. The addon keeps what it calls, and with it the
 * whole copy of the package, of which a test runner makes hundreds: so it is made in no scope of ours.
 */
export function weakly<T extends (...values: never[]) => void>(callback: T): T {
  return builtin('vm').compileFunction('return (...values) => kept.deref()?.(...values)', ['kept'])(new WeakRef(callback))
}
