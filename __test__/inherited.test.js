// What a child has of its worker's: no key of its session, no better place in line, no non-blocking stream, and no
// descriptor from the moment on in which a tenant can do something about it.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { UID, ids, makeEnv, needsLinux, needsRoot, startScript } = require('./support/launch.js')
const { makeOpenDir } = require('./support/homes.js')
const { copyPackage, startWorker } = require('./support/worker.js')

/** The numbers of add_key(2) and keyctl(2). */
const CALLS = /** @type {Record<string, [number, number] | undefined>} */ ({ x64: [248, 250], arm64: [217, 219] })[process.arch]
const works = (/** @type {string} */ command, /** @type {string[]} */ ...args) => spawnSync(command, args).status === 0
const needsKeys =
  needsRoot || (CALLS && works('perl', '-e', `exit(syscall(${CALLS[1]}, 0, -3, 0) > 0 ? 0 : 1)`) ? false : 'needs perl and keyctl(2)')

/** Perl: the session keyring's number, and the content of a key that is found in it (text), or a key put there (put). */
const KEYRING = `
  my $type = "user";
  sub text { my ($name, $b) = ($_[0], "\\0" x 99); my $n = syscall(${CALLS?.[1]}, 10, -3, $type, $name, 0); return "none" if $n < 0; my $l = syscall(${CALLS?.[1]}, 11, $n, $b, 99); return $l < 0 ? "closed" : substr($b, 0, $l) }
  sub put { my ($name, $text) = @_; return syscall(${CALLS?.[0]}, $type, $name, $text, length $text, -3) > 0 ? "put" : "not put" }
  print join(" ", syscall(${CALLS?.[1]}, 0, -3, 0), `

/** A worker in a session keyring that holds a secret. */
const JOINED = [
  'perl',
  '-e',
  `my ($ring, $type, $name, $secret) = ("made-up", "user", "of-root", "secret-of-root"); syscall(${CALLS?.[1]}, 1, $ring); syscall(${CALLS?.[0]}, $type, $name, $secret, length $secret, -3); exec @ARGV`,
  '--'
]

/** Runs scripts in a worker, each as a uid, and says what they print. */
const RUN = `
  const env = main.buildProviderEnv({ apiKey: 'sk-made-up' }, { workspace: input.workspace })
  const run = (command, args, options) => new Promise((resolve, reject) => {
    const child = main.spawnProvider(env, { ...input.ids, command, args, workspaceTrust: 'trusted', ...options })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (more) => (text += more))
    child.on('error', reject).on('close', () => resolve(text.trim()))
  })`

function inputOf(/** @type {any} */ t, more = {}) {
  const { homes } = makeEnv(t)
  fs.chmodSync(homes.tmpDir, 0o777)
  return { ids, workspace: { home: '/', dir: '/', tmpDir: homes.tmpDir }, ...more }
}

test('its own session keyring: nothing of root’s, nothing of another tenant’s', { skip: needsKeys }, async (t) => {
  const perl = (/** @type {string} */ what) => ['-e', `${KEYRING}${what})`]
  const input = inputOf(t, {
    own: perl('text("of-root")'),
    first: perl('text("of-root"), put("note", "from-the-first")'),
    second: perl('text("of-root"), text("note")'),
    other: UID + 1
  })
  const worker = startWorker(
    t,
    `${RUN}
    const own = () => require('node:child_process').spawnSync('perl', input.own, { encoding: 'utf8' }).stdout
    const before = own()
    const first = await run('perl', input.first)
    const second = await run('perl', input.second, { uid: input.other, gid: input.other })
    const same = await run('perl', input.second)
    const asRoot = await run('perl', input.second, { uid: undefined, gid: undefined, allowRoot: true })
    say({ before, after: own(), first, second, same, asRoot, missing: main.spawnProvider(env, { ...input.ids, command: '/bin/true' }).missingProtections })`,
    { input, before: JOINED }
  )
  const { before, after, missing, failed, ...children } = await worker.next()
  assert.equal(failed, undefined, failed?.message)
  assert.match(before, /^\d+ secret-of-root$/, 'the worker has it: the detector works')
  assert.equal(after, before, 'the worker is where it was')
  assert.match(children.first, /^\d+ none put$/)
  for (const name of ['second', 'same', 'asRoot']) assert.match(children[name], /^\d+ none none$/, name)
  const rings = [before, ...Object.values(children)].map((text) => text.split(' ')[0])
  assert.equal(new Set(rings).size, rings.length, `${rings}`)
  assert.deepEqual(missing, [])
})

