// The doctor's dry start of the real CLIs: answered as the target, hidden once the remedy was followed, and what goes wrong.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { makeMachine, runDoctor, script, withTemporary } = require('../support/doctor.js')
const { needsRoot } = require('../support/launch.js')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { installAsNewer, installForAnyone, isUntested, versionsUnderTest } = require('../support/programs.js')

requirePrivateNetwork()

const PROVIDERS = /** @type {const} */ (['claude', 'codex'])

/** The two npm executables, alone on a PATH. */
function withPrograms(/** @type {any} */ t, /** @type {{ claude: string, codex: string }} */ programs = installForAnyone({ test: t })) {
  const machine = makeMachine(t)
  for (const name of PROVIDERS) {
    fs.rmSync(path.join(machine.bin, name))
    fs.symlinkSync(programs[name], path.join(machine.bin, name))
  }
  return machine
}

const list = (/** @type {string} */ dir) => fs.readdirSync(dir, { recursive: true }).toSorted()

/** The findings, in their order: a CLI that is newer than all that was tested is warned of, today or with its next version. */
const bad = (/** @type {string[]} */ untested, /** @type {string[]} */ more) =>
  PROVIDERS.flatMap((provider) => [...(untested.includes(provider) ? ['program.untested'] : []), ...more])

test('both CLIs as npm installs them, and as the remedy has them installed', { skip: needsRoot }, (t) => {
  const versions = versionsUnderTest()
  look(
    withPrograms(t),
    PROVIDERS.filter((provider) => isUntested(provider, versions[provider]))
  )
})

test('both CLIs in a version that is newer than all that was tested', { skip: needsRoot }, (t) => {
  look(withPrograms(t, installAsNewer(t)), [...PROVIDERS])
})

/** @param {import('../support/doctor.js').Machine} machine @param {string[]} untested */
function look(machine, untested) {
  const { homes } = machine
  const before = { scratches: fs.readdirSync(machine.scratch), files: list(homes.root) }
  // A proxy, a base URL and a key in the doctor's own environment do not get into the dry start.
  const env = { HTTP_PROXY: 'http://127.0.0.1:9', ANTHROPIC_BASE_URL: 'http://127.0.0.1:9', BUN_OPTIONS: '--preload=/nowhere.js' }
  const found = runDoctor(machine, { start: true, env })
  assert.deepEqual(found.bad, bad(untested, ['program.readable']))
  const started = found.report.findings.filter(({ id }) => id === 'start.answered')
  assert.deepEqual(
    started.map(({ provider, details }) => [provider, details.hidden, details.exitCode]),
    [
      ['claude', false, 0],
      ['codex', false, 0]
    ]
  )
  for (const { details } of started) assert.ok(Number(details.durationMs) > 50 && Number(details.requests) > 0)
  // To install a version that was tested takes a network.
  const commands = found.report.findings.filter(({ id }) => id !== 'program.untested').flatMap((finding) => finding.commands)
  const after = runDoctor(machine, { start: true }, commands)
  assert.deepEqual([after.bad, after.status], [bad(untested, []), untested.length ? 1 : 0])
  const hidden = after.report.findings.filter(({ id }) => id === 'start.answered')
  assert.deepEqual(
    hidden.map(({ provider, details }) => [provider, details.hidden]),
    [
      ['claude', true],
      ['codex', true]
    ],
    'by the owner of /proc/PID/environ'
  )
  const installed = after.report.findings.filter(({ id }) => id === 'program.reachable')
  assert.ok(installed.every(({ path: file }) => file?.startsWith(machine.prefix)))
  assert.match(String(installed.find(({ provider }) => provider === 'claude')?.details.version), /^\d+\.\d+\.\d+$/)
  assert.deepEqual(
    { scratches: fs.readdirSync(machine.scratch), files: list(homes.root) },
    before,
    'nothing is left behind, and nothing of the tenant touched'
  )
}

