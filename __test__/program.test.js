// Finding a program and proving it: what is taken, and the first thing in the way with its owner, mode and remedy.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { spawnPortable } = require('./support/portable.js')
const { diagnose, resolveProgram, spawnProvider } = require('../index.js')
const { UID, ids, makeEnv, needsLinux, needsRoot, outcome, startScript } = require('./support/launch.js')
const { makeOpenDir } = require('./support/homes.js')

const root = { allowRoot: true }
const UNREACHABLE = 'ERR_PROVIDER_PROGRAM_UNREACHABLE'

/** A fresh directory that anyone can enter, and a way to put scripts and links there. */
function makePlace(/** @type {any} */ t) {
  const dir = makeOpenDir('provider-env-program-')
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  return {
    dir,
    /** @param {string} name @param {string} text @param {number} [mode] */
    script(name, text, mode = 0o755) {
      const file = path.join(dir, name)
      fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 })
      fs.writeFileSync(file, text)
      fs.chmodSync(file, mode)
      return file
    },
    /** @param {string} name @param {string} target */
    link(name, target) {
      const file = path.join(dir, name)
      fs.mkdirSync(path.dirname(file), { recursive: true })
      fs.symlinkSync(target, file)
      return file
    },
    /** @param {string} name @param {number} mode */
    close(name, mode = 0o700) {
      fs.chmodSync(path.join(dir, name), mode)
      return path.join(dir, name)
    }
  }
}

/** What resolveProgram() and a start both refuse. */
async function refusal(/** @type {any} */ t, /** @type {any} */ options, set = {}) {
  /** @type {any} */
  let found
  const PATH = options.path ?? '/usr/bin:/bin'
  assert.throws(
    () => resolveProgram('claude', { ...ids, path: PATH, ...options }),
    (error) => Boolean((found = error))
  )
  const { env } = makeEnv(t, {}, { set: { PATH, ...set } })
  const { error, events } = await outcome(startScript(env, 'echo ran', { command: options.command }))
  assert.deepEqual([error.code, error.path, error.message, events], [found.code, found.path, found.message, ['error', 'close']])
  return found
}

test('a closed directory is named, with owner, mode and remedy', { skip: needsRoot }, async (t) => {
  const place = makePlace(t)
  const command = place.script('home/bin/claude', '#!/bin/sh\necho ran\n')
  for (const [closed, mode] of /** @type {const} */ ([
    ['home/bin', 0o700],
    ['home', 0o750]
  ])) {
    const dir = place.close(closed, mode)
    const error = await refusal(t, { command })
    assert.deepEqual([error.code, error.path, error.errno, error.syscall, error.provider], [UNREACHABLE, dir, -13, 'spawn', 'claude'])
    const expected = `${command} cannot be run as uid ${UID} gid ${UID}: ${dir} belongs to 0:0 and has mode 0${mode.toString(8)}; chmod o+x ${dir} would allow it. Install Claude Code system-wide (for example below /usr/local), not in a home directory.`
    assert.equal(error.message, expected)
  }
  for (const name of ['home', 'home/bin']) place.close(name, 0o711)
  assert.equal(resolveProgram('claude', { command, ...ids }).path, command, 'exactly the given path')
  place.close('home')
  assert.throws(
    () => resolveProgram('claude', { command, ...ids }),
    { code: UNREACHABLE, path: path.join(place.dir, 'home'), message: /mode 0700/ },
    'a proof does not outlive its ground'
  )
})

test('a CLI that nvm put below a private home', { skip: needsRoot }, async (t) => {
  const place = makePlace(t)
  const cli = place.script('ada/.nvm/versions/node/v20/lib/node_modules/claude-cli/cli.js', '#!/usr/bin/env node\n')
  place.link('ada/.nvm/versions/node/v20/bin/claude', '../lib/node_modules/claude-cli/cli.js')
  const home = place.close('ada')
  const bin = path.join(home, '.nvm/versions/node/v20/bin')
  const error = await refusal(t, { path: `${bin}:/usr/bin:/bin`, command: 'claude' })
  assert.deepEqual([error.code, error.path], [UNREACHABLE, home])
  assert.ok(error.message.startsWith(`${cli} cannot be run as`), error.message)
  const good = place.script('usr/bin/claude', '#!/bin/sh\necho good\n')
  const found = resolveProgram('claude', { ...ids, path: `${bin}:${path.dirname(good)}:/usr/bin:/bin` })
  assert.deepEqual([found.path, found.foundBy], [good, 'path'], 'the first that can be run')
})

