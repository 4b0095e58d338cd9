// A program that the agent's uid may run but not read (0711): the kernel then hides the CLI's memory and environment.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { requirePrivateNetwork } = require('../support/namespace.js')
const { until } = require('../support/kernel.js')
const { descendantsOf, peek } = require('../support/proc.js')
const { installForAnyone, isAtLeast, versionsUnderTest } = require('../support/programs.js')
const { AGENT, agentHomes, credentialsSeen, startHeldMock, startTurn } = require('../support/real-turn.js')

requirePrivateNetwork()

const needsRoot = AGENT.uid === undefined && 'only root can start a program that its user may not read'
const KEY = { claude: 'sk-ant-api03-made-up-tenant-key', codex: 'sk-proj-made-up-tenant-key' }
const HEADER = { claude: 'x-api-key', codex: 'authorization' }
const OPEN = { environ: 'found', mem: 'found' }
const EMPTY = { environ: 'not found', mem: 'not found' }
const CLOSED = { environ: 'EACCES', mem: 'EACCES' }
// Codex's default model brings a second process, which inherits its environment.
const HOST = 'codex-code-mode-host'

/** @type {{ name: string, provider: 'claude' | 'codex', delivery?: string, readable: typeof OPEN }[]} */
const CASES = [
  { name: 'claude, key by fd', provider: 'claude', delivery: 'fd', readable: { environ: 'not found', mem: 'found' } },
  { name: 'claude, key by env', provider: 'claude', delivery: 'env', readable: OPEN },
  { name: 'claude, key by the broker', provider: 'claude', delivery: 'broker', readable: EMPTY },
  { name: 'codex, key by env', provider: 'codex', delivery: 'env', readable: OPEN },
  { name: 'codex, key by the broker', provider: 'codex', delivery: 'broker', readable: EMPTY }
]

for (const mode of [0o755, 0o711]) {
  for (const { name, provider, delivery, readable } of CASES) {
    test(`${name}: mode ${mode.toString(8)}`, { skip: needsRoot }, async (t) => {
      const programs = installForAnyone({ mode, test: t })
      const { mock, release, heldCount } = await startHeldMock(t)
      const { child, done } = startTurn(provider, {
        mock,
        homes: agentHomes(t),
        programs,
        payload: { apiKey: KEY[provider] },
        launch: { delivery },
        prompt: 'run: cat /proc/$PPID/environ | tr "\\0" "\\n"; head -c 1 /proc/$PPID/mem 2>&1; true'
      })
      await until('the second request', () => heldCount() > 0 || child.exitCode !== null)
      const family = [child.pid, ...descendantsOf(child.pid)]
      const seen = family.map((pid) => [programOf(pid), peek(pid, KEY[provider], AGENT)])
      release()
      const turn = await done

      assert.equal(turn.code, 0, turn.stderr)
      assert.deepEqual(credentialsSeen(mock), [`${HEADER[provider]} ${KEY[provider]}`])
      const names = seen.map(([program]) => program)
      assert.deepEqual(
        names.filter((program) => program !== HOST),
        [path.basename(programs[provider])]
      )
      assert.equal(names.includes(HOST), provider === 'codex' && isAtLeast(versionsUnderTest().codex, '0.150.0'))
      const expected = mode === 0o711 ? CLOSED : readable
      assert.deepEqual(seen[0][1], expected, 'another process of the uid')
      for (const [program, got] of seen) if (program === HOST) assert.equal(got.environ, expected.environ, HOST)
      // And the agent itself, from its own shell.
      assert.equal(turn.text.includes(KEY[provider]), mode === 0o755 && readable.environ === 'found')
      if (mode === 0o711) assert.match(turn.text, /Permission denied/)
    })
  }
}

/** @param {number} pid */
function programOf(pid) {
  return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0].split('/').at(-1)
}
