// Runs the sealed tenant: lockbox file, parent, socket, worker, CLI; and scans the worker's memory on the way.
'use strict'

const { startMockApi } = require('../../__test__/support/mock-api/index.js')
const { lookAt } = require('../live-child.js')
const { environmentOf, fileOf, scanFor } = require('./look.js')
const { Parent, writeLockbox } = require('./processes.js')
const { readRows } = require('./rows.js')
const { makeSetting } = require('./setting.js')

const PROVIDERS = ['claude', 'codex']

/**
 * @param {object} stage
 * @param {import('../workshop.js').Workshop} stage.workshop
 * @param {Record<string, { path: string, version: string | null }>} stage.programs
 * @param {AbortSignal} stage.signal
 */
async function runSealed({ workshop, programs, signal }) {
  // While the API has not answered, the CLI waits: that is the moment to look.
  const moment = { come: async () => /** @type {unknown} */ (undefined) }
  const api = await startMockApi({ answer: (turn) => moment.come().then(() => ({ text: greeting(turn.credential) })) })
  workshop.onClose(() => api.close())
  const setting = makeSetting({ workshop, programs, api })
  const { masterKey, keys } = writeLockbox(setting)
  /** @param {string | null} credential */
  const greeting = (credential) =>
    `Hello ${Object.values(keys).includes(String(credential)) ? setting.tenant : 'stranger'}: this credential is yours.`

  const parent = new Parent(setting, masterKey, signal)
  workshop.onClose(() => parent.close())
  const worker = await parent.next()

  const turns = []
  for (const provider of PROVIDERS)
    turns.push({ provider, key: keys[provider], version: programs[provider].version, ...(await runTurn(provider)) })
  const secrets = [masterKey, ...Object.values(keys)]
  return {
    tenant: setting.tenant,
    rows: readRows(setting.lockbox),
    pids: { parent: parent.pid, worker: worker.pid },
    hardening: worker.hardening,
    requests: api.requests,
    turns,
    masterKey: scanFor(worker.pid, masterKey, Buffer.from(masterKey, 'hex')),
    parentMemory: scanFor(parent.pid, ...Object.values(keys)),
    environments: { parent: environmentOf(parent.pid, secrets), worker: environmentOf(worker.pid, secrets) },
    files: { lockbox: fileOf(setting.lockbox, secrets), sent: fileOf(setting.sent, secrets), received: fileOf(setting.received, secrets) },
    // Last: from here on the worker has a copy.
    leak: await leakOnPurpose()
  }

  /** @param {string} provider */
  async function runTurn(provider) {
    /** @type {any} */
    let live
    /** @type {unknown} */
    let failure
    const look = (/** @type {{ pid: number }} */ { pid }) =>
      (live ??= { child: { pid, ...lookAt(pid) }, memory: scanFor(worker.pid, keys[provider]) })
    const started = parent.next()
    // Whatever happens there, the API answers.
    moment.come = () => started.then(look).catch((error) => void (failure ??= error))
    parent.ask({ requestId: `${provider}-turn`, provider })
    const { delivery, protection } = await started
    const { answer } = await parent.next()
    await parent.next()
    if (failure) throw failure
    return { answer, delivery, protection, live, after: scanFor(worker.pid, keys[provider]) }
  }

  async function leakOnPurpose() {
    parent.ask({ requestId: 'leak', provider: 'codex', leak: true })
    await parent.next()
    return scanFor(worker.pid, keys.codex)
  }
}

module.exports = { runSealed }
