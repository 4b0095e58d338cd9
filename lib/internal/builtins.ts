// Modules of Node's that take longer to load than this package does: loaded by their first use. They are in the runtime's own
// binary, so that a worker which has dropped its privileges meanwhile can still load them.

type Builtins = {
  child_process: typeof import('node:child_process')
  inspector: typeof import('node:inspector')
  net: typeof import('node:net')
  os: typeof import('node:os')
  stream: typeof import('node:stream')
  vm: typeof import('node:vm')
  worker_threads: typeof import('node:worker_threads')
}

/** Written out, so that bundlers see what they are. */
const LOAD: { [Name in keyof Builtins]: () => Builtins[Name] } = {
  child_process: () => require('node:child_process'),
  inspector: () => require('node:inspector'),
  net: () => require('node:net'),
  os: () => require('node:os'),
  stream: () => require('node:stream'),
  vm: () => require('node:vm'),
  worker_threads: () => require('node:worker_threads')
}
const loaded: Partial<Builtins> = Object.create(null)

export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] {
  return (loaded[name] ??= LOAD[name]())
}

export function isMainThread() {
  return builtin('worker_threads').isMainThread
}
