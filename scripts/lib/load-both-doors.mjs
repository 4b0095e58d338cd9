// Runs inside a project that has the package installed, and checks that both entry points load one implementation from
// the installed addon.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { sep } from 'node:path'

const require = createRequire(import.meta.url)
const name = '@webalive/provider-env'
const cjs = require(name)
const esm = await import(name)

const names = Object.keys(cjs).sort()
assert.ok(names.length > 0, 'the package exports nothing')
assert.deepEqual(
  Object.keys(esm)
    .filter((key) => key !== 'default')
    .sort(),
  names,
  'the two entry points export different names'
)
for (const key of names) assert.equal(esm[key], cjs[key], `${key} differs between the two entry points`)
assert.equal(require(`${name}/package.json`).name, name)
assert.throws(() => require(`${name}/dist/provider-env.cjs`), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' })

// The addon that the process has mapped, by the process's own account.
const addons = process.report.getReport().sharedObjects.filter((path) => path.endsWith('.node'))
assert.equal(addons.length, 1, `expected one addon, but found: ${addons}`)
assert.ok(addons[0].includes(['', 'node_modules', '@webalive', 'provider-env-'].join(sep)), `loaded from elsewhere: ${addons[0]}`)

const key = Buffer.from(`sk-ant-api03-${'made-up'.repeat(13)}AA`)
const env = cjs.buildProviderEnv({ provider: 'claude', apiKey: key })
assert.ok(
  key.every((byte) => byte === 0),
  'the key was not consumed'
)
assert.equal(env.provider, 'claude')
env.dispose()
assert.equal(env.disposed, true)
console.log(`${process.version}: ${names.length} names from both entry points`)
