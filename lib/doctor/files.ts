// Checks the files that would configure or redirect a CLI: in the workspace, its state directory, the home directory,
// and those of the host.

import path from 'node:path'
import type { FoundFile } from '../../binding.js'
import { looked } from './ask.ts'
import type { Context, Facts } from './context.ts'
import { binding } from './facade.ts'
import type { Finding, Row, Table } from './finding.ts'
import { findingsOf } from './finding.ts'
import type { Steering } from './way.ts'
import { asTarget, unlessSteered, wayTo } from './way.ts'
import { command, list } from './words.ts'

interface Seen {
  context: Context
  facts: Facts
  file: FoundFile
  /** The program's; null if it is unknown. */
  version: string | null
  /** Whether a start by default leaves the key out of the CLI's process. */
  isBrokered: boolean
  real: string
  way: Steering
}

type Id = `files.${string}`

const where = ({ file, real }: Seen) => (real === file.path ? file.path : `${file.path}, a link to ${real},`)

/** What a start of this package's does beside it. */
const obeyed = (seen: Seen) => {
  const { file, facts, isBrokered } = seen
  if (isRefused(seen)) return refusal(seen)
  if (file.ignoredAlways)
    return `A start by this package prevents ${facts.name} from obeying the file, even in a trusted workspace; a start without this package does not.`
  if (file.shielded && file.ignoredWhenUntrusted)
    return `A start by this package prevents ${facts.name} from obeying the variables in the file, even in a trusted workspace, and the rest of the file unless you pass workspaceTrust: 'trusted'; a start without this package does not.`
  if (file.ignoredWhenUntrusted)
    return `A start by this package prevents ${facts.name} from obeying the file unless you pass workspaceTrust: 'trusted'; a start without this package does not.`
  if (file.refusedStarts === 'server-credential')
    return `${facts.name} obeys the parts of the file that this package cannot block. ${refusedWithout(seen)}`
  if (file.ignoredWithServerCredential)
    return isBrokered
      ? `${facts.name} obeys the file in every start by the broker. With delivery 'env', a start by this package with the server's key prevents this, or is refused.`
      : `${facts.name} obeys the file in every start with the tenant's own key; a start by this package with the server's key prevents this, or is refused.`
  return `${facts.name} obeys the file in every start.`
}

const refusedWithout = ({ facts }: Seen) =>
  `With delivery 'env' or 'fd', ${facts.name} is not started with the server's key while the file exists.`

function refusal({ file: { refusedStarts }, facts: { name, shieldedSince }, version }: Seen) {
  if (refusedStarts === 'server-credential')
    return `${name} is not started with the server's key while the file exists. With the tenant's own key it is started, and obeys the parts that this package cannot block.`
  const reason =
    version === null ? 'the version of this program is unknown' : `version ${version} obeys such a file; ${shieldedSince} and newer do not`
  return `${name} is not started with any key or token while the file exists, unless you pass delivery: 'broker': ${reason}.`
}

/** What the file can reach of the credential, if that depends on how the CLI gets it. */
const stake = ({ file, facts, isBrokered }: Seen) =>
  isBrokered && !file.ignoredAlways && file.hazards.some(({ reachesCredential }) => reachesCredential)
    ? ` ${facts.name} is started by the broker, so the file cannot reach the key; with delivery 'env' or 'fd', it can.`
    : ''

/** Whether starts by default are refused beside it. With the broker, none is because of what a file could do to a key. */
const isRefused = ({ file, isBrokered }: Seen) => file.refusedStarts !== 'none' && !isBrokered
const otherwise = (seen: Seen) => (isRefused(seen) ? 'error' : undefined)
/** What also fixes it. */
const orElse = ({ file, facts }: Seen) =>
  file.refusedStarts === 'every-credential'
    ? `, or start ${facts.name} ${facts.shieldedSince} or newer from its npm package or from a file named versions/VERSION`
    : ''

/** Not by root: the tenant can make a link to a directory of that name, or of a directory above it. */
const moveAway = ({ context, file, way }: Seen) => [
  command(...(way.targets ? asTarget(context) : []), 'mv', '-nT', '--', file.path, `${file.path}.disabled`)
]

