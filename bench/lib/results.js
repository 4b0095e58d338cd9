// The rows of a result, and their file.
'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { median, quantile, ratioOf, summary } = require('./stats.js')
const { leastTarget, mostTarget, ratioTarget } = require('./targets.js')

/**
 * Two things measured side by side.
 * @param {object} row
 * @param {string} row.id  by which its target is found
 * @param {string} row.what
 * @param {string} row.unit
 * @param {'less' | 'more'} row.better
 * @param {string} [row.against]  what is on the other side
 * @param {'times' | 'percent'} [row.as]  how a person reads the ratio
 * @param {number} [row.rssMb]
 * @param {number[][]} row.baseline  batches of samples
 * @param {number[][]} row.ours
 */
function compared({ id, what, unit, better, against = 'child_process', as = 'times', rssMb, baseline, ours }) {
  const { ratio, quartiles } = ratioOf(better, baseline, ours)
  const figures = { baseline: summary(baseline), ours: summary(ours) }
  const verdict = ratioVerdict(ratioTarget(id, rssMb), ratio, quartiles) ?? valueVerdict(leastTarget(id), ours)
  return { id, what, unit, better, against, as, ...figures, ratio, quartiles, ...verdict }
}

function ratioVerdict(atLeast, ratio, quartiles) {
  if (atLeast === undefined) return undefined
  return { atLeast, met: ratio >= atLeast, inNoise: isBetween(atLeast, quartiles) }
}

/** For a target that is a value of ours, whatever is beside it. */
function valueVerdict(valueAtLeast, ours) {
  if (valueAtLeast === undefined) return undefined
  const rounds = ours.map(median)
  return {
    valueAtLeast,
    met: median(rounds) >= valueAtLeast,
    inNoise: isBetween(valueAtLeast, [quantile(rounds, 0.25), quantile(rounds, 0.75)])
  }
}

const isBetween = (value, [low, high]) => low < value && value < high

/**
 * A figure of ours without a counterpart.
 * @param {{ id: string, what: string, unit: string, samples: number[] }} row
 */
function alone({ id, what, unit, samples }) {
  const ours = summary([samples])
  const atMost = mostTarget(id)
  return { id, what, unit, better: 'less', ours, ...(atMost === undefined ? {} : { atMost, met: ours.p50 <= atMost }) }
}

function readResults(file) {
  if (!fs.existsSync(file)) throw new Error(`${file} does not exist: a full run of the benchmarks writes it`)
  const results = JSON.parse(fs.readFileSync(file, 'utf8'))
  if (results.schema !== 1) throw new Error(`${file} was written by another version of the benchmarks`)
  return results
}

/** @returns {string} the file's absolute path */
function writeFile(file, text) {
  fs.mkdirSync(path.dirname(path.resolve(file)), { recursive: true })
  fs.writeFileSync(file, text)
  return path.resolve(file)
}

module.exports = { compared, alone, readResults, writeFile }