test('symlinks: the real path is proved and started', { skip: needsLinux }, async (t) => {
  const place = makePlace(t)
  const real = place.script('real/claude', '#!/bin/sh\nreadlink /proc/$$/exe >/dev/null; echo "$0"\n')
  place.link('one', 'two')
  place.link('two', 'real')
  const command = path.join(place.dir, 'one', 'claude')
  const found = resolveProgram('claude', { command, ...ids, ...root })
  const interpreter = found.interpreter
  assert.deepEqual(
    { ...found },
    { path: real, foundAt: command, foundBy: 'command', kind: 'script', interpreter, version: null, tested: null }
  )
  assert.equal(interpreter, '/bin/sh')
  assert.equal(Object.isFrozen(found), true)
  const { env } = makeEnv(t)
  const child = startScript(env, '', { command, args: [], ...root })
  assert.deepEqual([(await outcome(child)).stdout, child.spawnfile], [`${real}\n`, real])
  assert.equal(resolveProgram('claude', { command: fs.realpathSync('/bin/sh'), ...ids, ...root }).kind, 'native')
})

test('a link that leads nowhere', { skip: needsLinux }, async (t) => {
  const place = makePlace(t)
  const command = place.link('claude', 'gone')
  assert.throws(() => resolveProgram('claude', { command, ...ids, ...root }), {
    code: 'ERR_PROVIDER_PROGRAM_NOT_FOUND',
    path: command,
    message: /no executable file at .*claude, which options\.command names/
  })
})

/** A script's text and mode; the refusal's path (or the script's own), names and message. */
const SCRIPTS = /** @type {any[]} */ ([
  [
    '#!/usr/bin/env made-up-interpreter\n',
    0o755,
    undefined,
    ['made-up-interpreter'],
    /is a script for made-up-interpreter, which is not on the child's PATH/
  ],
  ['#!/nowhere/interpreter\n', 0o755, undefined, ['/nowhere/interpreter'], /is a script for \/nowhere\/interpreter, which is not/],
  ['#!/usr/bin/env -S FOO=1 made-up-interpreter -x\n', 0o755, undefined, ['made-up-interpreter'], /is a script for made-up-interpreter/],
  ['#!DIR/closed/interpreter\n', 0o755, 'closed', undefined, /closed belongs to 0:0 and has mode 0700/],
  ['#!/bin/sh\n', 0o711, undefined, undefined, /has mode 0711; chmod o\+rx/],
  ['#!/bin/sh\n', 0o744, undefined, undefined, /has mode 0744; chmod o\+rx/]
])

test('a script that the target cannot run', { skip: needsRoot }, async (t) => {
  for (const [text, mode, where, names, message] of SCRIPTS) {
    const place = makePlace(t)
    place.script('closed/interpreter', '#!/bin/sh\n')
    place.close('closed')
    const command = place.script('claude', text.replace('DIR', place.dir), mode)
    const error = await refusal(t, { command })
    assert.deepEqual([error.code, error.path, error.names], [UNREACHABLE, where ? path.join(place.dir, where) : command, names], text)
    assert.match(error.message, message)
  }
})

test('relative entries of PATH are never looked at: a hostile program in the workspace stays there', { skip: needsLinux }, async (t) => {
  const place = makePlace(t)
  const good = place.script('bin/codex', '#!/bin/sh\necho good\n')
  const { env, homes } = makeEnv(t, { provider: 'codex' }, { set: { PATH: `.:sub:::../workspace:${path.dirname(good)}:/usr/bin:/bin:` } })
  for (const name of ['codex', 'sub/codex', 'sub/env', 'sub/sh']) {
    const file = path.join(homes.workspace, name)
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 })
    fs.writeFileSync(file, '#!/bin/sh\necho hostile\n', { mode: 0o755 })
  }
  fs.chmodSync(homes.workspace, 0o755)
  const cwd = process.cwd()
  t.after(() => process.chdir(cwd))
  for (const own of [cwd, homes.workspace]) {
    process.chdir(own)
    assert.equal((await outcome(startScript(env, '', { command: undefined, args: [], ...root }))).stdout, 'good\n', own)
    assert.equal((await outcome(startScript(env, '', { command: 'codex', args: [], ...root }))).stdout, 'good\n', own)
  }
})

