// The targets that the design set, by measure and, where it matters, by the parent's resident memory in MB.
'use strict'

/** A ratio that ours must reach. */
const RATIOS = {
  'latency/call': { 55: 10, 1024: 300, 4096: 1000 },
  'throughput/in-flight-30': { 55: 2.2, 1024: 80 },
  'throughput/of-limit-2': 0.65,
  'streams/256': 1,
  'streams/8192': 1,
  'streams/65536': 1,
  'environment/codex-object': 8,
  'environment/codex-bytes': 8,
  'environment/claude-object': 8,
  'environment/claude-bytes': 8,
  'broker/perCore-nginx': 1 / 1.5,
  'broker/perCore-codex': 1,
  'broker/request/codex': 1,
  'broker/event/codex': 1,
  'broker/bytes-perCore-codex': 1,
  'broker/stream-memory-codex': 1
}

/** A value that ours must reach. */
const LEAST = {
  // MB/s
  'redactor/65536': 1000,
  'redactor/8192': 1000
}

/** A value that ours must not exceed. */
const MOST = {
  'leaks/descriptors': 0,
  'leaks/threads': 0,
  'leaks/zombies': 0,
  // "RSS flat": less than this over all starts, 400 bytes each. A V8 heap at rest moves by up to 2 MB.
  'leaks/rss-growth': 4,
  'package/size': 6,
  'package/load': 6,
  // Microseconds.
  'broker/request/p50': 150,
  'broker/request/p99': 1000,
  // KiB, and bytes.
  'broker/stream-memory': 64,
  'broker/grant': 1024
}

function ratioTarget(id, rssMb) {
  const target = RATIOS[id]
  return typeof target === 'object' ? target[rssMb] : target
}

module.exports = { ratioTarget, leastTarget: (id) => LEAST[id], mostTarget: (id) => MOST[id] }
