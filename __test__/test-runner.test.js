// `npm test` itself: options that it refuses, what it says of several rounds, and that nothing it started outlives it.
'use strict'

const assert = require('node:assert/strict')
const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { endAfter, isRunning, status, until } = require('./support/kernel.js')
const { needsLinux } = require('./support/launch.js')

const SCRIPTS = path.join(__dirname, '..', 'scripts')

/** Runs a module's text that may import from the scripts. @param {string} text */
const run = (text) => spawnSync(process.execPath, ['--input-type=module', '-e', text], { cwd: SCRIPTS, encoding: 'utf8' })

const REFUSED = /** @type {[string[], RegExp][]} */ ([
  [['--repaet', '2'], /Unknown option '--repaet'/],
  [['--repeat'], /--repeat/],
  [['--repeat', '0'], /--repeat must be a whole number from 1 to 9999/],
  [['--cores', '1.5'], /--cores must be a whole number/],
  [['--load=yes'], /--load/],
  [['--only', 'nothing'], /nothing is not a stage/],
  [['--only', 'node/nothing'], /nothing is not a step of node; the steps are package, real-cli, sdk/],
  [['--only', 'lint/rustfmt,rust/nothing'], /nothing is not a step of rust; the steps are core/],
  [['__test__/nosuch.test.js'], /the test file __test__\/nosuch\.test\.js does not exist/],
  [['redactor'], /the test file redactor does not exist/],
  [['__test__/redactor.test.js', 'nosuch'], /the test file nosuch does not exist/],
  [['__test__/redactor'], /the test file __test__\/redactor does not exist/],
  [['--only', 'lint', '__test__/redactor.test.js'], /test files belong to the stage node, which --only leaves out/],
  [['--only', 'node/sdk', '__test__/redactor.test.js'], /__test__\/redactor\.test\.js is not a test file of node\/sdk/]
])

test('a wrong option is refused with the usage, and nothing is run', () => {
  for (const [args, message] of REFUSED) {
    const { status: code, stdout, stderr } = spawnSync(process.execPath, [path.join(SCRIPTS, 'test.mjs'), ...args], { encoding: 'utf8' })
    assert.deepEqual([code, stdout], [2, ''], args.join(' '))
    assert.match(stderr, message)
    assert.match(stderr, /^usage: npm test -- /m)
  }
})

const COMMANDS = /** @type {[string, RegExp][]} */ ([
  ['scripts/test.mjs', /^usage: npm test -- /],
  ['scripts/fuzz.mjs', /^usage: npm run fuzz /],
  ['demo/index.js', /^usage: npm run demo /],
  ['bench/index.js', /^usage: npm run bench /]
])

test('whoever asks a command for help gets its usage alone, and whoever mistypes an option gets an error with the usage', () => {
  for (const [file, usage] of COMMANDS) {
    const ask = (/** @type {string} */ option) =>
      spawnSync(process.execPath, [path.join(SCRIPTS, '..', file), option], { encoding: 'utf8' })
    for (const option of ['--help', '-h']) {
      const { status: code, stdout, stderr } = ask(option)
      assert.deepEqual([code, stderr], [0, ''], `${file} ${option}`)
      assert.match(stdout, usage, `${file} ${option}`)
    }
    const { status: code, stdout, stderr } = ask('--bogus')
    assert.deepEqual([code, stdout], [2, ''], file)
    assert.match(stderr, /^Unknown option '--bogus'\.?\n/, file)
    assert.match(stderr, new RegExp(usage.source, 'm'), file)
  }
})