/** Programs in a CLI's place: finding, text after `#!/bin/sh`, what the sentence says. */
const WRONG = /** @type {[string, string, RegExp, number][]} */ ([
  [
    'start.failed',
    'echo first >&2; echo "no \u001b[31mluck" >&2; exit 7',
    /ended with exit status 7\. It printed: “no {2}\[31mluck”\.$/,
    30_000
  ],
  ['start.unasked', 'exit 0', /ended successfully without sending a request/, 30_000],
  ['start.timed-out', 'sleep 60', /did not end within 0\.5 s, and sent no request/, 500]
])

for (const [id, text, sentence, timeoutMs] of WRONG) {
  test(`${id}: another program in the CLI's place`, { skip: needsRoot }, async (t) => {
    const machine = makeMachine(t)
    const { diagnose } = require('../../index.js')
    const command = script(machine.at('wrong/claude'), `#!/bin/sh\n${text}\n`)
    const { findings } = await withTemporary(machine, () =>
      diagnose({ provider: 'claude', command, uid: 12345, gid: 12345, startTimeoutMs: timeoutMs, path: '/usr/bin:/bin' })
    )
    const found = findings.filter((finding) => finding.id.startsWith('start.'))
    assert.deepEqual(
      found.map((finding) => [finding.id, finding.severity]),
      [[id, 'error']]
    )
    assert.match(found[0].sentence, sentence)
    assert.deepEqual(fs.readdirSync(machine.scratch), [])
  })
}

/**
 * The finding on a start of a wrapper that gives the CLI another credential.
 * @param {any} t
 * @param {'claude' | 'codex'} provider
 * @param {string} commands of the wrapper's
 */
async function startThrough(t, provider, commands) {
  const machine = withPrograms(t)
  const { diagnose } = require('../../index.js')
  const command = script(machine.at(`wrapper/${provider}`), `#!/bin/sh\n${commands}\nexec ${path.join(machine.bin, provider)} "$@"\n`)
  const { findings } = await withTemporary(machine, () => diagnose({ provider, command, uid: 12345, gid: 12345, path: '/usr/bin:/bin' }))
  return findings.find((finding) => finding.id.startsWith('start.'))
}

test('start.unasked: a CLI that is given another key on the way', { skip: needsRoot }, async (t) => {
  // The version of a wrapper is unknown, so Claude Code gets the key itself, on the pipe.
  const found = await startThrough(
    t,
    'claude',
    'unset CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR\nexport ANTHROPIC_API_KEY=sk-ant-api03-made-up-other'
  )
  assert.equal(found?.id, 'start.unasked', found?.sentence)
  assert.match(found?.sentence ?? '', /but not with the key that it received/)
})

test('start.failed: a CLI that is given another key than the broker’s token on the way', { skip: needsRoot }, async (t) => {
  // The broker forwards nothing without the token, so the mock sees no request.
  const found = await startThrough(t, 'codex', 'export CODEX_API_KEY=sk-made-up-other')
  assert.deepEqual([found?.id, found?.details.requests], ['start.failed', 0], found?.sentence)
})

test('start.refused: a program that is gone by then', { skip: needsRoot }, async (t) => {
  const machine = makeMachine(t)
  const { diagnose } = require('../../index.js')
  const command = script(machine.at('claude'), '#!/bin/sh\n')
  // Gone once the doctor is done with looking, and before the start: when the place of the dry start is made.
  const promises = require('node:fs/promises')
  const { mkdtemp } = promises
  const made = t.mock.method(promises, 'mkdtemp', async (/** @type {string} */ prefix) => {
    fs.rmSync(command)
    return await mkdtemp(prefix)
  })
  const { findings } = await withTemporary(machine, () =>
    diagnose({ provider: 'claude', command, uid: 12345, gid: 12345, path: '/usr/bin:/bin' })
  )
  assert.equal(made.mock.callCount(), 1)
  const found = findings.find((finding) => finding.id.startsWith('start.'))
  assert.equal(found?.id, 'start.refused')
  assert.match(found?.sentence ?? '', /no executable file/)
})
