// A tenant's fork bomb, whose processes leave the group and the session: stopping it leaves none of those that can be found.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { spawnSync } = require('node:child_process')
const { test } = require('node:test')
const { UID, firstLine, makeEnv, needsRoot, startScript } = require('./support/launch.js')
const { identify, signalProcess, status, until } = require('./support/kernel.js')
const { startWorker } = require('./support/worker.js')

const COUNT = 60
/** How long a bomb lives that nobody stops. */
const SECONDS = 40
const OTHER = UID + 1
const needsPerl =
  needsRoot ||
  (spawnSync('perl', ['-MPOSIX', '-e', '1']).status === 0 ? false : 'needs perl, whose processes fork without executing a program')

/**
 * Processes that start others, each in its own session, as fast as they can: where `RLIMIT_NPROC` keeps them from it,
 * they do so as soon as one of them ends. All end by themselves when SECONDS are over. All ignore SIGTERM, but for the first
 * one of an `obedient` or `patient` bomb. The others of a patient one start nobody until the first one has ended.
 */
const BOMB = `
  use POSIX ();
  my ($kind, $most) = @ARGV;
  my ($end, $first) = (time + ${SECONDS}, $$);
  sub begin {
    my $left = $end - time;
    POSIX::_exit(0) if $left <= 0;
    alarm $left;
  }
  # Nobody else keeps the pipe open.
  sub ready {
    $| = 1;
    print "ready\\n";
    open STDOUT, ">", "/dev/null";
  }
  sub breed {
    while (time < $end) {
      my $pid = fork;
      if (defined $pid && $pid == 0) {
        $SIG{TERM} = "IGNORE";
        begin();
        POSIX::_exit(0) if rand() < 0.3;
      }
      POSIX::setsid();
    }
    POSIX::_exit(0);
  }
  $SIG{CHLD} = "IGNORE";
  $SIG{TERM} = "IGNORE" if $kind eq "stubborn";
  begin();
  if ($kind ne "patient") {
    ready();
    breed();
  }
  for (2 .. $most) {
    my $pid;
    # The limit counts zombies too, which init has not waited for yet.
    select undef, undef, undef, 0.01 until defined($pid = fork);
    next if $pid;
    open STDOUT, ">", "/dev/null";
    $SIG{TERM} = "IGNORE";
    begin();
    POSIX::setsid();
    1 while getppid() == $first && time < $end;
    breed();
  }
  ready();
  sleep $end - time;`

/** The script of a bomb. @param {string} kind */
const bomb = (kind) => `exec perl -e '${BOMB}' ${kind} ${(COUNT * 2) / 3}`

/** Those of a uid that run. The limit on its processes counts the others too. @param {number} uid */
function running(uid) {
  return fs
    .readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        const { State, Uid } = status(pid)
        return pid > 0 && Number(Uid.split(/\s+/)[0]) === uid && !/^[ZX]/.test(State)
      } catch {
        return false
      }
    })
}

/**
 * What a failed test leaves. Those that are stopped start no others while the rest of them are killed. The number of one that
 * has ended can be another uid's by then, but not that with the time of its start.
 * @param {number} uid
 */
function endAllOf(uid) {
  for (let left = running(uid); left.length > 0; left = running(uid)) {
    const all = left.map(identify)
    for (const one of all) signalProcess(one, 'SIGSTOP')
    for (const one of all) signalProcess(one)
  }
}

/** @type {[string, string, any, string][]} */
const ASKS = [
  ['kill("SIGKILL")', 'stubborn', (/** @type {any} */ child) => child.kill('SIGKILL'), 'SIGKILL'],
  ['kill(), and the first process ignores it', 'stubborn', (/** @type {any} */ child) => child.kill(), 'SIGKILL'],
  ['kill(), and the others begin when the first process has ended', 'patient', (/** @type {any} */ child) => child.kill(), 'SIGTERM'],
  ['kill(), and the first process ends at once', 'obedient', (/** @type {any} */ child) => child.kill(), 'SIGTERM'],
  [
    'kill() again and again',
    'stubborn',
    (/** @type {any} */ child) =>
      Array(50)
        .fill(0)
        .forEach(() => child.kill()),
    'SIGKILL'
  ]
]

