// diagnose(): checks everything that a start needs and what could leak, and changes nothing.
'use strict'

const { readContext } = require('./context.js')
const environment = require('./environment.js')
const files = require('./files.js')
const login = require('./login.js')
const platform = require('./platform.js')
const program = require('./program.js')
const start = require('./start.js')
const state = require('./state.js')
const target = require('./target.js')

/** @typedef {import('../../index').Severity} Severity */

/** From the best to the worst. @type {readonly Severity[]} */
const SEVERITIES = ['ok', 'info', 'warning', 'error']
/** Of the report's own shape: a field that goes or changes its meaning raises it. */
const SCHEMA_VERSION = 1

/**
 * @param {import('../../index').DiagnoseOptions} [options]
 * @param {import('./npm.js').LeftOut | null} [npm] What the command line took out of this process's environment.
 * @returns {Promise<import('../../index').Diagnosis>}
 */
async function diagnose(options, npm = null) {
  const from = performance.now()
  const context = readContext(options)
  const machine = platform.look()
  // First: it decides how the rest asks.
  const whom = await answered(context, 'whether this process can become the target user', () => target.look(context))
  const surroundings = environment.look(context, npm)
  const common = await answered(context, 'the home and the workspace', () => state.lookCommon(context))
  const providers = await Promise.all(context.providers.map((facts) => lookAt(context, facts)))
  const findings = [...machine, ...whom, ...surroundings, ...common, ...providers.flat(), ...target.unseen(context)]
  return report(context, findings, performance.now() - from)
}

/**
 * @param {import('./context.js').Context} context
 * @param {import('./context.js').Facts} facts
 */
async function lookAt(context, facts) {
  /** @type {import('./install.js').SurveyedProgram | null} */
  let found = null
  const programs = async () => {
    const seen = await program.look(context, facts)
    found = seen.program
    return seen.findings
  }
  /** @type {[string, () => Promise<import('../../index').Finding[]>][]} */
  const checks = [
    ['the program', programs],
    ['the directories', () => state.look(context, facts)],
    ['the stored login', () => login.look(context, facts)],
    ['the configuration files', () => files.look(context, facts, found?.version ?? null)],
    ['a dry start', () => start.look(context, facts, found !== null)]
  ]
  const findings = []
  for (const [what, check] of checks) findings.push(...(await answered(context, `${what} of ${facts.name}`, check)))
  return findings
}

/**
 * The findings of a check. Where a file system does not answer, which can be one of the tenant's, there are none, and that is said.
 * @param {import('./context.js').Context} context
 * @param {string} what
 * @param {() => Promise<import('../../index').Finding[]>} check
 */
async function answered(context, what, check) {
  try {
    return await check()
  } catch (error) {
    if (/** @type {any} */ (error)?.code !== 'ERR_PROVIDER_TIMEOUT') throw error
    context.unseen.push(`${what} (a file system does not answer)`)
    return []
  }
}

/**
 * @param {import('./context.js').Context} context
 * @param {import('../../index').Finding[]} findings
 * @param {number} durationMs
 * @returns {import('../../index').Diagnosis}
 */
function report({ target: { uid, gid }, ids, providers }, findings, durationMs) {
  const worst = SEVERITIES.reduce((worst, severity) => (findings.some((finding) => finding.severity === severity) ? severity : worst), /** @type {Severity} */ ('ok'))
  return Object.freeze({
    schemaVersion: SCHEMA_VERSION,
    version: /** @type {string} */ (require('../../package.json').version),
    ok: worst === 'ok' || worst === 'info',
    worst,
    target: Object.freeze({ uid, gid, groups: Object.freeze([...(ids.groups ?? [])]) }),
    providers: Object.freeze(providers.map(({ id, name }) => Object.freeze({ id, name }))),
    durationMs: Math.round(durationMs),
    findings: Object.freeze(findings)
  })
}

module.exports = { diagnose }
