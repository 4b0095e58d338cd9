// Interleaved batches, and what is said of them.
'use strict'

/**
 * Runs A, B, A, B, … so that what slows this machine down for a while slows both down. The first round warms up and
 * is thrown away.
 * @template T
 * @param {Record<string, () => Promise<T> | T>} arms
 * @param {{ rounds: [number, number], budgetMs: number }} plan  at least and at most so many; none is begun after the budget
 * @returns {Promise<Record<string, T[]>>}
 */
async function interleave(arms, { rounds: [least, most], budgetMs }) {
  for (const run of Object.values(arms)) await run()
  const batches = Object.fromEntries(Object.keys(arms).map((name) => [name, []]))
  const end = performance.now() + budgetMs
  for (let round = 0; round < most && (round < least || performance.now() < end); round++) {
    for (const [name, run] of Object.entries(arms)) batches[name].push(await run())
  }
  return batches
}

/** @param {number[]} values  @param {number} q  0 to 1; between two values in proportion */
function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const below = Math.floor(at)
  const above = Math.min(below + 1, sorted.length - 1)
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below)
}

const median = (values) => quantile(values, 0.5)

/**
 * @param {number[][]} batches
 * @returns {{ p50: number, p99?: number, n: number }} p50: the median of the batches' medians, so that one disturbed
 * batch weighs as one; p99: over all samples, where there are enough for one to exist
 */
function summary(batches) {
  const all = batches.flat()
  return { p50: median(batches.map(median)), ...(all.length >= 100 ? { p99: quantile(all, 0.99) } : {}), n: all.length }
}

/**
 * @param {'less' | 'more'} better
 * @param {number[][]} baseline  @param {number[][]} ours
 * @returns {{ ratio: number, quartiles: [number, number] }} how many times better ours is, in the middle round and in
 * the middle half of them. Within a round, because the two sides of one round had the same machine
 */
function ratioOf(better, baseline, ours) {
  const times = (a, b) => (better === 'less' ? a / b : b / a)
  const rounds = ours.map((batch, i) => times(median(baseline[i]), median(batch)))
  return {
    ratio: median(rounds),
    quartiles: [quantile(rounds, 0.25), quantile(rounds, 0.75)]
  }
}

module.exports = { interleave, median, quantile, summary, ratioOf }
