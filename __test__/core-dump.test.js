// What a core dump of a live worker holds, by a debugger and by the kernel, without hardenWorker() and with it.
'use strict'

const assert = require('node:assert/strict')
const { randomBytes } = require('node:crypto')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { UID, needsRoot } = require('./support/launch.js')
const { makeOpenDir } = require('./support/homes.js')
const { countInFile } = require('./support/file-search.js')
const { copyPackage, startWorker } = require('./support/worker.js')

const hasGcore = spawnSync('gcore', [], { encoding: 'utf8' }).error === undefined
const pattern = process.platform === 'linux' ? fs.readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim() : ''
const skipGcore = needsRoot || (hasGcore ? false : 'gcore is not installed (Debian: gdb)')
const skipKernel = needsRoot || (/^[^/|%][^/]*$/.test(pattern) ? false : `the kernel writes cores elsewhere: core_pattern is ${pattern}`)

/**
 * A worker with one key as bytes and one as a string. Both come reversed, so that only the package has them.
 * @param {any} t
 * @param {boolean} harden
 * @param {string} dir  its working directory, where the kernel writes
 */
async function startHolder(t, harden, dir) {
  const [held, control] = ['held', 'control'].map((name) => `sentinel-${name}-${randomBytes(8).toString('hex')}`)
  const reversed = (/** @type {string} */ text) => [...text].reverse().join('')
  const body = `
    if (input.harden) main.hardenWorker()
    const bytes = Buffer.from(input.held).reverse()
    globalThis.control = Buffer.from(input.control).reverse().toString('latin1')
    globalThis.env = main.buildProviderEnv({ apiKey: bytes, userEnvKeys: { A: globalThis.control } }, { workspace: { home: '/tmp' } })
    say('ready')
    await pause(120_000)`
  const input = { harden, held: reversed(held), control: reversed(control) }
  const worker = startWorker(t, body, {
    main: copyPackage(t),
    input,
    before: ['prlimit', '--core=unlimited'],
    spawn: { uid: UID, gid: UID, cwd: dir }
  })
  assert.equal(await worker.next(), 'ready')
  return { worker, wanted: [held, control].map((text) => Buffer.from(text)) }
}

/** @param {any} t */
function openTo(t) {
  const dir = makeOpenDir('provider-env-core-')
  fs.chownSync(dir, UID, UID)
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A dump by a debugger that runs as this uid; undefined where it may not. @param {string} dir @param {number} pid @param {number} uid */
function dumpAs(dir, pid, uid) {
  const prefix = path.join(dir, `by-${uid}`)
  spawnSync('gcore', ['-o', prefix, String(pid)], { uid, gid: uid, cwd: dir, timeout: 240_000 })
  const file = `${prefix}.${pid}`
  return fs.existsSync(file) ? file : undefined
}

for (const harden of [false, true]) {
  const how = harden ? 'with hardenWorker()' : 'without hardenWorker()'

  test(`a debugger's dump, ${how}`, { skip: skipGcore }, async (t) => {
    const dir = openTo(t)
    const { worker, wanted } = await startHolder(t, harden, dir)
    const own = dumpAs(dir, worker.pid, UID)
    assert.equal(own === undefined, harden, 'whether its own uid may')
    // Root always may; what it gets has the string, so the search finds what is there, and not the bytes.
    for (const file of [own, dumpAs(dir, worker.pid, 0)].filter((each) => each !== undefined)) {
      const [held, control] = countInFile(file, wanted)
      t.diagnostic(`${path.basename(file)}: ${held} copies of the key that came as bytes, ${control} of the one that came as a string`)
      assert.equal(held, 0)
      assert.ok(control > 0, 'the control')
    }
  })

  test(`the kernel's dump, ${how}`, { skip: skipKernel }, async (t) => {
    const dir = openTo(t)
    const { worker, wanted } = await startHolder(t, harden, dir)
    worker.kill('SIGABRT')
    await worker.ended
    const files = fs.readdirSync(dir)
    if (harden) return assert.deepEqual(files, [], 'there is none')
    assert.equal(files.length, 1, files.join())
    const [held, control] = countInFile(path.join(dir, files[0]), wanted)
    t.diagnostic(`${held} copies of the key that came as bytes, ${control} of the one that came as a string`)
    assert.equal(held, 0)
    assert.ok(control > 0, 'the control')
  })
}
