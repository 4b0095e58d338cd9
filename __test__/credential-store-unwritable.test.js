// CredentialStore: a refresh token is not used up where new tokens could not be written; a file that is mounted alone is
// written in place, and whole at every moment.
'use strict'

const assert = require('node:assert/strict')
const { execFileSync, spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { status, until } = require('./support/kernel.js')
const { startServingAlone, takesAttributes, whyNoMounts, whyNoStrace } = require('./support/mounts.js')
const { LATE, SOON, makeDir, nextOf } = require('./support/stored-login.js')
const { startTokenEndpoint, tokensOf, writeLogin } = require('./support/token-endpoint.js')

const skip = whyNoMounts()
const UNUSABLE = 'ERR_PROVIDER_CREDENTIAL_FILE_UNUSABLE'
const LOGIN_REQUIRED = 'ERR_PROVIDER_LOGIN_REQUIRED'

/** A login that is about to expire, and its endpoint. @param {any} t @param {any} [options] */
async function makeLogin(t, { expiresAt = SOON(), ...options } = {}) {
  const endpoint = await startTokenEndpoint(t, options)
  const dir = makeDir(t)
  const first = { ...endpoint.issue(), expiresAt }
  const file = writeLogin(dir, 'claude', first)
  return { endpoint, dir, file, first }
}

/** The same, mounted alone into another directory. @param {any} t @param {any} login @param {string[]} [wrapper] */
async function mountAlone(t, { file, endpoint }, wrapper) {
  const dir = makeDir(t)
  const target = path.join(dir, '.credentials.json')
  fs.writeFileSync(target, '')
  const serving = startServingAlone(t, wrapper)
  await serving.run('mount', '--bind', file, target)
  return { ...serving, dir, target, open: () => serving.ask('open', { dir, tokenUrl: endpoint.url }) }
}

/** What runs a process so that it is known when it has been refused the lock, as somebody else has it. @param {any} t */
function traceLocks(t) {
  const log = path.join(makeDir(t), 'flock')
  const isRefused = () => fs.existsSync(log) && fs.readFileSync(log, 'utf8').includes('EAGAIN')
  return { wrapper: ['strace', '-f', '-qq', '-o', log, '-e', 'trace=flock'], isRefused }
}

/** @param {any} serving */
async function end({ child, ended }) {
  child.kill('SIGKILL')
  await ended
}

test('a file that is mounted alone is written in place, and nothing beside it', { skip }, async (t) => {
  const login = await makeLogin(t)
  const { endpoint, file } = login
  fs.chmodSync(file, 0o644)
  const before = fs.statSync(file)
  for (const round of [1, 2]) {
    const one = await mountAlone(t, login)
    await one.open()
    const { how, persisted, failure } = await one.ask(round === 1 ? 'fresh' : 'refresh')
    assert.deepEqual([how, persisted, failure], ['here', true, null])
    assert.equal(tokensOf('claude', file).refresh, endpoint.issued[round].refresh)
    assert.deepEqual(JSON.parse(fs.readFileSync(file, 'utf8')).claudeAiOauth.unknown, { kept: [1, 2] })
    const after = fs.statSync(file)
    assert.deepEqual([after.ino, after.mode & 0o777], [before.ino, 0o600])
    assert.deepEqual(fs.readdirSync(one.dir), ['.credentials.json'])
    await end(one)
  }
  assert.equal(endpoint.granted(), 2)
})

test('containers that mount the same file alone, and the host, ask once', { skip: skip || whyNoStrace() }, async (t) => {
  const traces = [traceLocks(t), traceLocks(t)]
  const beforeAnswer = async () => void (await until('the other one waits', () => traces.some(({ isRefused }) => isRefused())))
  const login = await makeLogin(t, { expiresAt: LATE(), beforeAnswer })
  const host = startServingAlone(t)
  await host.ask('open', { dir: login.dir, tokenUrl: login.endpoint.url })
  const [one, two] = [await mountAlone(t, login, traces[0].wrapper), await mountAlone(t, login, traces[1].wrapper)]
  await Promise.all([one.open(), two.open()])
  const answers = await Promise.all([one.ask('fresh'), two.ask('fresh')])
  assert.deepEqual(answers.map(({ how }) => how).sort(), ['elsewhere', 'here'])
  assert.equal((await host.ask('fresh')).how, 'elsewhere')
  assert.equal(login.endpoint.posts.length, 1)
})

test('a mounted file that was replaced where it comes from is not refreshed', { skip }, async (t) => {
  const login = await makeLogin(t)
  const one = await mountAlone(t, login)
  await one.open()
  fs.renameSync(writeLogin(makeDir(t), 'claude', { ...login.first, refresh: 'made-up-newer' }), login.file)
  const { how, failure } = await one.ask('fresh')
  assert.deepEqual([how, failure.code, login.endpoint.posts.length], ['not-needed', UNUSABLE, 0])
  assert.match(failure.message, /has since been replaced/)
})

test('tokens that cannot be written are not requested', { skip }, async (t) => {
  /** @type {Record<string, (context: any) => any>} */
  const cases = {
    'a read-only mount of the file': async ({ run, file }) => {
      await run('mount', '--bind', file, file)
      await run('mount', '-o', 'remount,bind,ro', file)
      return () => run('mount', '-o', 'remount,bind,rw', file)
    },
    'a read-only file system': async ({ run, dir }) => {
      await run('mount', '--bind', dir, dir)
      await run('mount', '-o', 'remount,bind,ro', dir)
      return () => run('mount', '-o', 'remount,bind,rw', dir)
    },
    'a full file system': async ({ run, dir, first }) => {
      await run('mount', '-t', 'tmpfs', '-o', 'size=256k,mode=700', 'x', dir)
      const copy = writeLogin(makeDir(t), 'claude', first)
      await run('cp', copy, dir)
      await run('sh', '-c', `head -c 1000000 /dev/zero > ${dir}/fill 2>/dev/null || true`)
      return () => run('rm', path.join(dir, 'fill'))
    }
  }
  if (takesAttributes(makeDir(t))) {
    const attribute = (/** @type {'file' | 'dir'} */ of, /** @type {string} */ flag) => async (/** @type {any} */ context) => {
      execFileSync('chattr', [`+${flag}`, context[of]])
      return () => execFileSync('chattr', [`-${flag}`, context[of]])
    }
    Object.assign(cases, {
      'an immutable file': attribute('file', 'i'),
      'an append-only file': attribute('file', 'a'),
      'an immutable directory': attribute('dir', 'i'),
      'an append-only directory': attribute('dir', 'a')
    })
  }
  for (const [name, block] of Object.entries(cases)) {
    await t.test(name, async (t) => {
      const login = await makeLogin(t)
      const serving = startServingAlone(t)
      const unblock = await block({ ...login, ...serving, t })
      await serving.ask('open', { dir: login.dir, tokenUrl: login.endpoint.url })
      for (const call of ['fresh', 'refresh']) {
        const { how, persisted, failure } = await serving.ask(call)
        assert.deepEqual([how, persisted, failure?.code, login.endpoint.posts.length], ['not-needed', true, UNUSABLE, 0], failure?.message)
      }
      await unblock()
      const { how, persisted, failure } = await serving.ask('fresh')
      assert.deepEqual([how, persisted, failure], ['here', true, null])
    })
  }
  await t.test('a limit of the process', async (t) => {
    const login = await makeLogin(t)
    const { ask } = startServingAlone(t, ['prlimit', '--fsize=100'])
    await ask('open', { dir: login.dir, tokenUrl: login.endpoint.url })
    const { failure } = await ask('refresh')
    assert.deepEqual([failure.code, failure.syscall, login.endpoint.posts.length], [UNUSABLE, 'getrlimit', 0])
  })
})

test('tokens that a file system refuses to take serve on, also after they have expired, and are written later', { skip }, async (t) => {
  /** @type {() => void} */
  let block = () => {}
  // Time is what this is about: a token that expires.
  const login = await makeLogin(t, { lifetimeMs: 2000, beforeAnswer: async () => block() })
  const { endpoint, dir, file } = login
  const { ask, run } = startServingAlone(t)
  await run('mount', '--bind', dir, dir)
  await ask('open', { dir, tokenUrl: endpoint.url })
  // A file system is not made read-only while a file is open for writing.
  block = () => fs.rmSync(nextOf(file))
  const first = await ask('fresh')
  assert.deepEqual([first.how, first.persisted, first.failure.code], ['here', false, UNUSABLE])
  block = () => {}
  await run('mount', '-o', 'remount,bind,ro', dir)
  await until('they have expired', () => Date.now() > Date.parse(first.expiresAt))
  const second = await ask('fresh')
  assert.deepEqual([second.how, second.persisted, second.failure?.code], ['here', false, UNUSABLE], second.message)
  assert.deepEqual(
    endpoint.posts.map(({ outcome }) => outcome),
    ['granted', 'granted']
  )
  await run('mount', '-o', 'remount,bind,rw', dir)
  assert.equal((await ask('reload')).persisted, true)
  assert.equal(tokensOf('claude', file).refresh, endpoint.issued.at(-1)?.refresh)
})

test('what one process has written whole and could not put in place serves the next one', { skip }, async (t) => {
  /** @type {() => void} */
  let block = () => {}
  const login = await makeLogin(t, { beforeAnswer: async () => block() })
  const { endpoint, dir, file } = login
  if (!takesAttributes(dir)) return t.skip('no attributes here')
  const before = fs.readFileSync(file)
  const setImmutable = (/** @type {boolean} */ value) => execFileSync('chattr', [value ? '+i' : '-i', file])
  block = () => setImmutable(true)
  try {
    const one = startServingAlone(t)
    await one.ask('open', { dir, tokenUrl: endpoint.url })
    assert.equal((await one.ask('fresh')).persisted, false)
    await end(one)
    const two = startServingAlone(t)
    await two.ask('open', { dir, tokenUrl: endpoint.url })
    for (const how of ['elsewhere', 'not-needed']) {
      const answer = await two.ask(how === 'elsewhere' ? 'fresh' : 'reload')
      assert.deepEqual([answer.how, answer.persisted, answer.failure?.code], [how, false, UNUSABLE])
      assert.ok(Date.parse(answer.expiresAt) > Date.now() + 3500_000)
    }
    assert.deepEqual(fs.readFileSync(file), before)
    setImmutable(false)
    assert.equal((await two.ask('fresh')).persisted, true)
  } finally {
    setImmutable(false)
  }
  assert.equal(tokensOf('claude', file).refresh, endpoint.issued[1].refresh)
  assert.equal(endpoint.posts.length, 1)
})

/** Those of a write in place that change or sync the file, in their order; how often each has been made by then. */
const CALLS = /** @type {const} */ ([
  ['pwrite64', 1],
  ['fsync', 1],
  ['pwrite64', 2],
  ['fdatasync', 1],
  ['ftruncate', 1],
  ['fsync', 2],
  ['pwrite64', 3]
])

test('killed at each system call of a write in place: the file is one of the two, and the next process goes on', {
  skip: skip || whyNoStrace(),
  timeout: 240_000
}, async (t) => {
  /** What the next process finds, kill by kill. @type {string[]} */
  const found = []
  for (const [call, time] of CALLS) {
    const login = await makeLogin(t)
    const { endpoint, file } = login
    const dir = makeDir(t)
    const target = path.join(dir, '.credentials.json')
    fs.writeFileSync(target, '')
    const trace = [
      'strace',
      '-f',
      '-qq',
      '-o',
      '/dev/null',
      '-P',
      target,
      '-e',
      `trace=${call}`,
      '-e',
      `inject=${call}:signal=KILL:when=${time}`
    ]
    const one = startServingAlone(t, ['sh', '-c', `mount --bind ${file} ${target} && exec "$@"`, 'sh', ...trace])
    await one.ask('open', { dir, tokenUrl: endpoint.url })
    const answer = await one.ask('fresh')
    one.child.stdin.end()
    if (!answer.ended) {
      found.push(answer.how)
      continue
    }
    const next = await mountAlone(t, login)
    await next.open()
    await next.ask('reload')
    const tokens = tokensOf('claude', file)
    const { how, code, failure } = await next.ask('fresh')
    if (tokens.refresh === endpoint.issued[1].refresh) {
      assert.deepEqual([how, endpoint.posts.length], ['not-needed', 1])
      found.push('newest')
    } else {
      assert.deepEqual([code ?? failure?.code, tokens.refresh], [LOGIN_REQUIRED, login.first.refresh])
      found.push('log in again')
    }
    await end(next)
  }
  // Before the first call is made, the tokens are nowhere else; once the journal is written, nothing is lost.
  assert.deepEqual(found, ['log in again', ...Array(5).fill('newest'), 'here'])
})

/** A process whose calls of fsync(2) for a file fail until it is healed. @param {any} t @param {string} file @param {string} errno */
async function startFailing(t, file, errno) {
  const serving = startServingAlone(t)
  await serving.run('true')
  const pid = String(serving.child.pid)
  const tracer = spawn(
    'strace',
    ['-f', '-qq', '-o', '/dev/null', '-p', pid, '-P', file, '-e', 'trace=fsync', '-e', `inject=fsync:error=${errno}`],
    { stdio: 'ignore' }
  )
  t.after(() => tracer.kill('SIGKILL'))
  await until('it is traced', () => fs.readdirSync(`/proc/${pid}/task`).every((thread) => status(Number(thread)).TracerPid !== '0'))
  const heal = async () => {
    tracer.kill('SIGINT')
    await once(tracer, 'exit')
  }
  return { ...serving, heal }
}

test('a directory that cannot be synced: the file has the tokens, and it is tried again', { skip: skip || whyNoStrace() }, async (t) => {
  for (const [errno, syscall] of /** @type {const} */ ([
    ['EIO', 'fsync'],
    ['EINVAL', undefined]
  ])) {
    const { endpoint, dir, file } = await makeLogin(t)
    const { ask, heal } = await startFailing(t, dir, errno)
    await ask('open', { dir, tokenUrl: endpoint.url })
    for (const expected of ['here', 'not-needed']) {
      const { how, persisted, failure } = await ask('fresh')
      assert.deepEqual([how, persisted, failure?.syscall], [expected, true, syscall])
    }
    assert.equal(tokensOf('claude', file).refresh, endpoint.issued[1].refresh)
    await heal()
    const { how, persisted, failure } = await ask('fresh')
    assert.deepEqual([how, persisted, failure], ['not-needed', true, null])
  }
})

test('a new file that cannot be synced: the tokens are in this process alone until they are', {
  skip: skip || whyNoStrace()
}, async (t) => {
  const { endpoint, dir, file, first } = await makeLogin(t)
  const { ask, heal } = await startFailing(t, nextOf(file), 'EIO')
  await ask('open', { dir, tokenUrl: endpoint.url })
  for (const expected of ['here', 'not-needed']) {
    const { how, persisted, failure } = await ask('fresh')
    assert.deepEqual([how, persisted, failure?.syscall], [expected, false, 'fsync'])
    assert.equal(tokensOf('claude', file).refresh, first.refresh)
  }
  await heal()
  assert.equal((await ask('fresh')).persisted, true)
  assert.equal(tokensOf('claude', file).refresh, endpoint.issued[1].refresh)
})

test('a lock file that is deleted while a process asks', { skip: skip || whyNoStrace() }, async (t) => {
  const { wrapper, isRefused } = traceLocks(t)
  const beforeAnswer = async () => void (await until('the other one waits', isRefused))
  const { endpoint, dir } = await makeLogin(t, { expiresAt: LATE(), beforeAnswer })
  const [one, two] = [startServingAlone(t), startServingAlone(t, wrapper)]
  for (const each of [one, two]) await each.ask('open', { dir, tokenUrl: endpoint.url })
  const first = one.ask('fresh')
  await until('it asks', () => endpoint.posts.length > 0)
  fs.rmSync(path.join(dir, '..credentials.json.lock'))
  assert.deepEqual([(await two.ask('fresh')).how, (await first).how, endpoint.posts.length], ['elsewhere', 'here', 1])
})

test('what a killed process has left is not given up where it cannot be read for once, or others have written the file since', {
  skip: skip || whyNoStrace()
}, async (t) => {
  for (const errno of ['EMFILE', 'EIO']) {
    const { endpoint, dir, file } = await makeLogin(t, { expiresAt: LATE() })
    const tokens = endpoint.issue()
    fs.renameSync(writeLogin(makeDir(t), 'claude', tokens), nextOf(file))
    const one = startServingAlone(t, [
      'strace',
      '-f',
      '-qq',
      '-o',
      '/dev/null',
      '-P',
      path.basename(nextOf(file)),
      '-e',
      'trace=openat',
      '-e',
      `inject=openat:error=${errno}:when=1`
    ])
    await one.ask('open', { dir, tokenUrl: endpoint.url })
    assert.equal((await one.ask('fresh')).code, UNUSABLE)
    const two = startServingAlone(t)
    await two.ask('open', { dir, tokenUrl: endpoint.url })
    assert.equal((await two.ask('fresh')).how, 'elsewhere')
    assert.deepEqual([tokensOf('claude', file).refresh, endpoint.posts.length], [tokens.refresh, 0])
  }
  const { endpoint, dir, file } = await makeLogin(t, { expiresAt: LATE() })
  const tokens = endpoint.issue()
  fs.renameSync(writeLogin(makeDir(t), 'claude', tokens), nextOf(file))
  fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), mcpOAuth: { written: 'since' } }))
  const { ask } = startServingAlone(t)
  await ask('open', { dir, tokenUrl: endpoint.url })
  const { how, persisted, failure } = await ask('fresh')
  assert.deepEqual([how, persisted, failure, endpoint.posts.length], ['elsewhere', true, null, 0])
  assert.deepEqual(
    [tokensOf('claude', file).refresh, JSON.parse(fs.readFileSync(file, 'utf8')).mcpOAuth],
    [tokens.refresh, { written: 'since' }]
  )
  assert.deepEqual(
    fs.readdirSync(dir).filter((name) => name.endsWith('.next')),
    []
  )
})

