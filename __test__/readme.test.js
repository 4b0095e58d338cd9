// The README's example runs as it is written: a payload on stdin, a question on the command line, an answer on stdout.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { makeHomes, makeOpenDir } = require('./support/homes.js')
const { KEYS, UID, needsRoot } = require('./support/launch.js')

const PROJECT = path.join(__dirname, '..')

/** In a CLI's place: it says what it was asked, how long the key is that it was given, or that it is a token, and with which arguments. */
const CLI = `#!/bin/sh
key=\${CODEX_API_KEY:-$(cat <&3)}
what="a key of \${#key} bytes"
case $key in pe-broker-*) what='a token of the broker' ;; esac
echo "asked: $(cat); $what; $*"
`

/** The example, in a directory with both CLIs. Where this process is root, it becomes another user once all is loaded. @param {any} t */
function place(t) {
  const dir = makeOpenDir('provider-env-readme-')
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  for (const name of ['claude', 'codex']) fs.writeFileSync(path.join(dir, name), CLI, { mode: 0o755 })
  const scope = path.join(dir, 'node_modules', '@webalive')
  fs.mkdirSync(scope, { recursive: true })
  fs.symlinkSync(PROJECT, path.join(scope, 'provider-env'))
  const [, example = ''] = /^```ts\n(import [\s\S]*?)^```$/m.exec(fs.readFileSync(path.join(PROJECT, 'README.md'), 'utf8')) ?? []
  const drop = needsRoot ? '' : `process.setgroups([]); process.setgid(${UID}); process.setuid(${UID})\n`
  const [imports, ...rest] = example.split('\n\n')
  fs.writeFileSync(path.join(dir, 'ask.mjs'), `${imports}\n${drop}${rest.join('\n\n')}`)
  return dir
}

for (const provider of /** @type {const} */ (['claude', 'codex'])) {
  test(`the README's example asks ${provider}, and passes on its answer`, (t) => {
    const dir = place(t)
    const { workspace, home, tmpDir } = makeHomes({ uid: needsRoot ? undefined : UID, test: t })
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--no-warnings', path.join(dir, 'ask.mjs'), 'What is here?'], {
      cwd: workspace,
      env: { PATH: `${dir}:/usr/bin:/bin`, HOME: home, TMPDIR: tmpDir },
      input: JSON.stringify({ provider, apiKey: KEYS[provider] }),
      encoding: 'utf8'
    })
    assert.equal(status, 0, stderr)
    // The version of a program in Claude Code's place is unknown, so it gets the key itself.
    const isBrokered = provider === 'codex' && process.platform === 'linux'
    const given = isBrokered ? 'a token of the broker' : `a key of ${KEYS[provider].length} bytes`
    assert.ok(stdout.startsWith(`asked: What is here?; ${given}; `), stdout)
    assert.match(stdout, provider === 'codex' ? / exec .*--skip-git-repo-check -/ : / -p/)
  })
}

test('the README’s example has twelve lines at most', () => {
  const [, example = ''] = /^```ts\n(import [\s\S]*?)^```$/m.exec(fs.readFileSync(path.join(PROJECT, 'README.md'), 'utf8')) ?? []
  assert.ok(example.trim().split('\n').length <= 12, example)
})