/** Fields of /proc/PID/stat after the name: proc_pid_stat(5). @param {number | undefined} pid */
function schedulingOf(pid) {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const number = (/** @type {string} */ name) => Number(fs.readFileSync(`/proc/${pid}/${name}`, 'utf8'))
  return {
    nice: Number(fields[19 - 3]),
    policy: Number(fields[41 - 3]),
    oom: number('oom_score_adj'),
    slack: number('timerslack_ns'),
    io: spawnSync('ionice', ['-p', String(pid)], { encoding: 'utf8' }).stdout.trim()
  }
}

/** A worker, and its child's place in line. @param {any} t @param {string[]} before @param {object} [options] */
async function placeOf(t, before, options = {}) {
  const worker = startWorker(
    t,
    `${RUN}
    const child = main.spawnProvider(env, { ...input.ids, command: '/bin/sh', args: ['-c', 'echo ready; read line; cat /proc/self/limits; echo -900 > /proc/self/oom_score_adj; cat /proc/self/oom_score_adj; nice -n -1 nice'], workspaceTrust: 'trusted', ...input.options })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (more) => (text += more))
    child.on('error', ({ message, step }) => say({ failed: { message, step } }))
    child.stdout.once('data', () => say(child.pid))
    process.stdin.once('data', () => child.stdin.end('go\\n'))
    child.on('close', () => say(text))`,
    { input: inputOf(t, { options }), before }
  )
  const pid = await worker.next()
  if (typeof pid !== 'number') return { failed: pid.failed }
  const [own, childs] = [schedulingOf(worker.pid), schedulingOf(pid)]
  worker.stdin.write('\n')
  return { own, childs, text: await worker.next() }
}

/** A shell that sets its own oom_score_adj, before it becomes the worker. */
const oom = (/** @type {number} */ score) => ['/bin/sh', '-c', `echo ${score} > /proc/self/oom_score_adj; exec "$@"`, 'sh']

test('a worker that comes first with everything hands none of it on', { skip: needsRoot, timeout: 60_000 }, async (t) => {
  const first = ['ionice', '-c1', '-n0', 'nice', '-n', '-7', 'chrt', '-f', '3']
  if (!works(first[0], ...first.slice(1), 'true')) return t.skip('needs ionice and chrt, and a system that lets root use them')
  const { own, childs } = await placeOf(t, first)
  // A thread under SCHED_FIFO has a slack of 0, and its nice value waits.
  assert.deepEqual([own?.policy, own?.nice, own?.slack, own?.io], [1, -7, 0, 'realtime: prio 0'], 'the worker has them')
  assert.deepEqual({ ...childs, oom: 0 }, { nice: 0, policy: 0, oom: 0, slack: 50_000, io: 'none: prio 0' })
})

test('nor the right to come first, nor that it is spared when memory runs out', { skip: needsRoot, timeout: 60_000 }, async (t) => {
  const spared = [...oom(-900), 'prlimit', '--rtprio=50', '--nice=35']
  if (!works(spared[0], ...spared.slice(1), 'true')) return t.skip('needs prlimit and CAP_SYS_RESOURCE')
  const { own, childs, text } = await placeOf(t, spared)
  assert.deepEqual([own?.oom, childs?.oom], [-900, 0])
  assert.match(text, /^Max nice priority\s+0\s+0\s*$/m)
  assert.match(text, /^Max realtime priority\s+0\s+0\s*$/m)
  // Nor can it take that back: the floor has moved as well.
  assert.match(text, /\n0\n/, text)
})

test('a worker with low priority passes it on, unless an option says otherwise', { skip: needsRoot, timeout: 60_000 }, async (t) => {
  const last = [...oom(300), 'ionice', '-c3', 'nice', '-n', '7', 'chrt', '-b', '0']
  if (!works(last[0], ...last.slice(1), 'true')) return t.skip('needs ionice and chrt')
  const kept = await placeOf(t, last)
  assert.deepEqual(kept.childs, { nice: 7, policy: 3, oom: 300, slack: 50_000, io: 'idle' })
  const asked = await placeOf(t, last, { priority: 12, oomScoreAdj: 700 })
  assert.deepEqual([asked.childs?.nice, asked.childs?.oom], [12, 700])
  const lower = await placeOf(t, last, { priority: 0, oomScoreAdj: 0 })
  assert.deepEqual([lower.childs?.nice, lower.childs?.oom], [0, 0], 'root may')
})

