// The command line of the benchmarks.
'use strict'

const path = require('node:path')
const { parseArgs } = require('node:util')

const SECTIONS = [
  'latency',
  'throughput',
  'streams',
  'environment',
  'redactor',
  'usage',
  'lockbox',
  'memory',
  'leaks',
  'package',
  'delivery',
  'broker'
]
const RSS_MB = [55, 1024, 4096]

const root = path.join(__dirname, '..', '..')
const STORED = {
  json: path.join(root, 'bench', 'results', 'latest.json'),
  svg: path.join(root, 'bench', 'results', 'latest.svg')
}

const usage = `usage: npm run bench -- [options]
  --quick          run fewer and shorter batches: for a first impression, not for published figures
  --only a,b       run only some of ${SECTIONS.join(', ')}
  --rss a,b        resident memory of the parent in MB; default ${RSS_MB.join(',')}
  --json file      write the results to this file; a full run writes bench/results/latest.json
  --svg file       write the plot to this file; a full run writes bench/results/latest.svg
  --markdown       fill the marked block of docs/benchmarks.md; without other options, from the stored results
  --from file      report on stored results and measure nothing
  --package dir    measure the package in this directory instead of this repository's
`

/** @param {string[]} args */
function parse(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      rss: { type: 'string' },
      json: { type: 'string' },
      svg: { type: 'string' },
      markdown: { type: 'boolean', default: false },
      from: { type: 'string' },
      package: { type: 'string', default: root },
      help: { type: 'boolean', short: 'h', default: false }
    }
  })
  const only = values.only?.split(',') ?? SECTIONS
  const unknown = only.filter((name) => !SECTIONS.includes(name))
  if (unknown.length) throw new Error(`--only ${unknown.join(',')}: the sections are ${SECTIONS.join(', ')}`)
  const rss = values.rss?.split(',').map(Number) ?? RSS_MB
  if (!rss.every((mb) => Number.isInteger(mb) && mb > 0)) throw new Error('--rss must be numbers of megabytes, such as 55,1024')
  const alone = values.markdown && args.length === 1
  // Part of a run, or another package's, must not replace a whole one.
  const full = !values.quick && !values.only && !values.rss && !values.from && !alone && values.package === root
  return { ...values, only, rss, full, package: path.resolve(values.package), from: values.from ?? (alone ? STORED.json : undefined) }
}

module.exports = { parse, usage, STORED }