test('what is not there, and what is no program', { skip: needsLinux }, async (t) => {
  const { dir } = makePlace(t)
  for (const [command, message] of /** @type {[string, RegExp][]} */ ([
    ['/nowhere/claude', /There is no executable file at \/nowhere\/claude, which options\.command names\./],
    [dir, /There is no executable file at/],
    ['made-up-cli', /made-up-cli, which options\.command names, is not on the child's PATH\./],
    ['bin/sh', /options\.command must be an absolute path or a name without a slash, but is bin\/sh/],
    ['../../../../../../bin/sh', /must be an absolute path/],
    ['./bin/sh', /must be an absolute path/]
  ])) {
    assert.throws(
      () => resolveProgram('claude', { command, path: '/usr/bin:/bin', ...ids, ...root }),
      { code: 'ERR_PROVIDER_PROGRAM_NOT_FOUND', errno: -2, syscall: 'spawn', path: command, message },
      command
    )
  }
  assert.throws(() => resolveProgram(/** @type {any} */ ('nobody')), { code: 'ERR_PROVIDER_UNKNOWN', message: /claude, codex/ })
  assert.throws(() => resolveProgram('claude', { command: /** @type {any} */ (7) }), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: /options\.command must be a string/
  })
})

/** An ELF header and one segment, which names the loader: enough for the kernel to look for that. @param {string} loader @param {number} [machine] */
function elf(loader, machine = process.arch === 'arm64' ? 183 : 62) {
  const name = Buffer.from(`${loader}\0`)
  const file = Buffer.alloc(64 + 56)
  file.write('\x7fELF\x02\x01\x01', 'latin1')
  for (const [at, value] of [
    [16, 2],
    [18, machine],
    [20, 1],
    [52, 64],
    [54, 56],
    [56, 1]
  ])
    file.writeUInt16LE(value, at)
  file.writeBigUInt64LE(64n, 32)
  file.writeUInt32LE(3, 64)
  for (const [at, value] of [
    [72, file.length],
    [96, name.length],
    [104, name.length]
  ])
    file.writeBigUInt64LE(BigInt(value), at)
  return Buffer.concat([file, name])
}