test('who is not root may not ask for a better place than its own', { skip: needsRoot, timeout: 60_000 }, async (t) => {
  const dropped = ['setpriv', '--reuid', String(UID), '--regid', String(UID), '--clear-groups']
  if (!works(dropped[0], ...dropped.slice(1), 'true')) return t.skip('needs setpriv')
  const main = copyPackage(t)
  const lowers = [...oom(300), ...dropped, ...oom(100)]
  const rows = /** @type {[object, string][]} */ ([[{ priority: 3 }, 'scheduling']])
  // Only where root has CAP_SYS_RESOURCE its value is a floor for others.
  if (!works(lowers[0], ...lowers.slice(1), 'true')) rows.push([{ oomScoreAdj: 100 }, 'oom-score'])
  for (const [options, step] of rows) {
    const worker = startWorker(
      t,
      `${RUN}
      say(await run('/bin/true', [], input.options).catch(({ code, step, errno, message }) => ({ code, step, errno, message })))`,
      { main, input: inputOf(t, { ids: {}, options }), before: [...oom(300), 'nice', '-n', '7', ...dropped], spawn: { cwd: '/' } }
    )
    const refused = await worker.next()
    assert.deepEqual([refused.code, refused.step, refused.errno], ['ERR_PROVIDER_SPAWN_FAILED', step, -13], JSON.stringify(refused))
    assert.match(refused.message, /options\.(priority|oomScoreAdj)/)
  }
})

/** Says what a child has of what belongs to a thread: nice value, class, I/O class, processors. */
const PLACE = 'ps -o ni=,cls= -p $$; ionice -p $$; taskset -pc $$ | sed "s/.*: //"'
const needsTools =
  needsRoot ||
  (['ionice -p 1', 'taskset -p 1', 'chrt -p 1', 'setpriv true', 'ps -p 1'].every((text) => works('sh', '-c', text))
    ? false
    : 'needs ps and util-linux')

test('“this process’s own” is the main thread’s, whenever the threads that start a child were made', {
  skip: needsTools,
  timeout: 60_000
}, async (t) => {
  const worker = startWorker(
    t,
    `${RUN}
    const child = (options) => run('/bin/sh', ['-c', input.place], options).then((text) => text.split('\\n').map((line) => line.trim()))
    const before = await child()
    require('node:os').setPriority(7)
    for (const [command, ...args] of input.changes) require('node:child_process').execFileSync(command, [...args, String(process.pid)])
    const after = await child()
    const asked = await child({ priority: 3 })
    require('node:os').setPriority(-5)
    say({ before, after, asked, better: await child() })`,
    {
      input: inputOf(t, {
        place: PLACE,
        changes: [
          ['chrt', '-b', '-p', '0'],
          ['ionice', '-c3', '-p'],
          ['taskset', '-pc', '0']
        ]
      }),
      before: ['taskset', '-c', '0,1']
    }
  )
  const said = await worker.next()
  assert.equal(said.failed, undefined, said.failed?.message)
  const shape = (/** @type {string[]} */ [place, io, processors]) => [...place.split(/\s+/), io, processors]
  assert.deepEqual(shape(said.before).slice(0, 2), ['0', 'TS'])
  assert.deepEqual(shape(said.after), ['7', 'B', 'idle', '0'])
  assert.deepEqual(shape(said.asked), ['3', 'B', 'idle', '0'], 'root may')
  assert.deepEqual(shape(said.better), ['0', 'B', 'idle', '0'], 'never one that puts it before others')
})

test('who is not root may not ask for a better nice value than the worker has now', { skip: needsTools, timeout: 60_000 }, async (t) => {
  const dropped = ['setpriv', '--reuid', String(UID), '--regid', String(UID), '--clear-groups']
  const worker = startWorker(
    t,
    `${RUN}
    const nice = (options) => run('/bin/sh', ['-c', 'nice'], options).catch(({ code, step, errno }) => ({ code, step, errno }))
    const before = await nice()
    require('node:os').setPriority(7)
    say([before, await nice(), await nice({ priority: 12 }), await nice({ priority: 3 })])`,
    { main: copyPackage(t), input: inputOf(t, { ids: {} }), before: dropped, spawn: { cwd: '/' } }
  )
  assert.deepEqual(await worker.next(), ['0', '7', '12', { code: 'ERR_PROVIDER_SPAWN_FAILED', step: 'scheduling', errno: -13 }])
})

test('the two options are whole numbers in the kernel’s range', (t) => {
  const { env } = makeEnv(t)
  for (const options of [{ priority: -1 }, { priority: 20 }, { priority: 1.5 }, { oomScoreAdj: -1 }, { oomScoreAdj: 1001 }]) {
    assert.throws(() => startScript(env, 'exit 0', options), { code: 'ERR_INVALID_ARG_VALUE', message: /whole number from 0 to/ })
  }
})

