// The same rows through child_process.spawn() and through spawnProvider(): what a caller sees is the same, except where a
// row says how we differ on purpose.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { spawn } = require('node:child_process')
const test = require('node:test')
const { spawnProvider } = require('../index.js')
const { ids, knownShell, makeEnv, needsLinux } = require('./support/launch.js')
const { documentedDifferences } = require('./support/differences.js')
const { makeOpenDir } = require('./support/homes.js')

/** Node looks on it as the target, so that a directory that is closed to it would change the errno. */
const PATH = '/usr/local/bin:/usr/bin:/bin'

/** @typedef {(child: any, seen: any) => unknown} Act */
/**
 * @typedef {object} Row
 * @property {string} [script]  run by /bin/sh
 * @property {string} [command]  instead of it
 * @property {any} [options]
 * @property {Act} [act]  what the caller does once it can listen
 * @property {boolean} [unread]  nobody reads the streams
 * @property {(seen: any) => void} check  what both must show, so that two that do nothing are not equal
 * @property {Record<string, Record<string, [unknown, unknown]>>} [differ]  a difference that the docs name → field → [child_process, ours]
 */

const FAILED = (/** @type {number} */ errno) => (/** @type {any} */ seen) => {
  assert.deepEqual(seen.events, ['error', `close ${errno} null`])
  assert.deepEqual([seen.pid, seen.error.errno, seen.exitCode, seen.signalCode], [false, errno, errno, null])
}
const onSpawn = (/** @type {Act} */ act) => (/** @type {any} */ child, /** @type {any} */ seen) =>
  child.once('spawn', () => act(child, seen))
const onData = (/** @type {Act} */ act) => (/** @type {any} */ child, /** @type {any} */ seen) =>
  child.stdout.once('data', () => act(child, seen))
/** Signals and notes what kill() says. */
const kill =
  (/** @type {any[]} */ ...signal) =>
  (/** @type {any} */ child, /** @type {any} */ seen) =>
    seen.notes.push(child.kill(...signal))
const killsOnSpawn = (/** @type {any[]} */ ...signal) => onSpawn(kill(...signal))

