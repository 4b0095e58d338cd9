// `provider-env run-as`: the drop of a start for any command, relayed streams, exit status, and how it ends.
'use strict'

const assert = require('node:assert/strict')
const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { setTimeout: sleep } = require('node:timers/promises')
const { BIN, makeMachine, script } = require('./support/doctor.js')
const { mountSilent } = require('./support/fuse.js')
const { isRunning, until } = require('./support/kernel.js')
const { UID, needsLinux, needsRoot } = require('./support/launch.js')
const { withArgument } = require('./support/proc.js')
const { needsScript, onTerminal, quoted } = require('./support/terminal.js')

const skip = needsLinux || needsRoot
const AS = ['run-as', '--uid', String(UID), '--gid', String(UID)]

/** @param {readonly string[]} args @param {any} [options] */
function run(args, options = {}) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], {
    encoding: 'utf8',
    timeout: 60_000,
    input: '',
    ...options
  })
  return { status, signal, stdout, stderr }
}

/** @param {string} text @param {any} [options] */
const shell = (text, options) => run([...AS, '--', 'sh', '-c', text], options)

test('the command has the drop of a start, and nothing of whoever runs it', { skip }, (t) => {
  const machine = makeMachine(t)
  const open = fs.openSync(machine.at('secret'), 'w+', 0o600)
  t.after(() => fs.closeSync(open))
  const { status, stdout } = shell(
    'cat /proc/self/status; echo; env; echo; pwd; ls /proc/self/fd | wc -l; ps -o sid= -p $$ 2>/dev/null || cut -d" " -f6 /proc/self/stat',
    {
      env: { PATH: '/usr/bin:/bin', SECRET: 'of root', ANTHROPIC_API_KEY: 'sk-made-up' },
      stdio: ['ignore', 'pipe', 'pipe', open]
    }
  )
  const [kernel, env, rest] = stdout.split('\n\n')
  assert.equal(status, 0)
  for (const line of [
    `Uid:\t${Array(4).fill(UID).join('\t')}`,
    `Gid:\t${Array(4).fill(UID).join('\t')}`,
    'Groups:\t ',
    'CapEff:\t0000000000000000',
    'CapPrm:\t0000000000000000',
    'NoNewPrivs:\t1',
    'SigBlk:\t0000000000000000',
    'SigIgn:\t0000000000000000'
  ]) {
    assert.ok(kernel.split('\n').includes(line), `${line} in ${kernel}`)
  }
  const names = env
    .split('\n')
    .map((line) => line.split('=')[0])
    .filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name))
  assert.deepEqual(names, ['PATH'], 'what a shell sets itself aside')
  const [cwd, descriptors] = rest.split('\n')
  // Three streams, and the one that ls opens.
  assert.deepEqual([cwd, Number(descriptors)], ['/', 4])
})

test('groups and a working directory', { skip }, (t) => {
  const machine = makeMachine(t)
  const { stdout } = run([...AS, '--groups', `${UID + 1},${UID + 2}`, '--cwd', machine.homes.workspace, '--', 'sh', '-c', 'id -G; pwd'])
  assert.equal(stdout, `${UID} ${UID + 1} ${UID + 2}\n${machine.homes.workspace}\n`)
  fs.mkdirSync(machine.at('closed'), { mode: 0o700 })
  const refused = run([...AS, '--cwd', machine.at('closed'), '--', 'true'])
  assert.deepEqual([refused.status, refused.stdout], [125, ''])
  assert.match(
    refused.stderr,
    /^provider-env run-as: true was not started as uid \d+ gid \d+: step working-directory .*: Permission denied/
  )
})

test("the exit status is the command's, or says why there is none", { skip }, (t) => {
  const machine = makeMachine(t)
  script(machine.at('plain'), 'text', 0o644)
  fs.chmodSync(machine.homes.home, 0o755)
  for (const [args, expected] of /** @type {[string[], number][]} */ ([
    [['--', 'true'], 0],
    [['--', 'sh', '-c', 'exit 7'], 7],
    [['--', 'sh', '-c', 'kill -KILL $$'], 137],
    [['--', 'no-such-command'], 127],
    [['--', machine.at('no-such-file')], 127],
    [['--', machine.at('plain')], 126],
    [['--', 'true', '--uid', '0'], 0],
    [['--'], 64],
    [['true'], 64],
    [['--unknown', '--', 'true'], 64]
  ])) {
    const { status, stdout, stderr } = run([...AS, ...args])
    assert.deepEqual(
      [status, stdout, stderr === ''],
      [expected, '', expected === 0 || expected === 7 || expected === 137],
      `${args.join(' ')}: ${stderr}`
    )
  }
})

