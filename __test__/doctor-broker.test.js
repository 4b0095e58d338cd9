// What the doctor says of the broker: whether starts use it, why not, and what a uid does not separate.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')
const { buildProviderEnv, spawnProvider } = require('../index.js')
const { KEYS, UID, ids, needsLinux, needsRoot, workspaceOf } = require('./support/launch.js')
const { BIN, lookUp, makeMachine, nameVersion, runDoctor } = require('./support/doctor.js')

const skip = needsLinux || needsRoot
const HERE = path.join(__dirname, '..')

const canRead = (/** @type {string} */ file) => spawnSync('cat', [file], { uid: UID, gid: UID, cwd: '/' }).status === 0

/** The findings about the broker. @param {ReturnType<typeof lookUp>} found */
const ofBroker = ({ report }) =>
  report.findings.filter(({ id }) => id.startsWith('broker.')).map(({ id, provider, severity }) => [id, provider, severity])

/**
 * The report of diagnose() in a process of its own.
 * @param {import('./support/doctor.js').Machine} machine
 * @param {{ before?: string, options?: object, as?: number, wrapper?: string[] }} run `before` is code that runs first.
 */
function diagnoseIn(machine, { before = '', options = {}, as, wrapper = [] }) {
  const given = { path: machine.path, prefix: machine.prefix, start: false, uid: UID, gid: UID, tmpDir: machine.scratch, ...options }
  const code = `
    const main = require(${JSON.stringify(HERE)})
    ;(async () => {
      ${before}
      console.log(JSON.stringify(await main.diagnose(${JSON.stringify(given)})))
    })()`
  const [program, ...args] = [...wrapper, process.execPath, '-e', code]
  const { stdout, stderr } = spawnSync(program, args, {
    ...(as === undefined ? {} : { uid: as, gid: as }),
    cwd: '/',
    encoding: 'utf8',
    env: { PATH: machine.path }
  })
  assert.notEqual(stdout, '', stderr)
  return lookUp(JSON.parse(stdout))
}

/** What a start obtains, where the program ends at once. @param {import('./support/doctor.js').Machine} machine @param {'claude' | 'codex'} provider */
async function obtained(machine, provider) {
  const { homes } = machine
  const workspace = { ...workspaceOf(homes), codexHome: homes.codexHome, claudeConfigDir: homes.claudeConfigDir }
  const env = buildProviderEnv({ provider, apiKey: KEYS[provider] }, { workspace, baseUrl: 'http://127.0.0.1:9' })
  const args = provider === 'codex' ? ['exec'] : ['-p']
  const child = spawnProvider(env, { ...ids, args, command: path.join(machine.bin, provider) })
  env.dispose()
  await child.exited
  return [child.delivery, child.missingProtections.includes('broker')]
}

test('it says what a start obtains: by the provider, and by the version of the program', { skip }, async (t) => {
  const machine = makeMachine(t)
  assert.deepEqual(ofBroker(runDoctor(machine)), [
    ['broker.not-automatic', 'claude', 'info'],
    ['broker.usable', 'codex', 'ok']
  ])
  assert.deepEqual(
    [await obtained(machine, 'claude'), await obtained(machine, 'codex')],
    [
      ['fd', true],
      ['broker', false]
    ]
  )
  nameVersion(machine, '2.1.330')
  assert.deepEqual(ofBroker(runDoctor(machine, { provider: 'claude' })), [['broker.usable', 'claude', 'ok']])
  assert.deepEqual(await obtained(machine, 'claude'), ['broker', false])
})

test('a program that the agent can read is no warning if the key is not in it', { skip }, (t) => {
  const machine = makeMachine(t)
  const readable = () => runDoctor(machine, { provider: 'claude' }).find('program.readable')
  fs.chmodSync(path.join(machine.bin, 'claude'), 0o755)
  const direct = readable()
  assert.deepEqual([direct.severity, /, where the key is\.$/.test(direct.sentence)], ['warning', true])
  nameVersion(machine, '2.1.330', 0o755)
  const brokered = readable()
  assert.equal(brokered.severity, 'info')
  assert.match(brokered.sentence, /The key is not there, because the broker adds it; with delivery 'env' or 'fd', it is\.$/)
})

