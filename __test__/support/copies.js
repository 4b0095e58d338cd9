// Further copies of the package over the same addon, as a second bundle has one, or a test runner that loads modules anew.
'use strict'

const fs = require('node:fs')
const { createRequire, isBuiltin } = require('node:module')
const path = require('node:path')
const vm = require('node:vm')

const PROJECT = path.join(__dirname, '..', '..')
const DIST = path.join(PROJECT, 'dist', path.sep)

/** One in this realm; what was loaded before stays as it is. @returns {any} */
function loadAgain() {
  const isOurs = (/** @type {string} */ name) => (path.dirname(name) === PROJECT && !name.endsWith('.node')) || name.startsWith(DIST)
  const before = Object.entries(require.cache).filter(([name]) => isOurs(name))
  const forget = () =>
    Object.keys(require.cache)
      .filter(isOurs)
      .forEach((name) => delete require.cache[name])
  forget()
  try {
    return require(path.join(PROJECT, 'index.js'))
  } finally {
    forget()
    for (const [name, loaded] of before) require.cache[name] = loaded
    // Node keeps there what a module was the first to require.
    module.children = module.children.filter(({ filename }) => !isOurs(filename))
  }
}

/**
 * One in its own realm, as jest and vitest's vmThreads make one for each test file: each module is compiled in the
 * context, and Node's own modules and the addon are those of the process.
 * @param {vm.Context} context
 * @param {{ keeps?: boolean }} [options] keeps: whether a module that is loaded again is the same
 * @returns {any}
 */
function loadInContext(context, { keeps = true } = {}) {
  /** @type {Map<string, { exports: any }>} */
  const cache = new Map()
  /** @param {string} file @returns {any} */
  const load = (file) => {
    const known = cache.get(file)
    if (known) return known.exports
    const module = { exports: {} }
    if (keeps) cache.set(file, module)
    const find = createRequire(file)
    const requireFrom = Object.assign(
      (/** @type {string} */ id) => {
        if (isBuiltin(id)) return require(id)
        const found = find.resolve(id)
        return /\.(node|json)$/.test(found) ? require(found) : load(found)
      },
      { resolve: find.resolve, main: require.main }
    )
    const body = `(function (exports, require, module, __filename, __dirname) {${fs.readFileSync(file, 'utf8')}\n})`
    vm.runInContext(body, context, { filename: file })(module.exports, requireFrom, module, file, path.dirname(file))
    return module.exports
  }
  return load(path.join(PROJECT, 'index.js'))
}

/** A realm with what a test runner gives its tests of the process's own. */
function makeContext() {
  const {
    AbortController,
    AbortSignal,
    Buffer,
    TextDecoder,
    TextEncoder,
    URL,
    clearTimeout,
    console,
    performance,
    process,
    setInterval,
    setTimeout
  } = globalThis
  return vm.createContext({
    AbortController,
    AbortSignal,
    Buffer,
    TextDecoder,
    TextEncoder,
    URL,
    clearTimeout,
    console,
    performance,
    process,
    setInterval,
    setTimeout
  })
}

module.exports = { loadAgain, loadInContext, makeContext }
