// `npm run compat -- version …`: runs the tests of the real CLIs on published versions, and writes the table to stdout
// and into the document.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { clis, filesOf, patternOf } from './compat/clis.mjs'
import { exactVersion, installed } from './compat/install.mjs'
import { measured, requestTables, withRequests } from './compat/requests.mjs'
import { rowsIn, shortened, tableText, withRows } from './compat/table.mjs'
import { nameOf, targetsOf } from './compat/targets.mjs'
import { ensure } from './ensure.mjs'
import { readOptions, refuse } from './lib/command-line.mjs'
import { nodeTest } from './lib/node-test.mjs'
import { fromRoot, userCache } from './lib/paths.mjs'
import { manifest } from './lib/platforms.mjs'
import { makeScratch } from './lib/scratch.mjs'
import { testFiles } from './stages/node.mjs'

const usage = `usage: npm run compat -- [--dry] [--requests] version …
  version     latest (of each CLI), listed (those in the document), codex@0.150.1, claude@latest
  --dry       do not change the document
  --requests  instead of the tests, compare what each version sends directly and through the broker, for docs/broker-requests.md`
const REQUESTS = fromRoot('docs', 'broker-requests.md')
const DOCUMENT = fromRoot('docs', 'compatibility.md')
/** Of the bounds on a whole run: a version that fails often waits often. */
const SLOWNESS = 3

const say = (line) => process.stderr.write(`${line}\n`)
const { values, positionals } = readOptions({ dry: { type: 'boolean' }, requests: { type: 'boolean' } }, usage)
const targets = readTargets()
await ensure()
// The tests' own temporary directory, which every uid can enter: tests that are interrupted leave nothing elsewhere.
const scratch = makeScratch('compat-', 0o1777).dir
const rows = []
const requests = []
const problems = []
for (const target of targets) {
  try {
    const exact = { ...target, version: await exactVersion(target) }
    if (values.requests) requests.push(...(await compared(exact)))
    else rows.push(await tried(exact))
  } catch ({ message }) {
    say(message)
    problems.push(message)
  }
  // After each: what follows may be interrupted.
  if (!values.dry && rows.length) writeFileSync(DOCUMENT, withRows(readFileSync(DOCUMENT, 'utf8'), rows))
}
// Whole: its columns are the versions of one run.
if (!values.dry && requests.length) writeFileSync(REQUESTS, withRequests(readFileSync(REQUESTS, 'utf8'), requests))
if (rows.length) process.stdout.write(`${tableText(rows)}\n`)
if (requests.length) process.stdout.write(`${requestTables(requests)}\n`)
if (problems.length)
  process.stdout.write(`\nNot run:\n\n${problems.map((problem) => `- ${problem.replaceAll('\n', '\n  ')}`).join('\n')}\n`)
process.exitCode = problems.length || rows.some(({ failed }) => failed) ? 1 : 0

async function compared(target) {
  const program = await installed(target)
  say(`${nameOf(target)}: ${program}`)
  return await measured(target, program, scratch)
}

function readTargets() {
  if (!positionals.length) refuse('name the versions to run', usage)
  try {
    return targetsOf(positionals, rowsIn(readFileSync(DOCUMENT, 'utf8')))
  } catch ({ message }) {
    return refuse(message, usage)
  }
}

/** @returns {Promise<import('./compat/table.mjs').Row>} */
async function tried(target) {
  const { cli, version } = target
  const program = await installed(target)
  say(`${nameOf(target)}: ${program}`)
  const from = Date.now()
  const { skip, counts } = await counted(cli, nameOf(target), program)
  if (skip) throw new Error(`${nameOf(target)}: ${skip}`)
  const { passed, failed, skipped } = counts
  say(
    `  ${passed} passed, ${failed} failed, ${skipped} skipped, ${((Date.now() - from) / 1000).toFixed(0)} s; all output is in ${logOf(nameOf(target))}`
  )
  const [date] = new Date().toISOString().split('T')
  return { cli, version, passed, failed, skipped, date, own: manifest().version, failures: shortened(counts.failures) }
}

function logOf(name) {
  return userCache('compat', 'logs', `${name}.log`)
}

async function counted(cli, name, program) {
  const log = (text) => {
    mkdirSync(dirname(logOf(name)), { recursive: true })
    writeFileSync(logOf(name), text)
  }
  const env = { [clis[cli].variable]: program, TMPDIR: scratch }
  const options = { slowness: SLOWNESS, isPrivate: true, pattern: patternOf(cli), env, output: 'keep', log }
  try {
    return await nodeTest(
      filesOf(
        cli,
        ['real-cli', 'routes'].flatMap((dir) => testFiles([], dir))
      ),
      options
    )
  } catch (error) {
    // What failed is a row, unless it is not known.
    if (!error.counts?.failed) throw new Error(`${name}: ${error.message}; all output is in ${logOf(name)}`)
    return { counts: error.counts }
  }
}