test('a lock file that somebody else has put into a sticky directory is refused, and named', { skip }, async (t) => {
  const { endpoint, dir } = await makeLogin(t)
  fs.chmodSync(dir, 0o1777)
  const lock = path.join(dir, '..credentials.json.lock')
  fs.writeFileSync(lock, '')
  fs.chownSync(lock, 4712, 4712)
  const { ask } = startServingAlone(t)
  await ask('open', { dir, tokenUrl: endpoint.url })
  const { failure } = await ask('fresh')
  assert.deepEqual([failure?.code, endpoint.posts.length], [UNUSABLE, 0])
  assert.match(failure.message, /credentials\.json\.lock, belongs to uid 4712.*Remove the lock file/)
  fs.rmSync(lock)
  assert.equal((await ask('refresh')).how, 'here')
})

// As with Linux before 4.11, and below some sandboxes.
const NO_STATX = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=statx', '-e', 'inject=statx:error=ENOSYS']

test('a kernel whose statx(2) does not report what cannot be replaced', { skip: skip || whyNoStrace() }, async (t) => {
  await t.test('a file that is mounted alone', async (t) => {
    const login = await makeLogin(t)
    const one = await mountAlone(t, login, NO_STATX)
    await one.open()
    const { how, persisted, failure } = await one.ask('fresh')
    assert.deepEqual([how, persisted, failure], ['here', true, null])
    assert.equal(tokensOf('claude', login.file).refresh, login.endpoint.issued[1].refresh)
    assert.deepEqual(fs.readdirSync(one.dir), ['.credentials.json'])
  })
  await t.test('a file for which this is unknown', async (t) => {
    const { endpoint, dir } = await makeLogin(t)
    const { ask, run } = startServingAlone(t, NO_STATX)
    await ask('open', { dir, tokenUrl: endpoint.url })
    await run('mount', '-t', 'tmpfs', 'x', '/proc')
    const { how, failure } = await ask('fresh')
    assert.deepEqual([how, failure?.code, endpoint.posts.length], ['not-needed', UNUSABLE, 0])
    assert.match(failure.message, /mount point.*\/proc/)
    await run('umount', '/proc')
    assert.deepEqual(await ask('refresh').then((/** @type {any} */ { how, failure }) => [how, failure]), ['here', null])
  })
  if (!takesAttributes(makeDir(t))) return
  for (const [name, of, flag] of /** @type {const} */ ([
    ['an immutable file', 'file', 'i'],
    ['an append-only file', 'file', 'a'],
    ['an immutable directory', 'dir', 'i'],
    ['an append-only directory', 'dir', 'a']
  ])) {
    await t.test(name, async (t) => {
      const login = await makeLogin(t)
      const { ask } = startServingAlone(t, NO_STATX)
      await ask('open', { dir: login.dir, tokenUrl: login.endpoint.url })
      execFileSync('chattr', [`+${flag}`, login[of]])
      try {
        const { how, failure } = await ask('fresh')
        assert.deepEqual([how, failure?.code, login.endpoint.posts.length], ['not-needed', UNUSABLE, 0], failure?.message)
      } finally {
        execFileSync('chattr', [`-${flag}`, login[of]])
      }
      assert.equal((await ask('refresh')).how, 'here')
    })
  }
})

test('what another process left whole is put in place by one that cannot sync the directory: it says so until it can', {
  skip: skip || whyNoStrace()
}, async (t) => {
  const { endpoint, dir, file } = await makeLogin(t)
  const next = nextOf(file)
  const tokens = endpoint.issue()
  fs.renameSync(writeLogin(makeDir(t), 'claude', tokens), next)
  const { ask, heal } = await startFailing(t, dir, 'EIO')
  await ask('open', { dir, tokenUrl: endpoint.url })
  for (const expected of ['elsewhere', 'not-needed']) {
    const { how, persisted, failure } = await ask('fresh')
    assert.deepEqual([how, persisted, failure?.syscall], [expected, true, 'fsync'])
    assert.equal(tokensOf('claude', file).refresh, tokens.refresh)
  }
  await heal()
  assert.equal((await ask('fresh')).failure, null)
})