const hazardous = (id: string): Row<Seen, Id> =>
  unlessSteered({
    id: `files.${id}`,
    severity: 'warning',
    otherwise,
    sentence: (seen) =>
      `${where(seen)} has ${list(seen.file.hazards.map(({ key, effect }) => `${key} (${effect})`))}. ${obeyed(seen)}${stake(seen)}`,
    remedy: (seen) => `Rename the file, or remove these keys from it${orElse(seen)}:`,
    commands: moveAway
  })

const none: Table<{ 'files.none': Pick<Seen, 'facts'> }> = [
  {
    id: 'files.none',
    severity: 'ok',
    sentence: ({ facts }) => `No file in the checked directories configures or redirects ${facts.name}.`
  }
]

/** A function, because the addon, which names the files, must be loaded first. */
const fileRows = (): Table<Record<Id, Seen>> => [
  ...binding.providerFacts().flatMap(({ configFiles }) => configFiles.map(hazardous)),
  {
    id: 'files.harmless',
    severity: 'info',
    sentence: ({ file }) => `${file.path} exists, but it contains no key that is known to be harmful.`
  },
  {
    id: 'files.instructions',
    severity: 'info',
    sentence: ({ file }) => `${file.path} is text for the agent. It instructs the model, but configures nothing.`
  },
  unlessSteered({
    id: 'files.unread',
    severity: 'warning',
    otherwise,
    sentence: (seen) =>
      `${where(seen)} exists, but could not be read or parsed, or is larger than 4 MiB. ` +
      (isRefused(seen)
        ? refusal(seen)
        : `The CLI may obey settings in it that the doctor did not see.${seen.file.refusedStarts === 'none' ? '' : ` ${refusedWithout(seen)}`}`),
    remedy: (seen) => `Inspect the file, or rename it${orElse(seen)}:`,
    commands: moveAway
  })
]

export const rows = () => [...none, ...fileRows()]
const noFinding = findingsOf(() => none)
const finding = findingsOf(fileRows)

/**
 * @param version The program's, if it is known.
 * @param isBrokered Whether a start by default leaves the key out of the CLI's process.
 */
export async function look(context: Context, facts: Facts, version: string | null, isBrokered: boolean): Promise<Finding[]> {
  const { home, workspace } = context.directories
  const state = context.states[facts.id]?.path
  if (workspace === undefined && state === undefined && home === undefined) return []
  const survey = { provider: facts.id, workspace, stateDirectory: state, home, ids: context.ids, version: version ?? undefined }
  const found = await looked((abort) => binding.surveyConfigFiles(survey, abort))
  const hidden = found.filter((file) => file.hidden)
  if (hidden.length > 0) context.unseen.push(`settings such as ${hidden[0].path} (uid ${context.own.uid} cannot see whether they exist)`)
  const bases = [workspace, state, home].flatMap((base) => base ?? [])
  const findings = await Promise.all(
    found.filter((file) => !file.hidden).map((file) => judge(context, facts, file, bases, { version, isBrokered }))
  )
  return hidden.length > 0 || findings.some(({ severity }) => severity !== 'info')
    ? findings
    : [noFinding('files.none', { facts }, { provider: facts.id }), ...findings]
}

async function judge(context: Context, facts: Facts, file: FoundFile, bases: string[], start: Pick<Seen, 'version' | 'isBrokered'>) {
  const directory = path.dirname(file.path)
  const base = bases.find((base) => file.path.startsWith(path.join(base, '/'))) ?? directory
  const [whole, above, own] = await Promise.all([file.path, directory, base].map((each) => wayTo(context, each)))
  // A link that is no tenant's can lead out of the tenant's directories all the same. The file itself is moved as it is.
  const leaves = above.real !== own.real && !above.real.startsWith(path.join(own.real, '/'))
  const way = { real: above.real, steered: above.steered ?? (leaves ? directory : null), movable: above.movable, targets: above.inside }
  return finding(
    idOf(file),
    { context, file, facts, ...start, real: whole.real, way },
    { provider: facts.id, path: file.path, details: { file: file.id, hazards: file.hazards } }
  )
}

function idOf(file: FoundFile): Id {
  const { id, prose, unread, hazards } = file
  if (hazards.length > 0) return `files.${id}`
  if (prose) return 'files.instructions'
  return unread || file.refusedStarts !== 'none' ? 'files.unread' : 'files.harmless'
}