for (const [how, kind, ask, signal] of ASKS) {
  test(`${how}: ${COUNT} processes that only start others end`, { skip: needsPerl }, async (t) => {
    t.after(() => endAllOf(UID))
    const child = startScript(makeEnv(t).env, bomb(kind), {
      limits: { processes: COUNT },
      killGraceMs: 200,
      stdio: ['ignore', 'pipe', 'ignore']
    })
    await firstLine(child)
    await until('most of them are there', () => running(UID).length > COUNT / 2)
    const from = performance.now()
    ask(child)
    assert.equal((await child.exited).signal, signal)
    t.diagnostic(`${Math.round(performance.now() - from)} ms`)
    // One that was killed takes a moment; one that was not stays, and starts others.
    await until('none is left', () => running(UID).length === 0)
    assert.ok(performance.now() - from < SECONDS * 750, 'they had to end by themselves')
  })
}

test('a worker that ends leaves none either', { skip: needsPerl }, async (t) => {
  t.after(() => endAllOf(UID))
  const { homes } = makeEnv(t)
  fs.chmodSync(homes.tmpDir, 0o777)
  const worker = startWorker(
    t,
    `
    const env = main.buildProviderEnv({ apiKey: 'sk-made-up' }, { workspace: { home: '/', dir: '/', tmpDir: input.tmpDir } })
    const child = main.spawnProvider(env, { ...input.ids, command: '/bin/sh', args: ['-c', input.script], workspaceTrust: 'trusted', limits: { processes: input.count }, stdio: ['ignore', 'pipe', 'ignore'] })
    await new Promise((resolve, reject) => child.on('error', reject).stdout.once('data', resolve))
    say('ready')
    await new Promise((resolve) => process.stdin.once('data', resolve))
    process.exit(7)`,
    { input: { tmpDir: homes.tmpDir, ids: { uid: UID, gid: UID }, count: COUNT, script: bomb('stubborn') } }
  )
  assert.equal(await worker.next(), 'ready')
  await until('most of them are there', () => running(UID).length > COUNT / 2)
  const from = performance.now()
  worker.stdin.write('go')
  assert.deepEqual(await worker.ended, { code: 7, signal: null })
  await until('none is left', () => running(UID).length === 0)
  assert.ok(performance.now() - from < SECONDS * 750, 'they had to end by themselves')
})

test('while it is stopped, another tenant starts and ends processes', { skip: needsPerl }, async (t) => {
  t.after(() => endAllOf(UID))
  const { env, homes } = makeEnv(t)
  fs.chmodSync(homes.tmpDir, 0o777)
  const child = startScript(env, bomb('stubborn'), { limits: { processes: COUNT }, killGraceMs: 200, stdio: ['ignore', 'pipe', 'ignore'] })
  await firstLine(child)
  await until('most of them are there', () => running(UID).length > COUNT / 2)
  const before = fs.readdirSync('/proc/self/fd').length
  let over = false
  child.kill()
  child.exited.then(() => (over = true))
  let fine = 0
  let most = 0
  while (!over) {
    const other = startScript(env, 'exec sleep 60', { uid: OTHER, gid: OTHER, cwd: '/', stdio: 'ignore', killGraceMs: 30_000 })
    await other.spawned
    other.kill()
    assert.deepEqual(await other.exited, { code: null, signal: 'SIGTERM' })
    fine += 1
    most = Math.max(most, fs.readdirSync('/proc/self/fd').length - before)
  }
  t.diagnostic(`${fine} of another tenant's meanwhile, ${most} descriptors more`)
  assert.ok(fine > 0)
  assert.ok(most < 10, `${most} descriptors`)
  await until('none is left', () => running(UID).length === 0)
})
