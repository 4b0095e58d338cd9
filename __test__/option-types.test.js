// Options for callers whose compiler distinguishes "absent" from "undefined" (exactOptionalPropertyTypes): our types let both pass, and
// both mean the same when it runs.
'use strict'

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const test = require('node:test')
const ts = require('typescript')
const main = require('../index.js')
const { KEYS, ids, makeEnv, needsLinux, outcome } = require('./support/launch.js')
const { openLogin } = require('./support/stored-login.js')

const PROJECT = path.join(__dirname, '..')
const TYPES = ['index.d.ts']

/**
 * The optional properties of what callers give, by where they are declared: an interface, a class or a function, or a property of one. What only we
 * give is `readonly`, or in a promise.
 */
function optionalProperties() {
  /** @type {Record<string, { name: string, isExact: boolean }[]>} */
  const all = {}
  for (const file of TYPES) {
    const source = ts.createSourceFile(file, fs.readFileSync(path.join(PROJECT, file), 'utf8'), ts.ScriptTarget.Latest, true)
    for (const statement of source.statements) {
      const visit = (/** @type {any} */ node, /** @type {string} */ owner) => {
        if (ts.isTypeReferenceNode(node) && node.typeName.getText() === 'Promise') return
        const name = ts.isPropertySignature(node) ? node.name.getText() : undefined
        if (ts.isPropertySignature(node) && name !== undefined && node.questionToken && !node.modifiers?.length) {
          const members = node.type && ts.isUnionTypeNode(node.type) ? node.type.types : []
          ;(all[owner] ??= []).push({ name, isExact: members.some(({ kind }) => kind === ts.SyntaxKind.UndefinedKeyword) })
        }
        ts.forEachChild(node, (child) => visit(child, name === undefined ? owner : `${owner}.${name}`))
      }
      visit(statement, /** @type {any} */ (statement).name?.text)
    }
  }
  return all
}

/** Options that request a check: `owner: config.uid`, if the configuration has no uid, would turn the check off. */
const REFUSED = ['LoginOptions.owner']

test('every optional property of an option may be given as undefined, by its type', () => {
  const all = optionalProperties()
  const missing = Object.entries(all).flatMap(([owner, properties]) =>
    properties.filter(({ isExact }) => !isExact).map(({ name }) => `${owner}.${name}`)
  )
  assert.ok(Object.values(all).flat().length > 100, 'the walk finds them')
  assert.deepEqual(missing, REFUSED)
})

test('README’s examples compile as a strict project has them', (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'provider-env-readme-'))
  t.after(() => fs.rmSync(dir, { recursive: true }))
  const blocks = [...fs.readFileSync(path.join(PROJECT, 'README.md'), 'utf8').matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code)
  const modules = blocks.filter((code) => /^import /m.test(code))
  assert.ok(
    modules.some((code) => code.includes('spawnProvider(')),
    'they are found'
  )
  const names = modules.map((code, index) => {
    fs.writeFileSync(path.join(dir, `example-${index}.mts`), code)
    return `example-${index}.mts`
  })
  const { compilerOptions } = JSON.parse(
    fs.readFileSync(path.join(PROJECT, '__test__/types/tsconfig.json'), 'utf8').replace(/^\s*\/\/.*$/gm, '')
  )
  const options = {
    ...compilerOptions,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    typeRoots: [path.join(PROJECT, 'node_modules', '@types')],
    paths: { [require('../package.json').name]: [path.join(PROJECT, 'index.d.mts')] }
  }
  fs.writeFileSync(path.join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: names }))
  try {
    execFileSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', dir], { encoding: 'utf8' })
  } catch (error) {
    assert.fail(/** @type {any} */ (error).stdout)
  }
})

/**
 * Calls with all optional properties `undefined`, by the name of what declares them.
 * @type {Record<string, (own: any, t: any) => unknown>}
 */
