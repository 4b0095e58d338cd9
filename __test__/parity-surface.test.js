// The surface of a ChildProcess, walked: each of its public properties, and each option of child_process.spawn(), is here too.
'use strict'

const assert = require('node:assert/strict')
const { ChildProcess, spawn } = require('node:child_process')
const { EventEmitter, getEventListeners, once } = require('node:events')
const fs = require('node:fs')
const { Socket } = require('node:net')
const test = require('node:test')
const { spawnProvider } = require('../index.js')
const { endAfter } = require('./support/kernel.js')
const { KEYS, firstLine, ids, makeEnv, needsLinux } = require('./support/launch.js')

/** Not documented: what child_process itself starts by, and what belongs to a channel of messages. */
const INTERNAL = ['spawn', 'constructor']

/** Public names and symbols of an object, up to EventEmitter's prototype. @param {any} child */
function surface(child) {
  /** @type {Set<string | symbol>} */
  const all = new Set()
  for (let from = child; from !== EventEmitter.prototype; from = Object.getPrototypeOf(from)) {
    for (const key of Reflect.ownKeys(from)) all.add(key)
  }
  const own = [...all].filter((key) =>
    typeof key === 'string'
      ? !key.startsWith('_') && !INTERNAL.includes(key)
      : Object.values(Object.getOwnPropertyDescriptors(Symbol)).some(({ value }) => value === key)
  )
  return own.sort((a, b) => String(a).localeCompare(String(b)))
}

/** @param {any} t @param {string} script @param {any} [options] @returns {[any, any]} */
function both(t, script, options) {
  const { env } = makeEnv(t)
  return [
    spawn('/bin/sh', ['-c', script], { cwd: '/', ...ids, ...options }),
    spawnProvider(env, { command: '/bin/sh', args: ['-c', script], workspaceTrust: 'trusted', cwd: '/', ...ids, ...options })
  ]
}

test('every public property of a ChildProcess is one of ours, of the same kind', { skip: needsLinux }, async (t) => {
  const [theirs, ours] = both(t, 'read line; exit 3')
  const names = surface(theirs)
  for (const name of [
    'connected',
    'exitCode',
    'kill',
    'killed',
    'pid',
    'ref',
    'signalCode',
    'spawnargs',
    'spawnfile',
    'stderr',
    'stdin',
    'stdio',
    'stdout',
    'unref',
    Symbol.dispose
  ]) {
    assert.ok(names.includes(name), `Node has no ${String(name)}`)
  }
  const kinds = (/** @type {any} */ child) =>
    names.map((name) => [
      name,
      Array.isArray(child[name]) ? 'array' : child[name] === null ? 'null' : name in child ? typeof child[name] : 'missing'
    ])
  await Promise.all([once(theirs, 'spawn'), once(ours, 'spawn')])
  assert.deepEqual(kinds(ours), kinds(theirs), 'while they run')
  for (const child of [theirs, ours]) child.stdin.end('\n')
  await Promise.all([once(theirs, 'close'), once(ours, 'close')])
  assert.deepEqual(kinds(ours), kinds(theirs), 'after the end')
  for (const name of ['connected', 'exitCode', 'killed', 'signalCode']) assert.equal(ours[name], theirs[name], name)
  assert.deepEqual([ours.ref(), ours.unref(), ours.kill()], [theirs.ref(), theirs.unref(), theirs.kill()])
})

/** What a caller can ask a stream: all but what the docs name ("`stdout`, `stderr`"). */
const OF_STREAMS = /** @type {const} */ ([
  'readable',
  'readableHighWaterMark',
  'writableHighWaterMark',
  'readableFlowing',
  'readableEnded',
  'readableEncoding',
  'readableObjectMode',
  'allowHalfOpen',
  'pending',
  'connecting',
  'destroyed',
  'closed',
  'errored',
  'bytesRead',
  'bytesWritten',
  'timeout',
  'remoteAddress'
])
const OF_STDIN = /** @type {const} */ ([
  ...OF_STREAMS,
  'writable',
  'readyState',
  'writableEnded',
  'writableFinished',
  'writableNeedDrain',
  'writableLength'
])

test('the streams are sockets in the same state, at first, while it runs and at the end', { skip: needsLinux }, async (t) => {
  const children = both(t, 'read line; echo "$line"; exit 3')
  const states = (/** @type {string | undefined} */ but) =>
    children.map((child) => ({
      events: child.eventNames(),
      streams: child.stdio.map((/** @type {any} */ stream) => [
        stream instanceof Socket,
        ...(stream === child.stdin ? OF_STDIN : OF_STREAMS).filter((key) => key !== but).map((key) => [key, stream[key]])
      ])
    }))
  /** @param {string} when @param {string} [but] */
  const alike = (when, but) => {
    const [theirs, ours] = states(but)
    assert.equal(theirs.streams[0][0], true)
    assert.deepEqual(ours, theirs, when)
  }
  alike('at first')
  await Promise.all(children.map((child) => once(child, 'spawn')))
  alike('while it runs')
  for (const child of children) child.stdin.write('a line\n')
  await Promise.all(children.map((child) => once(child, 'close')))
  // `child_process` makes a stream flow that is not read, unless it has ended before the exit was heard of.
  alike('at the end', 'readableFlowing')
})