test('rounds: what failed is named, with the rounds in which it did; the last line counts all of them', () => {
  const { status: code, stdout } = run(`
    import { Report, counted, failure } from './lib/report.mjs'
    const report = new Report([])
    const bad = (failures) => { throw failure('it failed', { passed: 1, failed: failures.length, skipped: 0, failures }) }
    for (const round of [1, 2, 3]) {
      report.beginRound(round, 3)
      await report.step('node', 'package', () => (round === 2 ? counted({ passed: 3, failed: 0, skipped: 1 }) : bad(round === 1 ? ['a.test.js: one'] : ['a.test.js: one', 'b.test.js: two'])))
      await report.step('rust', 'core', () => { if (round === 2) throw failure('cargo test took longer than 8 minutes and was ended', null) })
    }
    process.exitCode = report.close(7)`)
  assert.equal(code, 1)
  const lines = stdout.trimEnd().split('\n')
  assert.deepEqual(
    lines.filter((line) => line.startsWith('failed in')),
    [
      'failed in 2 of 3  a.test.js: one  (1, 3)',
      'failed in 1 of 3  rust/core: cargo test took longer than 8 minutes and was ended  (2)',
      'failed in 1 of 3  b.test.js: two  (3)'
    ]
  )
  assert.equal(lines.at(-1), '7 passed, 4 failed, 1 skipped')
  assert.match(
    run(
      "import { Report } from './lib/report.mjs'; const report = new Report([]); report.beginRound(1, 2); await report.step('a', 'b', () => {}); report.close(1)"
    ).stdout,
    /^nothing failed in 2 rounds$/m
  )
})

test("node's own names of what failed: not the tests around it, not what is skipped or to be done", async () => {
  const { default: reporter } = await import(/** @type {any} */ ('../scripts/lib/count-reporter.mjs'))
  const fail = (/** @type {string} */ name, more = {}, failureType = 'testCodeFailure') => ({
    type: 'test:fail',
    data: { name, nesting: 0, file: path.join(__dirname, 'x.test.js'), details: { error: { failureType } }, ...more }
  })
  const events = [
    fail('inner'),
    fail('outer', {}, 'subtestsFailed'),
    fail('later', { todo: true }),
    fail(path.join(__dirname, 'x.test.js')),
    { type: 'test:diagnostic', data: { nesting: 0, message: 'fail 2' } }
  ]
  let text = ''
  for await (const piece of reporter(events)) text += piece
  assert.deepEqual(JSON.parse(text), {
    passed: 0,
    failed: 2,
    skipped: 0,
    failures: ['__test__/x.test.js: inner', '__test__/x.test.js: the file as a whole']
  })
})

test('the load keeps the cores of a run busy, and ends with it, also when it is killed', { skip: needsLinux }, async (t) => {
  const taskset = spawnSync('taskset', ['--version']).error === undefined
  const text = `
    import { keepBusy, pinTo } from './lib/load.mjs'
    ${taskset ? 'await pinTo(1)' : ''}
    keepBusy()
    process.stdout.write('busy')
    setInterval(() => {}, 60_000)`
  const runner = spawn(process.execPath, ['--input-type=module', '-e', text], { cwd: SCRIPTS, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => runner.kill('SIGKILL'))
  await new Promise((resolve) => runner.stdout.once('data', resolve))
  const spinners = childrenOf(Number(runner.pid))
  for (const pid of spinners) endAfter(t, pid)
  const allowed = status(spinners[0]).Cpus_allowed_list
  if (taskset) assert.deepEqual([spinners.length, /^\d+$/.test(allowed)], [1, true], `${spinners.length} on ${allowed}`)
  await until('it spins', () => cpuTicks(spinners[0]) > 20)
  runner.kill('SIGKILL')
  await until('its load ends', () => !spinners.some(isRunning))
})

/** @param {number} pid @returns {number[]} */
function childrenOf(pid) {
  return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
}

/** Processor time that it has used, in user mode. @param {number} pid */
function cpuTicks(pid) {
  return Number(fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[11])
}

test('a fresh clone needs no package to begin: the scripts that install them import only files and built-ins', () => {
  const entries = ['with-build.mjs', 'test.mjs', 'build.mjs', 'ensure.mjs', 'compat.mjs', 'fuzz.mjs', 'sanitize.mjs']
  const seen = new Set(entries.map((name) => path.join(SCRIPTS, name)))
  const packages = []
  for (const file of seen) {
    const imports = fs.readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?:[^'"]*? from )?['"]([^'"]+)['"]/gm)
    for (const [, name] of imports) {
      if (name.startsWith('.')) seen.add(path.join(path.dirname(file), name))
      else if (!name.startsWith('node:')) packages.push(`${path.relative(SCRIPTS, file)} imports ${name}`)
    }
  }
  assert.ok(
    seen.has(path.join(SCRIPTS, 'lib', 'bundle.mjs')) && seen.has(path.join(SCRIPTS, 'lib', 'ts-module-graph.mjs')),
    'imports are followed'
  )
  assert.deepEqual(packages, [])
})