test('root is nobody to become, and half an identity none', { skip }, () => {
  for (const [args, complaint] of /** @type {[string[], RegExp][]} */ ([
    [['--uid', '0', '--gid', '7'], /must not be 0/],
    [['--uid', '7', '--gid', '0'], /must not be 0/],
    [['--uid', '7', '--gid', '7', '--groups', '0'], /must not be 0/],
    [['--uid', '7'], /--uid and --gid are required/],
    [['--uid', 'ada', '--gid', '7'], /--uid must be a number/],
    [['--uid', '4294967295', '--gid', '7'], /must be a whole number/]
  ])) {
    const { status, stdout, stderr } = run(['run-as', ...args, '--', 'id'])
    assert.deepEqual([status === 64 || status === 125, stdout], [true, ''], args.join(' '))
    assert.match(stderr, complaint)
    assert.match(stderr, /^provider-env run-as: /)
  }
  const help = run(['run-as', '--help'])
  assert.deepEqual([help.status, help.stderr], [0, ''])
  assert.ok(help.stdout.startsWith('Usage: provider-env run-as') && help.stdout.split('\n').every((line) => line.length <= 80))
})

test('where the drop fails, nothing runs', { skip }, (t) => {
  const machine = makeMachine(t)
  fs.chmodSync(machine.dir, 0o777)
  const words = ['--bounding-set=-setuid,-setgid', process.execPath, BIN, ...AS, '--', 'touch', machine.at('ran')]
  const { status, stderr } = spawnSync('setpriv', words, { encoding: 'utf8' })
  assert.deepEqual([status, fs.existsSync(machine.at('ran'))], [125, false])
  assert.match(stderr, /^provider-env run-as: touch was not started as uid \d+ gid \d+: step groups: Operation not permitted/)
})

test('an input that never ends keeps nobody', { skip }, async () => {
  for (const [command, expected] of /** @type {const} */ ([
    ['true', 0],
    ['no-such-command', 127]
  ])) {
    const child = spawn(process.execPath, [BIN, ...AS, '--', command], { stdio: ['pipe', 'ignore', 'ignore'] })
    assert.equal(await new Promise((resolve) => child.once('exit', (code) => resolve(code))), expected, command)
    child.stdin.destroy()
  }
})

test('what it leaves behind in another session keeps nobody, however much that writes', { skip }, (t) => {
  const machine = makeMachine(t)
  const file = path.join(machine.homes.workspace, 'left')
  for (const loop of ['echo more', 'echo more; sleep 0.2']) {
    const leaves = `echo > ${file}; while ${loop}; do :; done`
    const { status, signal, stdout } = shell(`setsid sh -c '${leaves}' & while ! test -s ${file}; do :; done; echo said; exit 3`, {
      maxBuffer: 1e9,
      timeout: 30_000
    })
    for (const pid of withArgument(leaves)) process.kill(pid, 'SIGKILL')
    fs.rmSync(file)
    assert.deepEqual([status, signal, stdout.includes('said\n')], [3, null, true], loop)
  }
})

test('a command that not even SIGKILL ends is given up', { skip, timeout: 60_000 }, async (t) => {
  const fuse = await mountSilent(t, UID).catch((error) => t.skip(String(error)))
  if (!fuse) return
  const child = spawn(process.execPath, [BIN, ...AS, '--', 'ls', path.join(fuse.place, 'x')], { stdio: ['ignore', 'ignore', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (said += text))
  const ended = new Promise((resolve) => child.once('close', (code) => resolve(code)))
  // Others look at a new mount, too.
  const words = `ls\0${path.join(fuse.place, 'x')}\0`
  const waits = (/** @type {string} */ pid) =>
    fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8') === words && /\) [SD] /.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'))
  const attempt = (/** @type {string} */ pid) => {
    try {
      return waits(pid)
    } catch {
      return false
    }
  }
  await until('ls waits', () =>
    fs
      .readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .some(attempt)
  )
  child.kill('SIGTERM')
  assert.equal(await Promise.race([ended, sleep(20_000, 'it waits for ever', { ref: false })]), 125)
  assert.match(said, /^provider-env run-as: ls was killed but has not ended, .*\(FUSE, NFS\)\.\n$/)
})