const CALLS = {
  SecretOptions: (own) => main.Secret.from(Buffer.from('made-up-secret'), own).dispose(),
  SealBinding: (own) => {
    const recipient = main.createRecipient()
    const sealed = main.Secret.from(Buffer.from(KEYS.claude)).sealFor(recipient.publicKey, {
      workspace: 'w',
      field: 'apiKey',
      request: 'r',
      ...own
    })
    main.buildProviderEnv({ apiKey: sealed }, { recipient, requestId: 'r', workspace: { id: 'w', home: '/' } }).dispose()
  },
  RecipientOptions: (own) => main.createRecipient(own).dispose(),
  ProviderPayload: (own) => main.buildProviderEnv({ ...own, apiKey: KEYS.claude }, { workspace: { home: '/' } }).dispose(),
  Workspace: (own) => main.buildProviderEnv({ apiKey: KEYS.claude }, { workspace: { ...own, home: '/' } }).dispose(),
  StateDirectories: async (own) => {
    main.buildProviderEnv({ apiKey: KEYS.claude }, { workspace: { ...own, home: '/' } }).dispose()
    await main.diagnose({ ...own, start: false })
  },
  ProviderEnvOptions: (own) => main.buildProviderEnv({ apiKey: KEYS.claude }, own).dispose(),
  ServerCredentialsOptions: (own) => main.takeServerCredentials(own).dispose(),
  ResourceLimits: async (own, t) => assert.equal((await outcome(start(t, { limits: own }))).code, 0),
  SpawnOptions: async (own, t) => assert.equal((await outcome(start(t, { ...own, ...ids }))).code, 0),
  'SpawnOptions.redactOutput': async (own, t) => assert.equal((await outcome(start(t, { redactOutput: own }))).code, 0),
  spawnProvider: async (own, t) => assert.equal((await outcome(start(t, own))).code, 0),
  ResolveOptions: (own) => assert.ok(main.resolveProgram('claude', { ...own, ...ids, command: '/bin/sh' }).path),
  'ClaudeAgentOptions.spawnClaudeCodeProcess': async (own, t) => {
    const { spawnClaudeCodeProcess } = main.claudeAgentOptions(makeEnv(t).env, { ...ids, command: '/bin/sh', workspaceTrust: 'trusted' })
    const child = spawnClaudeCodeProcess({ command: 'node', args: ['-c', 'exit 0'], env: {}, signal: new AbortController().signal, ...own })
    assert.equal((await outcome(child)).code, 0)
  },
  AgentLaunch: (own, t) => assert.ok(main.claudeAgentOptions(makeEnv(t).env, { ...own, ...ids, command: '/bin/sh' })),
  CodexLaunch: (own, t) => {
    const { env } = makeEnv(t, { provider: 'codex' })
    assert.ok(main.codexOptions(env, { ...own, command: '/bin/sh', exposeSecrets: true, allowRoot: true }))
  },
  RedactorOptions: (own) => new main.Redactor(['made-up-secret'], own).dispose(),
  LockboxOptions: (own) => lockbox(own).dispose(),
  LockboxContext: (own) => lockbox().seal(Buffer.from('made-up-secret'), { ...CONTEXT, ...own }),
  LockboxRow: (own) => {
    // As version 1, which this row is not: it gets as far as its tag.
    const row = { ...lockbox().seal(Buffer.from('made-up-secret'), CONTEXT), ...own }
    assert.throws(() => lockbox({ allowLegacy: true }).open(row, CONTEXT), { code: 'ERR_PROVIDER_UNSEAL_FAILED' })
  },
  HttpOptions: (own) => main.checkKey('claude', 'no key', own),
  CheckKeyOptions: (own) => main.checkKey('claude', 'no key', own),
  LoginOptions: async (own, t) => {
    const { owner, ...others } = own
    await openLogin(t, others)
    await assert.rejects(openLogin(t, { owner }), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: 'options.owner must not be undefined. Omit it, or pass the uid.'
    })
  },
  'LoginOptions.fields': async (own, t) => {
    await openLogin(t, { fields: own })
  },
  CredentialStore: async (own, t) => {
    main.CredentialStore.of('claude', KEYS.claude, { kind: own.kind }).dispose()
    const { store } = await openLogin(t)
    for (const method of /** @type {const} */ (['fresh', 'refresh', 'reload'])) await store[method]({ signal: own.signal })
  },
  BrokerOptions: (own) => main.startBroker(own).stop(),
  BrokerLimits: (own) => main.startBroker({ limits: own }).stop(),
  AuditOptions: async (own) => {
    const broker = main.startBroker()
    await broker.audit(own).return?.()
    await broker.stop()
  },
  Broker: async (own) => {
    const broker = main.startBroker()
    assert.equal(broker.rotate({ provider: 'claude', workspaceId: 'w' }, KEYS.claude, { kind: own.kind }), 0)
    await broker.stop()
  },
  DiagnoseOptions: (own) => main.diagnose({ ...own, start: false }),
  ValidateKeyOptions: (own) => main.validateKey('claude', KEYS.claude, own),
  ProcessFilter: (own) => main.runningProcesses(own),
  UsageMeterOptions: (own) => new main.UsageMeter('claude', own),
  LedgerLabels: (own) => new main.UsageLedger().record(new main.UsageMeter('claude').usage, { workspace: 'w', provider: 'claude', ...own }),
  UsageLedgerOptions: (own) => new main.UsageLedger(own)
}

const CONTEXT = { tenant: 't', purpose: 'p', name: 'n', rowVersion: 1 }
const lockbox = (/** @type {any} */ own = {}) => new main.Lockbox({ masterKeys: [Buffer.alloc(32, 0xf7)], ...own })

/** A shell that ends at once. @param {any} t @param {any} options */
function start(t, options) {
  return main.spawnProvider(makeEnv(t).env, { ...ids, ...options, command: '/bin/sh', args: ['-c', 'exit 0'], workspaceTrust: 'trusted' })
}

for (const [owner, properties] of Object.entries(optionalProperties())) {
  test(`undefined is as good as absent: ${owner}`, { skip: needsLinux }, async (t) => {
    await CALLS[owner](Object.fromEntries(properties.map(({ name }) => [name, undefined])), t)
  })
}
