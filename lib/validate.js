// Checks of JavaScript types, so that a wrong one is a TypeError that names the option and shows no value.
'use strict'

const { nodeTypeError } = require('./errors.js')

/** What Node's timers hold: 24.8 days. */
const MAX_MILLISECONDS = 2 ** 31 - 1

/**
 * @param {string} name
 * @param {string} expected
 * @param {unknown} value
 */
function wrongType(name, expected, value) {
  const type = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
  return nodeTypeError('ERR_INVALID_ARG_TYPE', `${name} must be ${expected}, and is ${type}.`)
}

/**
 * @param {string} name
 * @param {string} problem
 */
function wrongValue(name, problem) {
  return nodeTypeError('ERR_INVALID_ARG_VALUE', `${name} ${problem}`)
}

/**
 * An object; `undefined` becomes an empty one.
 * @param {string} name
 * @param {any} value
 * @returns {any}
 */
function object(name, value) {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(name, 'an object', value)
  return value
}

/** What users of neighbours ask for, and what to say instead. @type {Record<string, string>} */
const INSTEAD = {
  env: 'Variables are decided by buildProviderEnv(): use `set` or `inherit` there.',
  timeout: 'Use timeoutMs.',
  cancelSignal: 'Use signal.',
  homeDir: 'Use home.',
  shell: 'No shell is involved.',
  detached: 'The process always has a session of its own.'
}

/**
 * An object with no other names than these: one that is dropped in silence would be a protection that is missing.
 * @param {string} name
 * @param {any} value
 * @param {readonly string[]} known
 * @returns {any}
 */
function options(name, value, known) {
  const given = object(name, value)
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) throw wrongValue(`${name}.${key}`, `is no option here. ${INSTEAD[key] ?? `There are: ${known.join(', ')}.`}`)
  }
  return given
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {string | undefined}
 */
function optionalString(name, value) {
  if (value === undefined || typeof value === 'string') return value
  throw wrongType(name, 'a string', value)
}

/**
 * Half of a surrogate pair is no character: written as UTF-8 it becomes another one, and two texts would be the same.
 * @param {string} name
 * @param {string} text
 */
function wellFormed(name, text) {
  if (/** @type {any} */ (text).isWellFormed()) return text
  throw wrongValue(name, 'has half of a surrogate pair, which is no character.')
}

/**
 * A text that something encrypted is bound to.
 * @param {string} name
 * @param {unknown} value
 * @returns {string}
 */
function boundText(name, value) {
  return wellFormed(name, required(name, optionalString(name, value)))
}

/**
 * @template T
 * @param {string} name
 * @param {T | undefined} value
 * @returns {T}
 */
function required(name, value) {
  if (value === undefined) throw wrongValue(name, 'is missing.')
  return value
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {string[]}
 */
function strings(name, value) {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw wrongType(name, 'an array of strings', value)
  value.forEach((item, index) => {
    if (typeof item !== 'string') throw wrongType(`${name}[${index}]`, 'a string', item)
  })
  return value
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {number | undefined}
 */
function optionalNumber(name, value) {
  if (value === undefined || typeof value === 'number') return value
  throw wrongType(name, 'a number', value)
}

/**
 * A whole number from 0 to `max`.
 * @param {string} name
 * @param {unknown} value
 * @param {number} [max]
 * @returns {number | undefined}
 */
function optionalCount(name, value, max = Number.MAX_SAFE_INTEGER) {
  const number = optionalNumber(name, value)
  if (number === undefined) return undefined
  if (Number.isInteger(number) && number >= 0 && number <= max) return number
  throw wrongValue(name, `must be a whole number from 0 to ${max}.`)
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {number | undefined}
 */
function optionalMilliseconds(name, value) {
  const number = optionalNumber(name, value)
  if (number === undefined || (number >= 0 && number <= MAX_MILLISECONDS)) return number
  throw wrongValue(name, `must be a number of milliseconds from 0 to ${MAX_MILLISECONDS}.`)
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {boolean | undefined}
 */
function optionalBoolean(name, value) {
  if (value === undefined || typeof value === 'boolean') return value
  throw wrongType(name, 'a boolean', value)
}

/**
 * @template {string} T
 * @param {string} name
 * @param {unknown} value
 * @param {readonly T[]} words
 * @returns {T | undefined}
 */
function optionalWord(name, value, words) {
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw wrongType(name, 'a string', value)
  const word = words.find((known) => known === value)
  if (word) return word
  throw wrongValue(name, `must be one of: ${words.join(', ')}.`)
}

module.exports = {
  boundText,
  object,
  optionalBoolean,
  optionalCount,
  optionalMilliseconds,
  optionalNumber,
  optionalString,
  optionalWord,
  options,
  required,
  strings,
  wellFormed,
  wrongType,
  wrongValue
}