/** @type {Record<string, Row>} */
const ROWS = {
  'exit 0': { script: 'exit 0', check: (seen) => assert.deepEqual(seen.events, ['spawn', 'exit 0 null', 'close 0 null']) },
  'exit 3': { script: 'exit 3', check: (seen) => assert.deepEqual([seen.exitCode, seen.signalCode], [3, null]) },
  'ended by a signal': {
    script: 'kill -9 $$',
    check: (seen) => assert.deepEqual(seen.events, ['spawn', 'exit null SIGKILL', 'close null SIGKILL'])
  },
  'output on both streams': {
    script: 'echo out; echo err >&2; printf "no newline"',
    check: (seen) => assert.deepEqual([seen.stdout, seen.stderr], ['out\nno newline', 'err\n'])
  },
  '8 MB of output': {
    script: 'head -c 8388608 /dev/zero | tr "\\0" x',
    check: (seen) => assert.deepEqual([seen.stdout.length, seen.stdout.replaceAll('x', '')], [8 * 1024 * 1024, ''])
  },
  'streams that nobody reads': {
    script: 'echo unread; echo unread >&2',
    unread: true,
    check: (seen) => assert.equal(seen.events.at(-1), 'close 0 null')
  },
  'a slow reader gets all of it': {
    script: 'head -c 300000 /dev/zero | tr "\\0" y',
    unread: true,
    act: async (child, seen) => {
      for await (const chunk of child.stdout) {
        seen.stdout += chunk
        await new Promise((resolve) => setTimeout(resolve, 3))
      }
    },
    check: (seen) => assert.equal(seen.stdout.length, 300000)
  },
  'stdin comes back': {
    script: 'cat',
    act: (child) => child.stdin.end(`${'line\n'.repeat(50_000)}last`),
    check: (seen) => assert.equal(seen.stdout.length, 250_004)
  },
  'stdin that is closed at once': {
    script: 'cat; echo end',
    act: (child) => child.stdin.end(),
    check: (seen) => assert.equal(seen.stdout, 'end\n')
  },
  'stdin of a child that closed it': {
    script: 'exec 0<&-; echo closed; exec sleep 60',
    act: onData((child, seen) => {
      child.stdin.on('error', (/** @type {any} */ error) => {
        seen.notes.push(error.code, error.syscall)
        child.kill('SIGKILL')
      })
      child.stdin.write('nobody reads this')
    }),
    check: (seen) => assert.deepEqual(seen.notes, ['EPIPE', 'write'])
  },
  'kill() is SIGTERM': {
    script: 'exec sleep 60',
    act: killsOnSpawn(),
    check: (seen) => assert.deepEqual([seen.notes, seen.killed, seen.signalCode], [[true], true, 'SIGTERM'])
  },
  'kill(9)': { script: 'exec sleep 60', act: killsOnSpawn(9), check: (seen) => assert.equal(seen.signalCode, 'SIGKILL') },
  'a signal in lower case': {
    script: 'exec sleep 60',
    act: killsOnSpawn('sigint'),
    check: (seen) => assert.deepEqual([seen.notes, seen.signalCode], [[true], 'SIGINT'])
  },
  'kill before spawn': {
    script: 'exec sleep 60',
    act: kill('SIGKILL'),
    check: (seen) => assert.deepEqual([seen.notes, seen.killed, seen.signalCode], [[true], true, 'SIGKILL'])
  },
  'kill(0) asks only': {
    script: 'read line; exit 4',
    act: onSpawn((child, seen) => {
      seen.notes.push(child.kill(0), child.killed)
      child.stdin.end('x\n')
    }),
    check: (seen) => assert.deepEqual([seen.notes[0], seen.exitCode], [true, 4])
  },
  'kill of an unknown signal': {
    script: 'read line; exit 4',
    act: onSpawn((child, seen) => {
      for (const signal of ['SIGFOO', 'sigfoo', 'toString', 37, 999, -1, 1.5]) {
        try {
          seen.notes.push(child.kill(signal))
        } catch (error) {
          seen.notes.push(/** @type {any} */ (error).code, error instanceof TypeError)
        }
      }
      child.stdin.end('x\n')
    }),
    check: (seen) =>
      assert.deepEqual([seen.notes, seen.killed, seen.exitCode], [Array(7).fill(['ERR_UNKNOWN_SIGNAL', true]).flat(), false, 4])
  },
  'kill after the exit': {
    script: 'exit 0',
    act: (child, seen) => child.once('exit', () => kill()(child, seen)),
    check: (seen) => assert.deepEqual([seen.notes, seen.killed], [[false], false])
  },
  'a signal that the child handles': {
    script: 'trap "echo got; exit 7" USR1; echo ready; read line; exit 8',
    act: onData(kill('SIGUSR1')),
    check: (seen) => assert.deepEqual([seen.stdout, seen.exitCode, seen.killed], ['ready\ngot\n', 7, true])
  },
  'no such program': {
    command: '/nowhere/claude',
    check: FAILED(-2),
    differ: { 'A failed start': { code: ['ENOENT', 'ERR_PROVIDER_PROGRAM_NOT_FOUND'], syscall: ['spawn /nowhere/claude', 'spawn'] } }
  },
  'no such name on the PATH': {
    command: 'claude-that-nobody-has',
    check: FAILED(-2),
    differ: { 'A failed start': { code: ['ENOENT', 'ERR_PROVIDER_PROGRAM_NOT_FOUND'], syscall: ['spawn claude-that-nobody-has', 'spawn'] } }
  },
  'a program that is not executable': {
    command: '/etc/passwd',
    check: FAILED(-13),
    differ: { 'A failed start': { code: ['EACCES', 'ERR_PROVIDER_PROGRAM_UNREACHABLE'], syscall: ['spawn /etc/passwd', 'spawn'] } }
  },
  'a missing working directory': {
    script: 'exit 0',
    options: { cwd: '/nowhere/at/all' },
    check: FAILED(-2),
    // Node blames the program; we name the step and the directory.
    differ: {
      'A failed start': {
        code: ['ENOENT', 'ERR_PROVIDER_SPAWN_FAILED'],
        syscall: ['spawn /bin/sh', 'chdir'],
        path: ['/bin/sh', '/nowhere/at/all']
      }
    }
  },
  'stdio ignore': {
    script: 'cat; echo lost; exit 5',
    options: { stdio: 'ignore' },
    check: (seen) => assert.deepEqual([seen.exitCode, seen.streams, seen.events.at(-1)], [5, [false, false, false], 'close 5 null'])
  },
  'some of stdio': {
    script: 'cat; echo out; echo lost >&2',
    options: { stdio: ['ignore', 'pipe', 'ignore'] },
    check: (seen) => assert.deepEqual([seen.stdout, seen.streams], ['out\n', [false, true, false]])
  },
  'handlers, masks and ignored signals do not pass': {
    script: 'exec cat /proc/self/status | sed -nE "s/^Sig(Blk|Ign|Cgt):.//p"',
    check: (seen) => assert.equal(seen.stdout, `${'0'.repeat(16)}\n`.repeat(3))
  },
  'the working directory and the arguments': {
    script: 'pwd; echo "$0|$1|$#"',
    options: { cwd: '/usr', args: ['first', 'two words', ''] },
    check: (seen) => assert.equal(seen.stdout, '/usr\nfirst|two words|2\n')
  }
}

