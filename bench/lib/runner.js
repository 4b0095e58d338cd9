// The process in which a job runs: grows to its size, measures, and writes what it found to stdout as JSON.
'use strict'

const { grow } = require('./ballast.js')
const { rssMb } = require('./machine.js')

async function main() {
  const [name, text] = process.argv.slice(2)
  const job = JSON.parse(text)
  const section = require(`../sections/${name}.js`)
  // Before growing: what the package itself occupies counts towards the size.
  const context = await section.prepare(job)
  const ballast = job.rssMb ? grow(job.rssMb) : undefined
  const size = job.rssMb ? { rssMb: Math.round(rssMb()) } : {}
  const result = await section.run(context, job)
  process.stdout.write(JSON.stringify({ ...result, ...size }))
  // The collector must not take it during the run.
  return ballast
}

main().catch((error) => {
  process.stdout.write(error.code ? `${error.code}: ${error.message}` : error.message)
  process.exitCode = 1
})