test('streams are relayed as they are, where they are no terminal', { skip }, () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256))
  const options = { input: bytes, encoding: 'buffer', maxBuffer: 1e7 }
  for (const [text, stream] of /** @type {const} */ ([
    ['cat', 'stdout'],
    ['cat >&2', 'stderr']
  ])) {
    const found = shell(text, options)
    assert.deepEqual([found.status, Buffer.compare(/** @type {any} */ (found[stream]), bytes)], [0, 0], stream)
  }
  assert.equal(shell('exec <&-; echo done', { input: bytes }).stdout, 'done\n', 'a command that reads nothing')
  const cut = spawnSync('sh', ['-c', `${quoted([process.execPath, BIN, ...AS, '--', 'yes'])} | head -1; exit 0`], {
    encoding: 'utf8',
    timeout: 30_000
  })
  assert.deepEqual([cut.status, cut.stdout], [0, 'y\n'], 'and one whose output nobody reads any more')
})

test('on a terminal nothing that it prints steers it', { skip: skip || needsScript }, async () => {
  const line = quoted([
    process.execPath,
    BIN,
    ...AS,
    '--',
    'sh',
    '-c',
    'printf "a\\033]0;title\\007b\\tc\\rd\\302\\2332J\\342\\200\\256e\\n"; printf "\\033c" >&2; test -t 0 || test -t 1 || echo no terminal'
  ])
  const { text } = await onTerminal(line, { uid: UID })
  assert.ok(!/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/.test(text.replaceAll('\r\n', '\n')), JSON.stringify(text))
  for (const part of ['a\\u001b]0;title\\u0007b\tc\\u000dd\\u009b2J\\u202ee\n', '\\u001bc', 'no terminal\n'])
    assert.ok(text.includes(part), JSON.stringify(text))
})

for (const [name, number] of /** @type {const} */ ([
  ['SIGTERM', 15],
  ['SIGINT', 2],
  ['SIGHUP', 1]
])) {
  test(`${name} ends the command with all of its group`, { skip }, async (t) => {
    const machine = makeMachine(t)
    const ready = path.join(machine.homes.workspace, 'ready')
    const child = spawn(
      process.execPath,
      [BIN, ...AS, '--', 'sh', '-c', `sleep 600 & echo $! $$ > ${ready}.new; mv ${ready}.new ${ready}; wait`],
      { stdio: 'ignore' }
    )
    t.after(() => child.kill('SIGKILL'))
    const pids = (await until('it runs', () => fs.existsSync(ready) && fs.readFileSync(ready, 'utf8'))).trim().split(' ').map(Number)
    assert.deepEqual(pids.map(isRunning), [true, true])
    const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
    child.kill(name)
    assert.equal(await ended, 128 + number)
    await until('all are gone', () => !pids.some(isRunning))
  })
}

test('it ends with whoever ran it, however that ended', { skip }, async (t) => {
  const machine = makeMachine(t)
  const ready = path.join(machine.homes.workspace, 'ready')
  const child = spawn(
    process.execPath,
    [BIN, ...AS, '--', 'sh', '-c', `echo $$ > ${ready}.new; mv ${ready}.new ${ready}; exec sleep 600`],
    { stdio: 'ignore' }
  )
  const pid = Number(await until('it runs', () => fs.existsSync(ready) && fs.readFileSync(ready, 'utf8')))
  child.kill('SIGKILL')
  await until('it is gone', () => !isRunning(pid))
})

test('what it leaves in its group does not stay', { skip }, async (t) => {
  const machine = makeMachine(t)
  const file = path.join(machine.homes.workspace, 'left')
  assert.equal(shell(`sleep 600 > /dev/null 2>&1 & echo $! > ${file}`).status, 0)
  const pid = Number(fs.readFileSync(file, 'utf8'))
  await until('it is gone', () => !isRunning(pid))
})
