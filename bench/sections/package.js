// What the package weighs, and how long a fresh process takes to load it.
'use strict'

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const { alone } = require('../lib/results.js')

const LOADS = 20
const LOAD = 'const before = performance.now(); require(process.argv[1]); process.stdout.write(String(performance.now() - before))'

function prepare({ package: dir }) {
  require(dir)
  const addon = Object.keys(require.cache).find((file) => file.endsWith('.node'))
  if (!addon) throw new Error('loading the package loaded no addon')
  return { addon }
}

function run({ addon }, { package: dir }) {
  const load = () => Number(execFileSync(process.execPath, ['-e', LOAD, dir], { encoding: 'utf8' }))
  load() // brings the files into the page cache
  return { bytes: fs.statSync(addon).size, loads: Array.from({ length: LOADS }, load) }
}

function rows({ bytes, loads }) {
  return [
    alone({ id: 'package/size', what: 'the addon', unit: 'MiB', samples: [bytes / 1024 / 1024] }),
    alone({ id: 'package/load', what: `require in a fresh process, median of ${LOADS}`, unit: 'ms', samples: loads })
  ]
}

module.exports = { name: 'package', jobs: () => [{}], prepare, run, rows }
