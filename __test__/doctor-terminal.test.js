// Whoever runs the doctor, or what it prints, on a terminal: no process of the tenant's gets a hold on that terminal.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { UID, needsLinux, needsRoot } = require('./support/launch.js')
const { BIN, argumentsFor, makeMachine, runDoctor, script, tenantFile } = require('./support/doctor.js')
const { needsScript, onTerminal, quoted, ttyOf } = require('./support/terminal.js')

const skip = needsLinux || needsRoot || needsScript

/** What a command reports about its terminal: its line in /proc, what its descriptors are, and what /dev/tty is. */
const PROBE =
  'cat /proc/self/stat; for fd in 0 1 2; do readlink /proc/self/fd/$fd; done; (: < /dev/tty) 2>/dev/null && echo opened || echo none'

test('a printed command that the tenant runs has no terminal', { skip }, async (t) => {
  const machine = makeMachine(t)
  fs.chmodSync(machine.homes.home, 0o755)
  tenantFile(path.join(machine.homes.workspace, '.mcp.json'), '{"mcpServers": {"x": {}}}')
  const { report } = runDoctor(machine, { provider: 'claude' })
  const commands = report.findings.flatMap((finding) => finding.commands)
  const prefixes = commands.flatMap((command) => /^(.*) (?:chmod|mv) /.exec(command)?.[1] ?? [])
  assert.equal(prefixes.length, 2, commands.join('\n'))
  for (const prefix of prefixes) {
    const { text, status } = await onTerminal(`${prefix} sh -c ${quoted([PROBE])}`, { uid: UID })
    const [stat, ...rest] = text.trimEnd().split('\n')
    assert.equal(ttyOf(stat), 0, text)
    const opened = rest.pop()
    assert.deepEqual([status, opened, rest.filter((to) => to.startsWith('/dev/pts/'))], [0, 'none', []], text)
  }
})

test('what the doctor itself does as the tenant has no terminal', { skip, timeout: 120_000 }, async (t) => {
  const machine = makeMachine(t)
  // So many files that whoever removes them is seen, and one directory for which it comes again and again.
  const command = script(
    machine.at('claude'),
    '#!/bin/sh\ni=0\nwhile [ $i -lt 3000 ]; do : > "$HOME/$i"; i=$((i+1)); done\nmkdir -p "$HOME/a/b"\nchmod 0 "$HOME/a"\nexit 3\n'
  )
  const args = argumentsFor(machine, { provider: 'claude', start: true, args: ['--command', command] })
  const { names, held, text } = await onTerminal(quoted([process.execPath, BIN, ...args]), { uid: UID, env: { TMPDIR: machine.scratch } })
  assert.match(text, /"start\.failed"/)
  assert.ok(names.includes('rm') && names.includes('claude'), `seen: ${names.join(' ')}`)
  assert.deepEqual(held, [])
})
