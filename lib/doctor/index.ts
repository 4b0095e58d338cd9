// diagnose(): checks everything that a start needs and what could leak, and changes nothing.

import type { FoundBroker, ProviderId, SurveyedProgram } from '../../binding.js'
import { manifest } from '../internal/manifest.ts'
import * as broker from './broker.ts'
import type { Context, DiagnoseOptions, Facts } from './context.ts'
import { readContext } from './context.ts'
import * as environment from './environment.ts'
import * as files from './files.ts'
import type { Finding, Severity } from './finding.ts'
import * as login from './login.ts'
import type { LeftOut } from './npm.ts'
import * as platform from './platform.ts'
import * as program from './program.ts'
import * as start from './start.ts'
import * as state from './state.ts'
import * as target from './target.ts'

/** What {@link diagnose} found. */
export interface Diagnosis {
  /** The version of this format: 1. */
  readonly schemaVersion: number
  /** The version of the package. */
  readonly version: string
  /** Whether no finding is worse than `info`. */
  readonly ok: boolean
  readonly worst: Severity
  readonly target: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
  /** The providers that were checked, with their names. */
  readonly providers: readonly { readonly id: ProviderId; readonly name: string }[]
  readonly durationMs: number
  /**
   * The machine and the target user come first, then each provider. `target.unseen`, which lists what was not checked,
   * is last.
   */
  readonly findings: readonly Finding[]
}

/** From the best to the worst. */
const SEVERITIES: readonly Severity[] = ['ok', 'info', 'warning', 'error']
/** Of the report's own shape: a field that goes or changes its meaning raises it. */
const SCHEMA_VERSION = 1

/** @param npm What the command line took out of this process's environment. */
export async function diagnose(options?: DiagnoseOptions, npm: LeftOut | null = null): Promise<Diagnosis> {
  const from = performance.now()
  const context = readContext(options)
  const machine = platform.look()
  // First: it decides how the rest asks.
  const whom = await answered(context, 'whether this process can become the target user', () => target.look(context))
  const separation = broker.lookCommon(context)
  const surroundings = environment.look(context, npm)
  const common = await answered(context, 'the home and the workspace', () => state.lookCommon(context))
  const providers = await Promise.all(context.providers.map((facts) => lookAt(context, facts)))
  const findings = [...machine, ...whom, ...separation, ...surroundings, ...common, ...providers.flat(), ...target.unseen(context)]
  return report(context, findings, performance.now() - from)
}

async function lookAt(context: Context, facts: Facts) {
  let found: SurveyedProgram | null = null
  let brokered: FoundBroker | null = null
  const programs = async () => {
    const seen = await program.look(context, facts)
    found = seen.program
    return seen.findings
  }
  const version = () => found?.version ?? null
  const delivery = async () => {
    brokered = await broker.survey(context, facts, version())
    return [
      ...(found === null ? [] : await program.lookReadable(context, facts, found, broker.isBrokered(brokered))),
      ...broker.look(facts, version(), brokered)
    ]
  }
  const isBrokered = () => brokered !== null && broker.isBrokered(brokered)
  const checks: [string, () => Promise<Finding[]>][] = [
    ['the program', programs],
    ['the broker', delivery],
    ['the directories', () => state.look(context, facts)],
    ['the stored login', () => login.look(context, facts)],
    ['the configuration files', () => files.look(context, facts, version(), isBrokered())],
    ['a dry start', () => start.look(context, facts, found !== null)]
  ]
  const findings = []
  for (const [what, check] of checks) findings.push(...(await answered(context, `${what} of ${facts.name}`, check)))
  return findings
}

/** The findings of a check. If a file system does not answer, such as one of the tenant's, there are none, and the report says so. */
async function answered(context: Context, what: string, check: () => Promise<Finding[]>) {
  try {
    return await check()
  } catch (error) {
    if ((error as NodeJS.ErrnoException | null)?.code !== 'ERR_PROVIDER_TIMEOUT') throw error
    context.unseen.push(`${what} (a file system does not answer)`)
    return []
  }
}

function report({ target: { uid, gid }, ids, providers }: Context, findings: Finding[], durationMs: number): Diagnosis {
  const worst = SEVERITIES.reduce(
    (worst, severity) => (findings.some((finding) => finding.severity === severity) ? severity : worst),
    'ok' as Severity
  )
  return Object.freeze({
    schemaVersion: SCHEMA_VERSION,
    version: manifest().version,
    ok: worst === 'ok' || worst === 'info',
    worst,
    target: Object.freeze({ uid, gid, groups: Object.freeze([...(ids.groups ?? [])]) }),
    providers: Object.freeze(providers.map(({ id, name }) => Object.freeze({ id, name }))),
    durationMs: Math.round(durationMs),
    findings: Object.freeze(findings)
  })
}
