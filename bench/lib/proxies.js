// The ways from a client to the same API on loopback: none, the broker's two routes, nginx, and Codex's own proxy.
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { LineProcess } = require('./broker-program.js')

/** Every proxy has this core for itself. The API and the clients have the other ones. */
const PROXY_CPU = 0
const OTHER_CPU = 1

const KEY = `sk-made-up-${'k'.repeat(90)}`

/**
 * @typedef {object} Way
 * @property {string} name
 * @property {number | undefined} pid  the process whose time and memory count
 * @property {(pid: number) => Promise<string>} target  what the client of this pid has to ask
 */

/**
 * @param {{ program: string, codex?: string, nginx?: string, directory: string }} job
 * @param {string[]} [names]
 * @returns {Promise<{ ways: Record<string, Way>, broker: LineProcess, stop: () => Promise<void> }>}
 */
async function startProxies({ program, codex, nginx, directory }, names = ['direct', 'unix', 'tcp', 'nginx', 'codex']) {
  const api = new LineProcess(program, ['api', directory], { cpu: OTHER_CPU })
  const { address } = await api.answer()
  const files = { pem: path.join(directory, 'ca.pem'), der: path.join(directory, 'ca.der') }
  const broker = new LineProcess(
    program,
    ['serve', address, files.der].map((each) => each.replace('127.0.0.1', 'localhost')),
    { cpu: PROXY_CPU }
  )
  await broker.answer()
  const running = [api, broker]
  const route = (name) => async (pid) => (await broker.ask(`grant ${name} ${pid}`)).target
  /** @type {Record<string, () => Promise<Way> | Way>} */
  const makers = {
    direct: () => ({ name: 'no proxy', pid: undefined, target: async () => `tls ${address} ${files.der}` }),
    unix: () => ({ name: 'the broker, Unix socket', pid: broker.pid, target: route('unix') }),
    tcp: () => ({ name: 'the broker, TCP', pid: broker.pid, target: route('tcp') }),
    nginx: () => startNginx({ nginx, address, files, directory }, running),
    codex: () => startCodexProxy({ codex, address, files, directory }, running)
  }
  /** @type {Record<string, Way>} */
  const ways = {}
  const stop = async () => {
    for (const each of running.reverse()) await each.end()
  }
  try {
    for (const name of names) ways[name] = await makers[name]()
  } catch (error) {
    await stop()
    throw error
  }
  return { ways, broker, stop }
}

async function startNginx({ nginx, address, files, directory }, running) {
  const port = await freePort()
  const file = path.join(directory, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/${name};`)
  // What a plain proxy is: connections kept in both directions, the certificate checked, answers passed on as they come.
  fs.writeFileSync(
    file,
    `daemon off; worker_processes 1; worker_rlimit_nofile 16384; pid ${directory}/nginx.pid; error_log ${directory}/nginx.log error;
events { worker_connections 8192; }
http {
  access_log off; tcp_nodelay on; keepalive_timeout 600; keepalive_requests 100000000; client_body_buffer_size 64k; ${temporary.join(' ')}
  upstream api { server ${address}; keepalive 128; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass https://api; proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout 600;
      proxy_set_header Connection ""; proxy_set_header Host localhost; proxy_set_header Authorization "Bearer ${KEY}";
      proxy_ssl_name localhost; proxy_ssl_server_name on; proxy_ssl_verify on; proxy_ssl_trusted_certificate ${files.pem};
    }
  }
}
`
  )
  const master = new LineProcess(nginx, ['-c', file, '-e', path.join(directory, 'nginx.log')], { cpu: PROXY_CPU })
  // SIGKILL would leave the worker behind.
  running.push({
    end: async () => {
      master.child.kill('SIGTERM')
      await master.ended
    }
  })
  await listening(port, master)
  const pid = Number(fs.readFileSync(`/proc/${master.pid}/task/${master.pid}/children`, 'utf8').trim().split(' ')[0])
  return { name: 'nginx', pid, target: async () => `tcp 127.0.0.1:${port} made-up-token` }
}

async function startCodexProxy({ codex, address, files, directory }, running) {
  const port = await freePort()
  const args = [
    'responses-api-proxy',
    '--port',
    String(port),
    '--upstream-url',
    `https://${address.replace('127.0.0.1', 'localhost')}/v1/responses`
  ]
  const env = { PATH: process.env.PATH, HOME: directory, CODEX_HOME: directory, SSL_CERT_FILE: files.pem }
  const proxy = new LineProcess(codex, args, { cpu: PROXY_CPU, env })
  running.push(proxy)
  // It reads the key up to the end of its input.
  proxy.child.stdin.end(KEY)
  await listening(port, proxy)
  return { name: 'responses-api-proxy', pid: proxy.pid, target: async () => `tcp 127.0.0.1:${port} made-up-token` }
}

/** Nobody else on this machine takes ports in that moment, and who does makes the start fail. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

async function listening(port, { child }) {
  const answers = () =>
    new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(socket.destroy() && true))
      socket.once('error', () => resolve(false))
    })
  for (let attempt = 0; attempt < 400; attempt++) {
    if (await answers()) return
    if (child.exitCode !== null) break
    await sleep(25)
  }
  throw new Error(`${child.spawnargs.join(' ')} does not listen`)
}

/**
 * Runs a client on this way.
 * @param {string} program  @param {Way} way  @param {(string | number)[]} words
 */
async function client(program, way, words) {
  const load = new LineProcess(program, words.map(String), { cpu: OTHER_CPU })
  load.tell(await way.target(load.pid))
  return load
}

/** Seconds of a processor that a process has used, with its threads that have ended. */
function cpuSeconds(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

const TICKS = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100

/** KiB that are resident. `status` has counters of each core, which lag by some hundred KiB; this is counted page by page. */
function rssKib(pid) {
  return Number(/^Rss:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1])
}

module.exports = { startProxies, client, cpuSeconds, rssKib }
