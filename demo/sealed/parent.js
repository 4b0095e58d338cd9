// The platform's parent process: it holds the lockbox, starts the worker, and seals for it what each request needs.
'use strict'

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { appendFileSync } = require('node:fs')
const { createServer } = require('node:net')
const path = require('node:path')
const { Lockbox } = require('../..')
const { linesOf, nextMessage, toLine } = require('./lines.js')
const { findRow, readRows } = require('./rows.js')
const { readSetting } = require('./setting.js')

const WORKER = path.join(__dirname, 'worker.js')
/** How long the worker may take to end once its socket has closed. */
const GRACE_MS = 1000

async function main() {
  // Taken out of the environment, so before the worker inherits that.
  const lockbox = new Lockbox({ masterKeys: [{ env: 'LOCKBOX_MASTER_KEY' }] })
  const setting = readSetting()
  const rows = readRows(setting.lockbox)
  const { socket, worker } = await startWorker(setting)
  socket.on('data', (bytes) => appendFileSync(setting.received, bytes))
  const fromWorker = linesOf(socket)
  const hello = await nextMessage(fromWorker, 'the worker')
  tell(hello)

  passOn(fromWorker)
  for await (const line of linesOf(process.stdin)) {
    const text = toLine(requestFor(JSON.parse(line), { setting, lockbox, rows, publicKey: hello.publicKey }))
    appendFileSync(setting.sent, text)
    socket.write(text)
  }
  socket.end()
  setTimeout(() => worker.kill('SIGKILL'), GRACE_MS)
}

/** @param {import('./setting.js').Setting} setting */
async function startWorker(setting) {
  const server = createServer().listen(setting.socket)
  await once(server, 'listening')
  const worker = spawn(process.execPath, [WORKER, setting.file], { stdio: ['ignore', 'ignore', 'inherit'] })
  // There is nothing to do here without it.
  worker.once('exit', (code) => process.exit(code ?? 1))
  const [socket] = /** @type {[import('node:net').Socket]} */ (await once(server, 'connection'))
  server.close()
  return { socket, worker }
}

/**
 * One request as it goes to the worker: the key is sealed for that worker, workspace, field and request.
 * @param {{ requestId: string, provider: string, leak?: boolean }} wanted
 * @param {{ setting: import('./setting.js').Setting, lockbox: Lockbox, rows: import('./rows.js').TableRow[], publicKey: string }} holdings
 */
function requestFor({ requestId, provider, leak }, { setting, lockbox, rows, publicKey }) {
  const workspaceId = setting.workspace.id
  const { row, context } = findRow(rows, setting.tenant, provider)
  const apiKey = lockbox.unsealFor(row, context, publicKey, { workspace: workspaceId, field: 'apiKey', request: requestId })
  return { requestId, workspaceId, provider, payload: { apiKey }, leak }
}

/** @param {AsyncIterator<string>} fromWorker */
async function passOn(fromWorker) {
  // It ends with the worker, and what that means is said there.
  for (let next = await fromWorker.next(); !next.done; next = await fromWorker.next()) process.stdout.write(`${next.value}\n`)
}

/** @param {unknown} message */
function tell(message) {
  process.stdout.write(toLine(message))
}

main().catch((error) => {
  tell({ failure: error.message })
  process.exit(1)
})