/** Listens before anything can happen, acts, and waits for the end. */
async function observe(/** @type {any} */ child, /** @type {Row} */ { act, unread }) {
  /** @type {any} */
  const seen = { events: [], notes: [], stdout: '', stderr: '' }
  for (const name of ['spawn', 'error']) child.on(name, () => seen.events.push(name))
  for (const name of ['exit', 'close'])
    child.on(name, (/** @type {any} */ code, /** @type {any} */ signal) => seen.events.push(`${name} ${code} ${signal}`))
  child.on('error', (/** @type {any} */ { errno, code, syscall, path: at }) => (seen.error = { errno, code, syscall, path: at }))
  if (!unread)
    for (const name of ['stdout', 'stderr'])
      child[name]?.setEncoding('utf8').on('data', (/** @type {string} */ text) => (seen[name] += text))
  child.stdin?.on('error', () => {})
  const closed = new Promise((resolve) => child.once('close', resolve))
  await Promise.all([act?.(child, seen), closed])
  const { exitCode, signalCode, killed, pid, spawnargs, connected } = child
  const args = pid === undefined ? null : spawnargs.slice(1)
  return {
    ...seen,
    exitCode,
    signalCode,
    killed,
    connected,
    args,
    pid: pid !== undefined,
    streams: child.stdio.map((/** @type {any} */ stream) => stream !== null)
  }
}

for (const [what, row] of Object.entries(ROWS)) {
  test(what, { skip: needsLinux }, async (t) => {
    process.on('SIGUSR2', Boolean) // a handler of this process, which no child may have
    t.after(() => process.off('SIGUSR2', Boolean))
    const { env } = makeEnv(t, {}, { set: { PATH } })
    const { args = [], ...options } = row.options ?? {}
    const command = row.command ?? '/bin/sh'
    const argv = row.script === undefined ? args : ['-c', row.script, ...args]
    const theirs = await observe(spawn(command, argv, { cwd: '/', env: { PATH }, ...ids, ...options }), row)
    const ours = await observe(spawnProvider(env, { cwd: '/', command, args: argv, workspaceTrust: 'trusted', ...ids, ...options }), row)
    row.check(theirs)
    row.check(ours)
    for (const [difference, fields] of Object.entries(row.differ ?? {})) {
      assert.ok(documentedDifferences().includes(difference), difference)
      for (const [field, [node, own]] of Object.entries(fields)) {
        assert.deepEqual([theirs.error[field], ours.error[field]], [node, own], `${field} differs on purpose`)
        delete theirs.error[field]
        delete ours.error[field]
      }
    }
    assert.deepEqual(ours, theirs)
  })
}

test('a descriptor by number as a stream', { skip: needsLinux }, async (t) => {
  const { env } = makeEnv(t)
  const dir = makeOpenDir('provider-env-parity-')
  t.after(() => fs.rmSync(dir, { recursive: true }))
  const written = ['theirs', 'ours'].map((name) => path.join(dir, name))
  const files = written.map((name) => fs.openSync(name, 'w'))
  const source = fs.openSync('/etc/passwd', 'r')
  const argv = ['-c', 'head -c 7 >&2; echo; readlink /proc/self/fd/2']
  const theirs = await observe(spawn('/bin/sh', argv, { cwd: '/', ...ids, stdio: [source, 'pipe', files[0]] }), { check: () => {} })
  fs.closeSync(source)
  const again = fs.openSync('/etc/passwd', 'r')
  const child = spawnProvider(env, {
    command: '/bin/sh',
    args: argv,
    workspaceTrust: 'trusted',
    cwd: '/',
    ...ids,
    stdio: [again, 'pipe', files[1]]
  })
  // The start has its own copies: the caller may close these at once.
  for (const fd of [again, ...files]) fs.closeSync(fd)
  const ours = await observe(child, { check: () => {} })
  assert.deepEqual([theirs.stdout.trim(), ours.stdout.trim()], written)
  const [one, other] = written.map((name) => fs.readFileSync(name, 'utf8'))
  assert.deepEqual([one.length, other], [7, one])
})

test('inherited streams are this process’s own', { skip: needsLinux }, async (t) => {
  const { env } = makeEnv(t)
  const script = `
    const { spawnProvider, buildProviderEnv } = require(${JSON.stringify(require.resolve('../index.js'))})
    const env = buildProviderEnv({ apiKey: 'sk-x' }, { workspace: ${JSON.stringify({ home: '/', tmpDir: env.get('TMPDIR') })} })
    const child = spawnProvider(env, { ...${JSON.stringify(ids)}, command: ${JSON.stringify(knownShell())}, args: ['-c', 'cat; echo err >&2'], workspaceTrust: 'trusted', stdio: 'inherit' })
    console.assert(child.stdin === null && child.stdout === null && child.stderr === null, 'streams')`
  const child = spawn(process.execPath, ['-e', script])
  child.stdin.end('through two processes')
  const seen = await observe(child, { check: () => {} })
  assert.deepEqual([seen.stdout, seen.stderr, seen.exitCode], ['through two processes', 'err\n', 0])
})

test('nothing is read from a child before spawn: its pid is known then', { skip: needsLinux }, async (t) => {
  const { env } = makeEnv(t)
  const early = /** @type {string[]} */ ([])
  const one = () =>
    new Promise((resolve) => {
      const child = spawnProvider(env, { ...ids, command: '/bin/sh', args: ['-c', 'echo x'], workspaceTrust: 'trusted' })
      child.stdout?.once('data', () => {
        if (child.pid === undefined) early.push('data')
      })
      child.once('close', resolve)
    })
  for (let batch = 0; batch < 10; batch += 1) await Promise.all(Array.from({ length: 20 }, one))
  assert.deepEqual(early, [])
})