test('a directory in which no socket can be made is an error, because starts fail', { skip }, (t) => {
  const machine = makeMachine(t)
  nameVersion(machine, '2.1.330')
  const directory = machine.at('sockets')
  const before = `main.startBroker({ socketDirectory: ${JSON.stringify(directory)} })`
  const missing = diagnoseIn(machine, { before })
  assert.deepEqual(ofBroker(missing), [
    ['broker.unusable', 'claude', 'error'],
    ['broker.usable', 'codex', 'ok']
  ])
  const { sentence, details } = missing.find('broker.unusable')
  assert.match(sentence, /^Claude Code cannot be started by the broker: .*No such file or directory/)
  assert.equal(details.code, 'ERR_PROVIDER_STATE_DIR_UNUSABLE')
  fs.mkdirSync(directory)
  const after = diagnoseIn(machine, { before })
  const left = fs.readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isSocket())
  assert.deepEqual([after.bad, left], [[], []], 'the socket of the check is gone')
})

test('a worker that may not give files away still has its starts use the broker', { skip }, (t) => {
  const machine = makeMachine(t)
  nameVersion(machine, '2.1.330')
  const found = diagnoseIn(machine, { wrapper: ['setpriv', '--bounding-set=-chown', '--inh-caps=-chown'] })
  assert.deepEqual(ofBroker(found), [
    ['broker.usable', 'claude', 'ok'],
    ['broker.usable', 'codex', 'ok']
  ])
})

/** seccomp(2): no socket of AF_NETLINK with NETLINK_SOCK_DIAG, the rest is allowed. Numbers of x64. */
const FILTER = `
  my $p = pack("SCCL" x 8,
    0x20,0,0,0,  0x15,0,5,41,
    0x20,0,0,16, 0x15,0,3,16,
    0x20,0,0,32, 0x15,0,1,4,
    0x06,0,0,0x00050001, 0x06,0,0,0x7fff0000);
  my $prog = pack("Sx![Q]Q", 8, unpack("Q", pack("p", $p)));
  syscall(157, 38, 1, 0, 0, 0) == 0 or die "no_new_privs";
  syscall(157, 22, 2, $prog) == 0 or die "seccomp: $!";
  exec @ARGV`

test('a sandbox without NETLINK_SOCK_DIAG takes the broker from Codex only', {
  skip: skip || (process.arch !== 'x64' && 'numbers of x64')
}, (t) => {
  const machine = makeMachine(t)
  nameVersion(machine, '2.1.330')
  const wrapper = ['perl', '-e', FILTER, '--']
  if (spawnSync('perl', ['-e', FILTER, '--', '/bin/true']).status !== 0) return t.skip('this system takes no seccomp filter')
  const found = diagnoseIn(machine, { wrapper })
  assert.deepEqual(ofBroker(found), [
    ['broker.usable', 'claude', 'ok'],
    ['broker.unsupported', 'codex', 'warning']
  ])
  assert.match(found.find('broker.unsupported').sentence, /^OpenAI Codex receives the key itself, .* NETLINK_SOCK_DIAG/)
})

test("uids separate nothing where the target's is the worker's own, and hardenWorker() closes the memory", {
  skip: skip || (!canRead(BIN) && 'another uid cannot read this clone')
}, (t) => {
  const machine = makeMachine(t)
  const options = { uid: undefined, gid: undefined }
  const open = diagnoseIn(machine, { as: UID, options })
  assert.deepEqual(open.bad, ['broker.own-uid'])
  const { sentence, remedy } = open.find('broker.own-uid')
  assert.match(
    sentence,
    new RegExp(`^The agent would run as uid ${UID}, which is already the user of this process, so the uid separates nothing:`)
  )
  assert.match(String(remedy), /^Call hardenWorker\(\) first in the worker/)
  // Truly so: another process of that uid opens the memory, and not after the call.
  const probe = (/** @type {string} */ first) => {
    const code = `const main = require(${JSON.stringify(HERE)}); ${first}
      const { status } = require('node:child_process').spawnSync('dd', ['if=/proc/' + process.pid + '/mem', 'bs=1', 'count=0'])
      console.log(status)`
    return spawnSync(process.execPath, ['-e', code], { uid: UID, gid: UID, cwd: '/', encoding: 'utf8', env: { PATH: machine.path } }).stdout
  }
  assert.equal(probe('main.hardenWorker()'), '1\n')
  const hardened = diagnoseIn(machine, { as: UID, options, before: 'main.hardenWorker()' })
  assert.deepEqual(hardened.bad, [])
  const { details } = hardened.find('broker.usable')
  assert.equal(details.code, null)
})