test('an inherited stream is one that blocks', { skip: needsLinux }, async (t) => {
  const worker = startWorker(
    t,
    `${RUN}
    // libuv makes it non-blocking.
    process.stdin.on('error', () => {}).pause()
    const flags = (text) => parseInt(/flags:\\s*(\\d+)/.exec(text)[1], 8)
    const own = flags(require('node:fs').readFileSync('/proc/self/fdinfo/0', 'utf8'))
    say({ own })
    const text = await run('/bin/sh', ['-c', 'cat /proc/$$/fdinfo/0; exec cat'], { stdio: [0, 'pipe', 'pipe'] })
    say({ childs: flags(text), text })`,
    { input: inputOf(t) }
  )
  const { own } = await worker.next()
  const NONBLOCK = 0o4000
  assert.notEqual(own & NONBLOCK, 0, 'the worker’s is non-blocking: the detector works')
  // Later than the first read, which finds nothing.
  setTimeout(() => worker.stdin.end('late\n'), 300)
  const { childs, text } = await worker.next()
  assert.equal(childs & NONBLOCK, 0)
  assert.match(text, /late$/, text)
})

test('in every child, descriptors are closed before anything is done as the target', { skip: needsRoot, timeout: 60_000 }, async (t) => {
  if (!works('strace', '-V')) return t.skip('strace is not installed')
  const dir = makeOpenDir('provider-env-trace-')
  t.after(() => fs.rmSync(dir, { recursive: true }))
  const log = path.join(dir, 'log')
  const trace = [
    'strace',
    '-f',
    '-qq',
    '-e',
    'signal=none',
    '-e',
    'trace=close_range,setgroups,setresuid,chdir,faccessat,execve',
    '-o',
    log
  ]
  const worker = startWorker(
    t,
    `${RUN}
    await run('/bin/true', [])
    say('done')
    process.exit()`,
    { input: inputOf(t), before: trace }
  )
  if ((await Promise.race([worker.next(), worker.ended])) !== 'done') return t.skip('the system forbids tracing')
  await worker.ended
  /** @type {Map<string, string[]>} */
  const calls = new Map()
  for (const line of fs.readFileSync(log, 'utf8').split('\n')) {
    const [, pid, call] = /^(\d+)\s+(?:<\.\.\. )?(\w+)/.exec(line) ?? []
    if (call) calls.set(pid, [...(calls.get(pid) ?? []), line.slice(line.indexOf(call))])
  }
  const children = [...calls.values()].filter((lines) => lines.some((line) => line.startsWith(`setresuid(${UID}, ${UID}, ${UID}`)))
  // One that asks whether the target can reach the program, and the program.
  assert.equal(children.length, 2, JSON.stringify([...calls.values()]))
  assert.deepEqual(children.map(([first]) => first.replace(/\).*/, ')')).sort(), [
    'close_range(0, 4294967295, 0)',
    'close_range(4, 4294967295, 0)'
  ])
})

test('a sandbox without keyctl(2) is reported, and starts go on', { skip: needsKeys }, async (t) => {
  // seccomp(2): keyctl gives EPERM, as in Docker's default profile; the rest is allowed.
  const nr = CALLS?.[1]
  const filter = `
    my $p = pack("SCCL" x 4, 0x20,0,0,0, 0x15,0,1,${nr}, 0x06,0,0,0x00050001, 0x06,0,0,0x7fff0000);
    my $prog = pack("Sx![Q]Q", 4, unpack("Q", pack("p", $p)));
    syscall(${process.arch === 'x64' ? 157 : 167}, 38, 1, 0, 0, 0) == 0 or die "no_new_privs";
    syscall(${process.arch === 'x64' ? 157 : 167}, 22, 2, $prog) == 0 or die "seccomp: $!";
    exec @ARGV`
  if (!works('perl', '-e', filter, '--', '/bin/true')) return t.skip('this system takes no seccomp filter')
  const worker = startWorker(
    t,
    `${RUN}
    const child = main.spawnProvider(env, { ...input.ids, command: '/bin/sh', args: ['-c', 'echo fine'], delivery: 'fd', workspaceTrust: 'trusted' })
    let text = ''
    child.stdout.on('data', (more) => (text += more))
    child.on('error', (error) => (text += error.message)).on('close', () => say({ text, path: child.startPath, missing: child.missingProtections }))`,
    { input: inputOf(t), before: ['perl', '-e', filter, '--'] }
  )
  assert.deepEqual(await worker.next(), { text: 'fine\n', path: 'native', missing: ['session-keyring'] })
})
