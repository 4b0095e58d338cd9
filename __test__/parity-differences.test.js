// Where a ProviderProcess is not what a ChildProcess is: each difference that docs/migration.md names, shown on both sides.
'use strict'

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { ChildProcess, spawn } = require('node:child_process')
const { once } = require('node:events')
const test = require('node:test')
const { spawnProvider } = require('../index.js')
const { KEYS, UID, firstLine, ids, makeEnv, needsLinux, needsRoot, outcome, workspaceOf } = require('./support/launch.js')
const { documentedDifferences } = require('./support/differences.js')
const { startWorker } = require('./support/worker.js')
const { endAfter, isRunning, until } = require('./support/kernel.js')

const STAYS = 'exec sleep 60'
const PATH = '/usr/local/bin:/usr/bin:/bin'

/**
 * @typedef {{ start: (script: string, options?: any) => any, isOurs: boolean, t: any }} Side
 * @typedef {object} Difference
 * @property {(side: Side) => any} see  what is seen of the same start, through child_process and through us
 * @property {[unknown, unknown]} expect  of child_process, of ours
 * @property {boolean} [root]  only root can show it
 */

/** What is thrown, as its name and code. @param {() => any} call */
function refusal(call) {
  try {
    call()
      .on('error', () => {})
      .kill('SIGKILL')
    return 'started'
  } catch (error) {
    return /** @type {any} */ (error).code
  }
}

/** @param {any} child */
async function ended(child) {
  const { code, signal, error, events } = await outcome(child)
  return { code, signal, error: error && [error.name, error.code], events, killed: child.killed }
}

const REFUSED = 'ERR_INVALID_ARG_VALUE'

/**
 * A separate worker with `start`, for what would end this one.
 * @param {any} t
 * @param {boolean} isOurs
 * @param {string} body
 */
function inWorker(t, isOurs, body) {
  const { homes } = makeEnv(t)
  return startWorker(
    t,
    `
    const theirs = (script, options) => require('node:child_process').spawn('/bin/sh', ['-c', script], { cwd: '/', ...input.ids, ...options })
    const ours = (script, options) => main.spawnProvider(main.buildProviderEnv({ apiKey: 'sk-ant-api03-made-up' }, { workspace: input.workspace }), { command: '/bin/sh', args: ['-c', script], cwd: '/', workspaceTrust: 'trusted', ...input.ids, ...options })
    const start = ${isOurs ? 'ours' : 'theirs'}
    ${body}`,
    { input: { ids, workspace: workspaceOf(homes) } }
  )
}

