// A failure that only the system can report is an `error` event with both starts, and never thrown; a wrong argument is thrown.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { execFile } = require('node:child_process')
const { once } = require('node:events')
const test = require('node:test')
const { promisify } = require('node:util')
const { spawnPortable } = require('./support/portable.js')
const { spawnProvider } = require('../index.js')
const { makeHomes } = require('./support/homes.js')
const { UID, ids, isRoot, makeEnv, needsLinux, needsRoot, outcome, workspaceOf } = require('./support/launch.js')

const FIXTURE = path.join(__dirname, 'fixtures', 'without-descriptors.js')

/** @type {Record<string, (env: any, options: any) => any>} */
const STARTS = {
  native: spawnProvider,
  portable: spawnPortable
}

/** Why a start cannot be, by the options that make it so; the error's code and parts. @type {Record<string, { options: (homes: any) => any, error: object, skip?: any }>} */
const OF_SYSTEM = {
  'no such program': { options: () => ({ command: '/nowhere' }), error: { code: 'ERR_PROVIDER_PROGRAM_NOT_FOUND', path: '/nowhere' } },
  'a program that the target cannot run': {
    options: ({ root }) => {
      fs.mkdirSync(path.join(root, 'closed'), { mode: 0o700 })
      fs.copyFileSync('/bin/true', path.join(root, 'closed', 'cli'))
      return { command: path.join(root, 'closed', 'cli') }
    },
    error: { code: 'ERR_PROVIDER_PROGRAM_UNREACHABLE' },
    skip: needsRoot
  },
  'no working directory': { options: () => ({ command: '/bin/true', cwd: '/nowhere' }), error: { code: 'ERR_PROVIDER_SPAWN_FAILED' } },
  'more arguments than the kernel takes': {
    options: () => ({ command: '/bin/true', args: Array(100).fill('x'.repeat(100_000)) }),
    error: { code: 'ERR_PROVIDER_ENV_TOO_LARGE' }
  }
}

/** Options that say it themselves, and the error's code. @type {[any, string][]} */
const OF_ARGUMENTS = [
  [{ cwd: 'relative' }, 'ERR_INVALID_ARG_VALUE'],
  [{ args: ['a\0b'] }, 'ERR_INVALID_ARG_VALUE'],
  [{ stdio: ['ignore', 'pipe', 9999] }, 'ERR_INVALID_ARG_VALUE'],
  [{ command: '' }, 'ERR_INVALID_ARG_VALUE'],
  [{ uid: UID, gid: undefined }, 'ERR_PROVIDER_PRIVILEGE_REFUSED']
]

for (const [how, start] of Object.entries(STARTS)) {
  for (const [what, { options, error, skip = needsLinux }] of Object.entries(OF_SYSTEM)) {
    test(`${how}, emitted: ${what}`, { skip }, async (t) => {
      const { env, homes } = makeEnv(t)
      const child = start(env, { ...ids, workspaceTrust: 'trusted', ...options(homes) })
      // The types promise them.
      for (const stream of child.stdio) assert.equal(typeof stream?.on, 'function')
      child.stdin.on('error', () => {})
      child.stdin.write('nobody reads it')
      const seen = await outcome(child)
      assert.deepEqual([seen.events, seen.stdout, child.pid], [['error', 'close'], '', undefined])
      assert.ok(child.exitCode < 0)
      for (const [name, value] of Object.entries({ ...error, provider: 'claude' })) assert.equal(seen.error[name], value)
    })
  }

  test(`${how}, thrown: wrong arguments`, { skip: needsLinux }, (t) => {
    const { env } = makeEnv(t)
    for (const [options, code] of OF_ARGUMENTS) {
      assert.throws(
        () => start(env, { ...ids, command: '/bin/true', workspaceTrust: 'trusted', ...options }),
        { code },
        JSON.stringify(options)
      )
    }
  })

  test(`${how}: an aborted start has its streams too`, { skip: needsLinux }, async (t) => {
    const { env } = makeEnv(t)
    const child = start(env, { ...ids, command: '/bin/true', workspaceTrust: 'trusted', signal: AbortSignal.abort() })
    for (const stream of child.stdio) assert.equal(typeof stream?.on, 'function')
    const { error, events } = await outcome(child)
    assert.deepEqual([error?.code, events], ['ERR_PROVIDER_ABORTED', ['error', 'close']])
  })
}

test('the portable start as a uid that this process may not become', { skip: isRoot ? 'root may become anybody' : false }, async (t) => {
  const { env } = makeEnv(t)
  const child = STARTS.portable(env, { uid: UID, gid: UID, command: '/bin/true', workspaceTrust: 'trusted' })
  const [error] = await once(child, 'error')
  assert.equal(error.code, 'ERR_PROVIDER_SPAWN_FAILED')
})

for (const how of ['native', 'portable']) {
  test(`${how}: a worker without a descriptor left`, { skip: needsLinux }, async (t) => {
    const workspace = JSON.stringify(workspaceOf(makeHomes({ uid: ids.uid, test: t })))
    // A separate limit, whatever the test's is.
    const { stdout } = await promisify(execFile)('/bin/sh', [
      '-c',
      'ulimit -n 256; exec "$@"',
      'sh',
      process.execPath,
      FIXTURE,
      how,
      workspace,
      JSON.stringify(ids)
    ])
    const { starts, commands, after, open } = JSON.parse(stdout)
    for (const { free, thrown, events, error, streams } of starts) {
      assert.equal(thrown, null, `${free} free: thrown`)
      assert.deepEqual(streams, ['object', 'object', 'object'], `${free} free`)
      if (events.includes('exit')) continue
      assert.deepEqual(events, ['error', 'close'], `${free} free`)
      assert.deepEqual([error.code, error.errno], ['ERR_PROVIDER_SPAWN_FAILED', -24], `${free} free: ${error.message}`)
    }
    assert.equal(starts[0].events.at(0), 'error')
    assert.ok(
      commands.every((/** @type {any} */ each) => each.thrown === null),
      JSON.stringify(commands)
    )
    assert.deepEqual([after.events, after.code], [['spawn', 'exit', 'close'], 0])
    // child_process itself leaves some of them open.
    if (how === 'native') assert.equal(open.after, open.before)
  })
}
