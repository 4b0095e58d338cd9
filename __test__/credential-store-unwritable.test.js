// CredentialStore: a refresh token is not used up where new tokens could not be written; a file that is mounted alone is
// written in place, and whole at every moment.
'use strict'

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { pause, until } = require('./support/kernel.js')
const { startServing, takesAttributes, whyNoMounts, whyNoStrace } = require('./support/mounts.js')
const { LATE, SOON, makeDir } = require('./support/stored-login.js')
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
  const serving = startServing(t, wrapper)
  await serving.run('mount', '--bind', file, target)
  return { ...serving, dir, target, open: () => serving.ask('open', { dir, tokenUrl: endpoint.url }) }
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

test('containers that mount the same file alone, and the host, ask once', { skip }, async (t) => {
  const login = await makeLogin(t, { expiresAt: LATE(), beforeAnswer: () => pause(200) })
  const host = startServing(t)
  await host.ask('open', { dir: login.dir, tokenUrl: login.endpoint.url })
  const [one, two] = [await mountAlone(t, login), await mountAlone(t, login)]
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
  assert.match(failure.message, /replaced since/)
})

test('what cannot be written is not asked for', { skip }, async (t) => {
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
      // A directory to which things can only be added takes a lock file, and lets nothing be replaced.
      execFileSync('chattr', [`+${flag}`, context[of]])
      context.t.after(() => execFileSync('chattr', [`-${flag}`, context[of]]))
      return () => execFileSync('chattr', [`-${flag}`, context[of]])
    }
    Object.assign(cases, { 'an immutable file': attribute('file', 'i'), 'an append-only file': attribute('file', 'a'), 'an immutable directory': attribute('dir', 'i'), 'an append-only directory': attribute('dir', 'a') })
  }
  for (const [name, block] of Object.entries(cases)) {
    await t.test(name, async (t) => {
      const login = await makeLogin(t)
      const serving = startServing(t)
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
    const { ask } = startServing(t, ['prlimit', '--fsize=100'])
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
  const { endpoint, dir } = login
  const { child, ask, run } = startServing(t)
  await run('mount', '--bind', dir, dir)
  await ask('open', { dir, tokenUrl: endpoint.url })
  block = () => void execFileSync('nsenter', ['-t', String(child.pid), '-m', 'mount', '-o', 'remount,bind,ro', dir])
  const first = await ask('fresh')
  assert.deepEqual([first.how, first.persisted, first.failure.code], ['here', false, UNUSABLE])
  block = () => {}
  await until('they have expired', () => Date.now() > Date.parse(first.expiresAt))
  const second = await ask('fresh')
  assert.deepEqual([second.how, second.persisted, second.failure.code], ['here', false, UNUSABLE])
  assert.deepEqual(endpoint.posts.map(({ outcome }) => outcome), ['granted', 'granted'])
  await run('mount', '-o', 'remount,bind,rw', dir)
  assert.equal((await ask('reload')).persisted, true)
  assert.equal(tokensOf('claude', login.file).refresh, endpoint.issued.at(-1)?.refresh)
})

test('what one process has written whole and could not put in place serves the next one', { skip: skip || !takesAttributes(require('node:os').tmpdir() + '') && 'no attributes here' }, async (t) => {
  /** @type {() => void} */
  let block = () => {}
  const login = await makeLogin(t, { beforeAnswer: async () => block() })
  const { endpoint, dir, file } = login
  block = () => void execFileSync('chattr', ['+i', file])
  t.after(() => execFileSync('chattr', ['-i', file]))
  const one = startServing(t)
  await one.ask('open', { dir, tokenUrl: endpoint.url })
  assert.equal((await one.ask('fresh')).persisted, false)
  await end(one)
  block = () => {}
  const two = startServing(t)
  await two.ask('open', { dir, tokenUrl: endpoint.url })
  const answer = await two.ask('fresh')
  assert.deepEqual([answer.how, answer.persisted, answer.failure.code], ['elsewhere', false, UNUSABLE])
  assert.ok(Date.parse(answer.expiresAt) > Date.now() + 3500_000)
  execFileSync('chattr', ['-i', file])
  assert.equal((await two.ask('fresh')).persisted, true)
  assert.equal(tokensOf('claude', file).refresh, endpoint.issued[1].refresh)
  assert.equal(endpoint.posts.length, 1)
})

test('killed at each system call of a write in place: the file is one of the two, and the next process goes on', { skip: skip || whyNoStrace(), timeout: 240_000 }, async (t) => {
  /** What the next process finds, kill by kill. @type {string[]} */
  const found = []
  for (let call = 1; ; call += 1) {
    const login = await makeLogin(t)
    const { endpoint, file } = login
    const dir = makeDir(t)
    const target = path.join(dir, '.credentials.json')
    fs.writeFileSync(target, '')
    const trace = ['strace', '-f', '-qq', '-o', '/dev/null', '-P', target, '-e', 'trace=pwrite64,fsync,fdatasync,ftruncate', '-e', `inject=pwrite64,fsync,fdatasync,ftruncate:signal=KILL:when=${call}`]
    const one = startServing(t, ['sh', '-c', `mount --bind ${file} ${target} && exec "$@"`, 'sh', ...trace])
    await one.ask('open', { dir, tokenUrl: endpoint.url })
    const answer = await one.ask('fresh')
    await end(one)
    if (!answer.ended) {
      assert.equal(answer.how, 'here')
      break
    }
    const next = await mountAlone(t, login)
    await next.open()
    const { how, code, failure } = await next.ask('refresh')
    const tokens = tokensOf('claude', file)
    const isNewest = tokens.refresh === endpoint.issued.at(-1)?.refresh
    // Killed before the journal was whole, the tokens are gone as they are nowhere else, and a person is told.
    if (isNewest) assert.ok(how === 'elsewhere' || how === 'here', how)
    else assert.deepEqual([code ?? failure?.code, tokens.refresh], [LOGIN_REQUIRED, login.first.refresh])
    found.push(isNewest ? 'newest' : 'log in again')
    await end(next)
  }
  t.diagnostic(`${found.length} kills: ${found.join(', ')}`)
  // The first write is that of the journal; whatever comes after it loses nothing.
  assert.equal(found[0], 'log in again')
  assert.ok(found.length >= 5 && found.slice(1).every((each) => each === 'newest'), found.join())
})

test('a directory that cannot be synced: the file has the tokens, and it is tried again', { skip: skip || whyNoStrace() }, async (t) => {
  for (const [errno, isTold] of /** @type {const} */ ([['EIO', true], ['EINVAL', false]])) {
    const { endpoint, dir, file } = await makeLogin(t)
    const serving = startServing(t, ['strace', '-f', '-qq', '-o', '/dev/null', '-P', dir, '-e', 'trace=fsync', '-e', `inject=fsync:error=${errno}:when=1`])
    await serving.ask('open', { dir, tokenUrl: endpoint.url })
    const { how, persisted, failure } = await serving.ask('fresh')
    assert.deepEqual([how, persisted, failure?.syscall], ['here', true, isTold ? 'fsync' : undefined])
    assert.equal(tokensOf('claude', file).refresh, endpoint.issued[1].refresh)
    const again = await serving.ask('fresh')
    assert.deepEqual([again.how, again.persisted, again.failure], ['not-needed', true, null])
    serving.child.stdin.end()
  }
})

test('a new file that cannot be synced: the tokens are in this process alone until they are', { skip: skip || whyNoStrace() }, async (t) => {
  const { endpoint, dir, file, first } = await makeLogin(t)
  const { nextOf } = require('./support/stored-login.js')
  const serving = startServing(t, ['strace', '-f', '-qq', '-o', '/dev/null', '-P', nextOf(file), '-e', 'trace=fsync', '-e', 'inject=fsync:error=EIO:when=1'])
  await serving.ask('open', { dir, tokenUrl: endpoint.url })
  const { how, persisted, failure } = await serving.ask('fresh')
  assert.deepEqual([how, persisted, failure?.syscall], ['here', false, 'fsync'])
  assert.equal(tokensOf('claude', file).refresh, first.refresh)
  assert.equal((await serving.ask('fresh')).persisted, true)
  assert.equal(tokensOf('claude', file).refresh, endpoint.issued[1].refresh)
  serving.child.stdin.end()
})

test('a lock file that is deleted while a process asks', { skip }, async (t) => {
  const { endpoint, dir } = await makeLogin(t, { expiresAt: LATE(), beforeAnswer: () => pause(300) })
  const [one, two] = [startServing(t), startServing(t)]
  for (const each of [one, two]) await each.ask('open', { dir, tokenUrl: endpoint.url })
  const first = one.ask('fresh')
  await until('it asks', () => endpoint.posts.length > 0)
  fs.rmSync(path.join(dir, '..credentials.json.lock'))
  assert.deepEqual([(await two.ask('fresh')).how, (await first).how, endpoint.posts.length], ['elsewhere', 'here', 1])
})
