// What it costs to scrub secrets out of output: a Redactor beside JavaScript's own means, and redactOutput beside a stream without.
'use strict'

const { makeArms } = require('../lib/arms.js')
const { jsRedactors } = require('../lib/js-redactors.js')
const { agentOutput, madeUpSecrets } = require('../lib/made-up.js')
const { MB, receive } = require('../lib/receive.js')
const { compared } = require('../lib/results.js')
const { interleave } = require('../lib/stats.js')

// What a pipe gives at a time, and what most writes of a CLI are not above.
const PIECES = [
  { bytes: 65536, name: '64 KiB' },
  { bytes: 8192, name: '8 KiB' }
]
const OUTPUT = 4 * MB
const STREAMED = 512 * MB

function prepare(job) {
  const secrets = madeUpSecrets()
  const arms = makeArms(job)
  const { forms, regexp, each } = jsRedactors(secrets)
  const redactor = new arms.api.Redactor(secrets.map((secret) => Buffer.from(secret)))
  const redactors = { regexp, each, ours: (bytes) => redactor.redact(bytes) }
  return {
    ...arms,
    redactors,
    output: agentOutput(OUTPUT, secrets),
    counts: { secrets: secrets.length, forms, variables: arms.env.names.length }
  }
}

async function run(context, { quick, scene }) {
  const [texts, streams] = [{}, {}]
  for (const { bytes } of PIECES) texts[bytes] = await scrubText(context, bytes, quick)
  for (const { bytes } of PIECES) streams[bytes] = await scrubStream(context, bytes, { quick, scene })
  return { texts, streams, counts: context.counts }
}

function scrubText({ redactors, output }, size, quick) {
  const plan = quick ? { rounds: [3, 5], budgetMs: 2000 } : { rounds: [11, 21], budgetMs: 15_000 }
  mustAgree(redactors, output, size)
  const arm = (redact) => () => {
    // Fresh each time: what was scrubbed has nothing left to find.
    const pieces = piecesOf(output, size)
    const before = performance.now()
    for (const piece of pieces) redact(piece)
    return [output.length / MB / ((performance.now() - before) / 1000)]
  }
  return interleave(Object.fromEntries(Object.entries(redactors).map(([name, redact]) => [name, arm(redact)])), plan)
}

function piecesOf(output, size) {
  const copy = Buffer.from(output)
  return Array.from({ length: output.length / size }, (_, i) => copy.subarray(i * size, (i + 1) * size))
}

/** A comparison of what does not do the same would say nothing. */
function mustAgree(redactors, output, size) {
  const masked = Object.values(redactors).map((redact) => {
    const pieces = piecesOf(output, size)
    for (const piece of pieces) redact(piece)
    return Buffer.concat(pieces)
  })
  if (masked[0].equals(output)) throw new Error('the output contains no secret to find')
  if (!masked.every((bytes) => bytes.equals(masked[0]))) throw new Error('the redactors do not mask the same bytes')
}

function scrubStream({ api, env }, block, { quick, scene }) {
  const plan = quick ? { rounds: [3, 3], budgetMs: 0 } : { rounds: [21, 21], budgetMs: 0 }
  const bytes = quick ? STREAMED / 8 : STREAMED
  const launch = { command: scene.programs.blocks, args: [`bench:${block}:${bytes}`], ...scene.ids }
  const arm = (stdout) => async () => [await receive(api.spawnProvider(env, { ...launch, redactOutput: { stdout, stderr: false } }), bytes)]
  return interleave({ baseline: arm(false), ours: arm(true) }, plan)
}

function rows({ texts, streams, counts: { secrets, forms, variables } }) {
  const row = (id, what, against, rounds) => compared({ id: `redactor/${id}`, what, against, unit: 'MB/s', better: 'more', ...rounds })
  const text = ({ bytes, name }) => {
    const { regexp, each, ours } = texts[bytes]
    const what = `Redactor, ${secrets} secrets, ${name} at a time`
    return [
      row(bytes, what, `replaceAll of ${forms} forms`, { baseline: each, ours }),
      row(`${bytes}-regexp`, what, `one RegExp of ${forms} forms`, { baseline: regexp, ours })
    ]
  }
  const stream = ({ bytes, name }) =>
    row(`stream-${bytes}`, `stdout scrubbed, ${variables} variables, ${name} at a time`, 'stdout as it is', {
      as: 'percent',
      ...streams[bytes]
    })
  return [...PIECES.flatMap(text), ...PIECES.map(stream)]
}

module.exports = { name: 'redactor', needsCc: true, jobs: () => [{}], prepare, run, rows }
