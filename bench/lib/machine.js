// Facts about this machine that a reader needs beside a figure.
'use strict'

const fs = require('node:fs')
const os = require('node:os')

const MB = 1024 * 1024

function machineFacts() {
  const cpus = os.cpus()
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    libuv: process.versions.uv,
    kernel: `${os.type()} ${os.release()}`,
    arch: process.arch,
    cpus: os.availableParallelism(),
    cpuModel: cpus[0]?.model.trim() ?? 'unknown',
    memoryMb: Math.round(os.totalmem() / MB),
    // Huge pages have fewer page table entries, and so a cheaper fork.
    transparentHugePages: chosen('/sys/kernel/mm/transparent_hugepage/enabled'),
    loadAverage: Number(os.loadavg()[0].toFixed(2)),
    root: process.getuid?.() === 0
  }
}

/** The word in brackets: how the kernel shows a choice. */
function chosen(file) {
  try {
    return /\[(\w+)\]/.exec(fs.readFileSync(file, 'utf8'))?.[1] ?? 'unknown'
  } catch {
    return 'unknown'
  }
}

/** @param {ReturnType<typeof machineFacts>} machine */
function warnings(machine) {
  const found = []
  const { cpus, loadAverage } = machine
  if (loadAverage > cpus / 2) found.push(`the machine is busy (load ${loadAverage} on ${cpus} cores): expect noise`)
  if (!machine.root) found.push('this process is not root: children keep its uid and gid, on both sides of each comparison')
  return found
}

/** Why a process of this size would put the machine at risk; undefined when it would not. */
function tooBig(rssMb) {
  const available = Number(/^MemAvailable:\s+(\d+) kB/m.exec(fs.readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) / 1024
  // Twice: the process itself, and as much again for the system and for what a fork makes the parent copy.
  if (available >= 2 * rssMb) return undefined
  return `it requires ${2 * rssMb} MB of available memory, but only ${Math.floor(available)} MB are available`
}

/** Why a process may not lock this many bytes; undefined when it may: it has CAP_IPC_LOCK (14), or a limit that is high enough. */
function cannotLock(bytes) {
  const capabilities = BigInt(`0x${/^CapEff:\s+(\w+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0}`)
  if ((capabilities >> 14n) & 1n) return undefined
  const limit = /^Max locked memory\s+(\w+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8'))?.[1]
  if (limit === 'unlimited' || Number(limit) >= bytes) return undefined
  return `it locks ${Math.ceil(bytes / 1024)} KiB, but RLIMIT_MEMLOCK is ${Math.floor(Number(limit) / 1024)} KiB`
}

/** Resident memory of this process. */
function rssMb() {
  const pages = Number(fs.readFileSync('/proc/self/statm', 'utf8').split(' ')[1])
  return (pages * pageSize()) / MB
}

let knownPageSize = 0

/** From the auxiliary vector: pairs of words, of which AT_PAGESZ (6) holds it (getauxval(3)). */
function pageSize() {
  if (knownPageSize) return knownPageSize
  const words = fs.readFileSync('/proc/self/auxv')
  knownPageSize = 4096
  for (let at = 0; at + 16 <= words.length; at += 16) {
    if (words.readBigUInt64LE(at) === 6n) knownPageSize = Number(words.readBigUInt64LE(at + 8))
  }
  return knownPageSize
}

module.exports = { machineFacts, warnings, tooBig, cannotLock, rssMb, pageSize }