/** What nobody can run: its content, the kernel's error, what is named, and what is said. @type {[string, string | Buffer, number, string[] | undefined, RegExp][]} */
const NO_PROGRAMS = [
  ['empty', '', -8, undefined, /^FILE cannot be run: it is empty\. Reinstall Claude Code system-wide/],
  ['text', 'echo hi\n', -8, undefined, /it is neither an ELF program nor a script/],
  ['cut', '\x7fELF', -8, undefined, /it is truncated/],
  ['other machine', elf('/lib/ld.so', 8), -8, undefined, /it is built for another machine \(MIPS\)/],
  [
    'no loader',
    elf('/lib/ld-absent.so.1'),
    -2,
    ['/lib/ld-absent.so.1'],
    /its dynamic loader, \/lib\/ld-absent\.so\.1, does not exist: the program is built for another system \(glibc or musl\)/
  ],
  [
    'CR',
    '#!/bin/sh\r\necho hi\r\n',
    -2,
    undefined,
    /its first line \(#!\) ends with a carriage return.* Save it with Unix line endings\.$/
  ],
  ['CR after env', '#!/usr/bin/env node\r\n', -2, undefined, /ends with a carriage return/],
  ['no interpreter', '#!\n', -8, undefined, /its first line \(#!\) names no interpreter/],
  ['relative', '#!bin/sh\n', -2, ['bin/sh'], /is a relative path, which would lead into the workspace/]
]

test('what nobody can run is refused before a start, natively and portably, and passed over on the PATH', {
  skip: needsLinux
}, async (t) => {
  const place = makePlace(t)
  const good = place.script('good/claude', '#!/bin/sh\necho good\n')
  for (const [name, content, errno, names, message] of NO_PROGRAMS) {
    const command = place.script(`${name.replaceAll(' ', '-')}/claude`, /** @type {any} */ (content))
    const error = await refusal(t, { command, ...root })
    assert.deepEqual([error.code, error.errno, error.path, error.names], [UNREACHABLE, errno, command, names], name)
    assert.match(error.message.replace(command, 'FILE'), message, name)
    const { env } = makeEnv(t)
    const portable = await outcome(spawnPortable(env, { command, args: [], workspaceTrust: 'trusted', ...ids, ...root }))
    assert.deepEqual([portable.error.code, portable.error.message], [UNREACHABLE, error.message], `${name}, portably`)
    const PATH = `${path.dirname(command)}:${path.dirname(good)}:/usr/bin:/bin`
    assert.equal(resolveProgram('claude', { ...ids, ...root, path: PATH }).path, good, name)
    const chosen = makeEnv(t, {}, { set: { PATH } }).env
    const child = spawnProvider(chosen, { ...ids, ...root, workspaceTrust: 'trusted' })
    assert.equal((await outcome(child)).stdout, 'good\n', name)
  }
})

test('where none can run, the first is explained and the others are named', { skip: needsLinux }, async (t) => {
  const place = makePlace(t)
  place.script('a/claude', /** @type {any} */ (elf('/lib/ld-absent.so.1')))
  place.script('b/claude', '#!/bin/sh\r\n')
  const [a, b] = ['a', 'b'].map((name) => path.join(place.dir, name))
  const error = await refusal(t, { path: `${a}:${b}`, command: 'claude', ...root })
  assert.ok(error.message.startsWith(`${a}/claude cannot be run: its dynamic loader, /lib/ld-absent.so.1, does not exist`), error.message)
  assert.ok(
    error.message.endsWith(
      `None of the other candidates can be run either: ${b}/claude (its first line (#!) ends with a carriage return, as in a file with Windows line endings).`
    ),
    error.message
  )
  const { findings } = await diagnose({ provider: 'claude', command: 'claude', start: false, path: `${a}:${b}`, ...ids })
  const [broken] = findings.filter(({ id }) => id === 'program.broken')
  assert.match(broken.sentence, /its dynamic loader, \/lib\/ld-absent\.so\.1, does not exist/)
  const good = place.script('c/claude', '#!/bin/sh\n')
  const better = await diagnose({ provider: 'claude', command: 'claude', start: false, path: `${a}:${b}:${path.dirname(good)}`, ...ids })
  assert.deepEqual(
    better.findings
      .filter(({ id }) => id === 'program.passed-over')
      .map(({ path: file, sentence }) => [file, /does not exist|carriage return/.test(sentence)]),
    [
      [`${a}/claude`, true],
      [`${b}/claude`, true]
    ]
  )
})

test('env finds the node that the target can reach', { skip: needsRoot }, async (t) => {
  const place = makePlace(t)
  place.script('home/bin/node', '#!/bin/sh\necho private\n')
  place.close('home')
  const shared = place.script('usr/bin/node', '#!/bin/sh\necho shared\n')
  const command = place.script('claude', '#!/usr/bin/env node\n')
  const both = `${place.dir}/home/bin:${place.dir}/usr/bin:/usr/bin:/bin`
  assert.equal(resolveProgram('claude', { ...ids, command, path: both }).interpreter, shared)
  const { env } = makeEnv(t, {}, { set: { PATH: both } })
  assert.equal((await outcome(startScript(env, '', { command, args: [] }))).stdout, 'shared\n', 'as env does')
  const alone = await refusal(t, { command, path: `${place.dir}/home/bin` })
  assert.deepEqual([alone.code, alone.path], [UNREACHABLE, path.join(place.dir, 'home')])
})

test('the npm package is found where PATH has none, with its version', { skip: needsLinux }, (t) => {
  const manifest = path.join(__dirname, '..', 'node_modules', '@openai', 'codex', 'package.json')
  if (!fs.existsSync(manifest)) return t.skip('@openai/codex is not installed')
  const found = resolveProgram('codex', { path: '/nowhere', allowRoot: true })
  // In another user's clone, as under sudo, no file states a version that is believed.
  const { version } = JSON.parse(fs.readFileSync(manifest, 'utf8'))
  const isBelieved = [0, process.getuid?.()].includes(fs.statSync(manifest).uid)
  assert.deepEqual([found.foundBy, found.kind, found.version], ['npm-package', 'native', isBelieved ? version : null])
  assert.ok(fs.statSync(found.path).mode & 0o111)
})