test('spawnargs is what the program was given, as /proc has it, and holds no secret', { skip: needsLinux }, async (t) => {
  for (const provider of /** @type {const} */ (['claude', 'codex'])) {
    const { env, homes } = makeEnv(t, { provider })
    const script = `${homes.root}/cli`
    fs.writeFileSync(script, '#!/bin/sh\necho ready\nread line\n', { mode: 0o755 })
    const child = spawnProvider(env, {
      ...ids,
      command: script,
      args: provider === 'codex' ? ['exec', 'two words', ''] : ['-p', 'two words', '']
    })
    await firstLine(child)
    const [interpreter, ...argv] = fs.readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
    assert.equal(interpreter, '/bin/sh')
    assert.deepEqual(child.spawnargs, argv)
    assert.ok(child.spawnargs.length > 4, 'ours are among them')
    assert.equal(child.spawnargs[0], child.spawnfile)
    assert.doesNotMatch(child.spawnargs.join(), new RegExp(KEYS[provider]))
    child.spawnargs.push('a copy')
    assert.deepEqual(child.spawnargs, argv)
    child.stdin.end('\n')
    await once(child, 'close')
  }
})

test('the abort listener is there until the exit, and no longer', { skip: needsLinux }, async (t) => {
  const controllers = [new AbortController(), new AbortController()]
  const listeners = () => controllers.map(({ signal }) => getEventListeners(signal, 'abort').length)
  const { env } = makeEnv(t)
  // What holds a stream open keeps `close` from coming.
  const script = 'sleep 60 & echo $!; read line'
  const theirs = spawn('/bin/sh', ['-c', script], { cwd: '/', ...ids, signal: controllers[0].signal })
  const ours = spawnProvider(env, {
    command: '/bin/sh',
    args: ['-c', script],
    workspaceTrust: 'trusted',
    killGroupOnExit: false,
    ...ids,
    signal: controllers[1].signal
  })
  const left = await Promise.all([theirs, ours].map(firstLine))
  const ends = left.map((pid) => endAfter(t, Number(pid)))
  assert.deepEqual(listeners(), [1, 1])
  const atExit = Promise.all(
    [theirs, ours].map((child, index) => new Promise((resolve) => child.once('exit', () => resolve(listeners()[index]))))
  )
  const closed = Promise.all([once(theirs, 'close'), once(ours, 'close')])
  for (const { stdin } of [theirs, ours]) stdin.end('\n')
  assert.deepEqual(await atExit, [0, 0])
  // An abort says nothing to anybody then.
  for (const child of [theirs, ours]) child.on('error', assert.fail)
  for (const controller of controllers) controller.abort()
  for (const end of ends) end()
  await closed
  const failed = spawnProvider(env, { command: '/bin/sh', cwd: '/nowhere', ...ids, signal: new AbortController().signal })
  await assert.rejects(failed.spawned)
})

test('an abort before the start counts as a signal', { skip: needsLinux }, async (t) => {
  const children = both(t, 'exec sleep 60', { signal: AbortSignal.abort() })
  await Promise.all(children.map((child) => new Promise((resolve) => child.on('error', () => {}).once('close', resolve))))
  assert.deepEqual(
    children.map(({ killed }) => killed),
    [true, true]
  )
})

test('values that are no signal, no path and no text are refused alike', { skip: needsLinux }, (t) => {
  const { env } = makeEnv(t)
  /** What is thrown, as its code. @param {() => any} call */
  const refusal = (call) => {
    try {
      call()
        .on('error', () => {})
        .kill('SIGKILL')
      return 'started'
    } catch (error) {
      return /** @type {any} */ (error).code
    }
  }
  /** @type {[string, any[]][]} */
  const values = [
    ['killSignal', [0, 'SIGFOO', 'sigint', 2, 999, -1, 1.5, undefined]],
    ['cwd', ['/a\0b', 5, undefined]],
    ['uid', ['1', true]],
    ['signal', [{}, 5, undefined]],
    ['stdio', ['pipe', 'nothing', 5, ['ignore', 'ignore', 2], undefined]],
    ['args', [['a\0b'], [''], 'text', 5, undefined]]
  ]
  for (const [name, all] of values) {
    for (const value of all) {
      const { args = ['-c', 'exit 0'], ...options } = { cwd: '/', ...ids, [name]: value }
      const theirs = refusal(() => spawn('/bin/sh', args, options))
      const ours = refusal(() => spawnProvider(env, { command: '/bin/sh', args, workspaceTrust: 'trusted', ...options }))
      assert.equal(ours, theirs, `${name}: ${JSON.stringify(value)}`)
    }
  }
})

test('the end of a block ends the process', { skip: needsLinux }, async (t) => {
  const children = both(t, 'exec sleep 60')
  for (const child of children) {
    const closed = once(child, 'close')
    assert.equal(child[Symbol.dispose](), undefined)
    assert.deepEqual([await closed, child.killed], [[null, 'SIGTERM'], true])
    assert.equal(child[Symbol.dispose](), undefined)
  }
  assert.ok(children[0] instanceof ChildProcess)
})