/** @type {Record<string, Difference>} */
const DIFFERENCES = {
  '`pid`': {
    see: async ({ start }) => {
      const child = start(STAYS)
      const before = typeof child.pid
      await once(child, 'spawn')
      child.kill('SIGKILL')
      return [before, typeof child.pid]
    },
    expect: [
      ['number', 'number'],
      ['undefined', 'number']
    ]
  },
  '`spawnfile`, `spawnargs`': {
    see: async ({ start }) => {
      const child = start('exit 0')
      const before = [typeof child.spawnfile, child.spawnargs.length]
      await once(child, 'close')
      return { before, after: [typeof child.spawnfile, child.spawnargs[0] === child.spawnfile, child.spawnargs.slice(1)] }
    },
    expect: [
      { before: ['string', 3], after: ['string', true, ['-c', 'exit 0']] },
      { before: ['undefined', 0], after: ['string', true, ['-c', 'exit 0']] }
    ]
  },
  'A failed start': {
    see: ({ start }) => ended(start('exit 0', { cwd: '/nowhere' })),
    expect: [
      { code: -2, signal: null, error: ['Error', 'ENOENT'], events: ['error', 'close'], killed: false },
      { code: -2, signal: null, error: ['ProviderError', 'ERR_PROVIDER_SPAWN_FAILED'], events: ['error', 'close'], killed: false }
    ]
  },
  'An `error` that nobody listens for': {
    see: async ({ isOurs, t }) => {
      const worker = inWorker(
        t,
        isOurs,
        `
        process.on('uncaughtException', ({ code }) => say(['uncaught', code]))
        const child = start('exit 0', { cwd: '/nowhere' })
        const failure = child.exited?.catch(({ code }) => say(['rejected', code]))
        await failure`
      )
      return await worker.next()
    },
    expect: [
      ['uncaught', 'ENOENT'],
      ['rejected', 'ERR_PROVIDER_SPAWN_FAILED']
    ]
  },
  'A throw in a listener of `exit`': {
    see: async ({ isOurs, t }) => {
      const worker = inWorker(
        t,
        isOurs,
        `
        process.on('uncaughtException', () => {})
        const child = start('exit 3')
        child.once('exit', () => { throw new Error('made-up') })
        let closed = false
        child.once('close', () => (closed = true))
        const streams = [child.stdout, child.stderr].map((stream) => new Promise((resolve) => stream.resume().once('close', resolve)))
        await Promise.all([...streams, new Promise((resolve) => child.prependListener('exit', resolve))])
        // What comes at all comes with these.
        for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate)
        say(closed)`
      )
      return await worker.next()
    },
    expect: [false, true]
  },
  "The context of an abort's `error` (`AsyncLocalStorage`)": {
    see: async ({ start }) => {
      const whose = new AsyncLocalStorage()
      const controller = new AbortController()
      const child = whose.run('the start’s', () => start(STAYS, { signal: controller.signal }))
      const seen = new Promise((resolve) => child.once('error', () => resolve(whose.getStore())))
      await once(child, 'spawn')
      whose.run('the abort’s', () => controller.abort())
      await once(child, 'close')
      return await seen
    },
    expect: ['the abort’s', 'the start’s']
  },
  'An abort': {
    see: async ({ start, isOurs }) => {
      const controller = new AbortController()
      const child = start('trap "" TERM; echo ready; while :; do sleep 0.1; done', {
        signal: controller.signal,
        ...(isOurs ? { killGraceMs: 50 } : {})
      })
      child.on('error', () => {})
      await once(child.stdout, 'data')
      const result = ended(child)
      controller.abort()
      if (!isOurs) {
        // One signal, which it ignores.
        await new Promise((resolve) => setTimeout(resolve, 150))
        assert.equal(isRunning(child.pid), true)
        child.kill('SIGKILL')
      }
      const { signal, error, killed } = await result
      return { signal, error, killed }
    },
    expect: [
      { signal: 'SIGKILL', error: ['AbortError', 'ABORT_ERR'], killed: true },
      { signal: 'SIGKILL', error: ['AbortError', 'ERR_PROVIDER_ABORTED'], killed: true }
    ]
  },
  'A timeout': {
    see: async ({ start, isOurs }) => ended(start(STAYS, { [isOurs ? 'timeoutMs' : 'timeout']: 50 })),
    expect: [
      { code: null, signal: 'SIGTERM', error: null, events: ['spawn', 'exit', 'close'], killed: true },
      {
        code: null,
        signal: 'SIGTERM',
        error: ['TimeoutError', 'ERR_PROVIDER_TIMEOUT'],
        events: ['spawn', 'error', 'exit', 'close'],
        killed: true
      }
    ]
  },
  '`kill()`': {
    see: async ({ start, isOurs, t }) => {
      const child = start('sleep 60 & echo $!; wait')
      const grandchild = Number(await firstLine(child))
      endAfter(t, grandchild)
      child.kill()
      await once(child, 'exit')
      if (isOurs) await until('the grandchild ends', () => !isRunning(grandchild))
      return isRunning(grandchild)
    },
    expect: [true, false]
  },
  '`kill()` without a signal': {
    see: async ({ start }) => {
      const child = start(STAYS, { killSignal: 'SIGUSR1' })
      await once(child, 'spawn')
      child.kill()
      return (await ended(child)).signal
    },
    expect: ['SIGTERM', 'SIGUSR1']
  },
  'A real-time signal': {
    see: async ({ start }) => {
      const { code, signal } = await outcome(start('kill -37 $$'))
      return [code, signal]
    },
    // libuv reports 37, for which child_process has no name.
    expect: [
      [0, null],
      [null, 'SIGRTMIN+3']
    ]
  },
  '`using child`, after another signal': {
    see: async ({ start, isOurs }) => {
      const child = start('trap : USR1; echo ready; while :; do sleep 0.05; done')
      await firstLine(child)
      child.kill('SIGUSR1')
      child[Symbol.dispose]()
      if (isOurs) await once(child, 'exit')
      const runs = isRunning(child.pid)
      child.kill('SIGKILL')
      return runs
    },
    expect: [true, false]
  },
  'A signal that the kernel refuses': {
    root: true,
    see: async ({ isOurs, t }) => {
      const worker = inWorker(
        t,
        isOurs,
        `
        const child = start('exec sleep 60')
        const errors = []
        child.on('error', ({ code }) => errors.push(code))
        await new Promise((resolve) => child.once('spawn', resolve))
        process.seteuid(input.ids.uid + 1)
        const sent = child.kill('SIGUSR1')
        process.seteuid(0)
        child.kill('SIGKILL')
        child.once('close', () => say({ sent, errors }))`
      )
      return await worker.next()
    },
    expect: [
      { sent: false, errors: ['EPERM'] },
      { sent: false, errors: [] }
    ]
  },
  'What the CLI leaves running': {
    see: async ({ start, isOurs, t }) => {
      const child = start('sleep 60 & echo $!')
      const left = Number(await firstLine(child))
      endAfter(t, left)
      if (child.exitCode === null) await once(child, 'exit')
      if (isOurs) await until('it ends', () => !isRunning(left))
      return isRunning(left)
    },
    expect: [true, false]
  },
  'When the worker dies': {
    see: async ({ isOurs, t }) => {
      const worker = inWorker(
        t,
        isOurs,
        `
        const child = start('exec sleep 60', { stdio: 'ignore' })
        child.once('spawn', () => say(child.pid))
        await pause(60_000)`
      )
      const pid = await worker.next()
      endAfter(t, pid)
      worker.kill('SIGKILL')
      await worker.ended
      if (isOurs) await until('the CLI ends', () => !isRunning(pid))
      return isRunning(pid)
    },
    expect: [true, false]
  },
  'The session': {
    see: async ({ start }) => {
      const { stdout } = await outcome(start('echo $$; cut -d " " -f 5,6 /proc/$$/stat'))
      const [pid, groupAndSession] = stdout.trim().split('\n')
      return groupAndSession === `${pid} ${pid}`
    },
    expect: [false, true]
  },
  '`stdout`, `stderr`': {
    see: async ({ start }) => {
      const child = start('exit 0')
      const seen = [child.stdout, child.stderr].map(({ writable, readyState }) => [writable, readyState])
      await once(child, 'close')
      return seen
    },
    expect: [
      [
        [true, 'open'],
        [true, 'open']
      ],
      [
        [false, 'readOnly'],
        [false, 'readOnly']
      ]
    ]
  },
  Output: {
    see: async ({ start }) =>
      (await outcome(start(`printf %s ${KEYS.claude.slice(0, 8)} >&2; printf %s ${KEYS.claude.slice(8)} >&2`))).stderr,
    expect: [KEYS.claude, '*'.repeat(KEYS.claude.length)]
  },
  'Messages: `send`, `disconnect`, `channel`': {
    see: ({ start }) => refusal(() => start('exit 0', { stdio: ['pipe', 'pipe', 'pipe', 'ipc'] })),
    expect: ['started', REFUSED]
  },
  '`instanceof ChildProcess`, own properties': {
    see: async ({ start }) => {
      const child = start('exit 0')
      await once(child, 'close')
      return [child instanceof ChildProcess, Object.hasOwn(child, 'exitCode')]
    },
    expect: [
      [true, true],
      [false, false]
    ]
  },
  '`stdio`': {
    see: ({ start }) =>
      [null, undefined, 'overlapped', ['pipe'], [undefined, null, 'pipe'], process.stderr, 'inherit'].map((stdio) => {
        return refusal(() => start('exit 0', { stdio }))
      }),
    expect: [Array(7).fill('started').with(5, REFUSED), [REFUSED, 'started', REFUSED, REFUSED, REFUSED, REFUSED, 'started']]
  },
  '`cwd`': {
    see: ({ start }) => ['', '.', new URL('file:///')].map((cwd) => refusal(() => start('exit 0', { cwd }))),
    expect: [
      ['started', 'started', 'started'],
      [REFUSED, REFUSED, 'ERR_INVALID_ARG_TYPE']
    ]
  },
  'The program': {
    see: async ({ start }) => {
      const { code, error } = await outcome(start('exit 5', { command: './sh', cwd: '/bin' }))
      return error?.code ?? code
    },
    expect: [5, 'ERR_PROVIDER_PROGRAM_NOT_FOUND']
  },
  Arguments: {
    see: ({ start }) => [`--key=${KEYS.claude}`, 5].map((text) => refusal(() => start('exit 0', { args: [text] }))),
    expect: [
      ['started', 'started'],
      [REFUSED, 'ERR_INVALID_ARG_TYPE']
    ]
  },
  '`null` for an option': {
    see: ({ start, isOurs }) =>
      ['cwd', 'uid', 'gid', 'timeout'].map((name) => {
        return refusal(() => start('exit 0', { [name === 'timeout' && isOurs ? 'timeoutMs' : name]: null }))
      }),
    expect: [Array(4).fill('started'), Array(4).fill('ERR_INVALID_ARG_TYPE')]
  },
  'Options with other names, and options that do not exist': {
    see: ({ start }) =>
      ['env', 'shell', 'detached', 'timeout', 'argv0', 'serialization', 'windowsHide', 'windowsVerbatimArguments', 'maxBuffer'].map(
        (name) => {
          return refusal(() => start('exit 0', { [name]: undefined }))
        }
      ),
    expect: [Array(9).fill('started'), Array(9).fill(REFUSED)]
  },
  '`uid` and `gid`': {
    root: true,
    see: ({ start }) =>
      [
        { uid: UID, gid: undefined },
        { uid: 0, gid: 0 },
        { uid: -1, gid: -1 },
        { uid: 1.5, gid: 1.5 }
      ].map((own) => refusal(() => start('exit 0', own))),
    expect: [['started', 'started', 'EINVAL', 'ERR_INVALID_ARG_TYPE'], Array(4).fill('ERR_PROVIDER_PRIVILEGE_REFUSED')]
  }
}

test('the differences that are shown here are those that the docs name', () => {
  assert.deepEqual(Object.keys(DIFFERENCES), documentedDifferences())
})

for (const [name, { see, expect, root }] of Object.entries(DIFFERENCES)) {
  test(`${name} differs on purpose`, { skip: needsLinux || (root && needsRoot) }, async (t) => {
    const { env } = makeEnv(t, {}, { set: { PATH } })
    const theirs = (/** @type {string} */ script, /** @type {any} */ { command = '/bin/sh', args = [], ...options } = {}) => {
      return spawn(command, ['-c', script, ...args], { cwd: '/', env: { PATH }, ...ids, ...options })
    }
    const ours = (/** @type {string} */ script, /** @type {any} */ { command = '/bin/sh', args = [], ...options } = {}) => {
      return spawnProvider(env, { command, args: ['-c', script, ...args], cwd: '/', workspaceTrust: 'trusted', ...ids, ...options })
    }
    const seen = [await see({ start: theirs, isOurs: false, t }), await see({ start: ours, isOurs: true, t })]
    assert.deepEqual(seen, expect)
    assert.notDeepEqual(seen[0], seen[1])
  })
}
