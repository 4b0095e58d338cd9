// Checks a CLI's stored login: who else can read it, and whether it is still valid. Its content never reaches
// JavaScript.

import path from 'node:path'
import type { Component, LoginState, Way } from '../../binding.js'
import { ACCESS, inquire, last, looked, realPath } from './ask.ts'
import type { Context, Facts } from './context.ts'
import { STRANGER } from './context.ts'
import { binding } from './facade.ts'
import type { Finding, Needs, Table } from './finding.ts'
import { findingsOf } from './finding.ts'
import { asTarget, unlessSteered, wayTo } from './way.ts'
import { command, octal, owner, quote } from './words.ts'

interface Seen {
  context: Context
  facts: Facts
  /** The state directory. */
  state: string
  file: string
  kind: string
  expiresAtMs: number | null
  unread: boolean
  real: string
  component: Component
  way: Way
}

type OfLogin = 'context' | 'facts' | 'state' | 'file' | 'kind' | 'expiresAtMs' | 'unread'
type OfFile = 'context' | 'file' | 'real' | 'component' | 'way'
type Needed = Needs<
  Seen,
  {
    'login.valid': OfLogin
    'login.readable': OfFile
    'login.loose': OfFile
    'login.stale': OfLogin
    'login.expired': OfLogin
    'login.empty': OfLogin
  }
>

/** A login is made by a person with a browser, which a server has none of. */
const LOG_IN = ({ facts }: Pick<Seen, 'facts'>) =>
  `Log in on a machine that has a browser (${facts.logIn}), copy its ${facts.loginFile} into your home directory on this machine, and run:`
/**
 * By the target: a link that it puts there leads root nowhere. The new file comes in as the shell that runs this may read it, so
 * from that one's home: in a tenant's directory, the name could be a link to what is root's.
 */
const putInPlace = ({ context, facts, file }: Pick<Seen, OfLogin>) => [
  `${command(...asTarget(context), 'sh', '-c', 'umask 077; rm -f -- "$1"; cat > "$1"', 'sh', file)} < ~/${quote(facts.loginFile)}`
]
/** What renews it without a person. Not a command: it asks the vendor, and the answer is the only copy of the next refresh token. */
const renewal = ({ context: { target }, facts, state }: Pick<Seen, OfLogin>) => {
  const owner = target.uid === 0 ? '' : `, owner: ${target.uid}`
  return `(await CredentialStore.open('${facts.id}', { dir: ${JSON.stringify(state)}${owner} })).fresh()`
}
const WHAT = {
  'api-key': 'an API key',
  'cli-only': 'a login of a kind that only the CLI itself can use',
  'oauth-token': 'a login'
} as Record<string, string>
/** A tenant can replace it with a link: whoever runs the commands as root needs to see what they change. */
const link = (file: string, real: string) => (real === file ? '' : `, a link to ${real},`)
const date = (ms: number | null) => {
  const at = new Date(ms ?? Number.NaN)
  return Number.isNaN(at.getTime()) ? 'an invalid time' : `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/**
 * chmod follows a link, which root must not: the target closes its own file. If it is another user's, root gives it away only in a
 * directory in which no other user can replace it; otherwise the target makes its own copy.
 */
const close = ({ context, real, component, way }: Pick<Seen, OfFile>) => {
  const { uid, gid } = context.target
  if (component.uid !== uid && way.replaceable)
    return [command(...asTarget(context), 'sh', '-c', 'umask 077; cp -- "$1" "$1.new" && mv -fT -- "$1.new" "$1"', 'sh', real)]
  const give = component.uid === uid ? [] : [command('chown', '-h', `${uid}:${gid}`, real)]
  return [...give, command(...asTarget(context), 'chmod', '0600', real)]
}

export const rows: Table<Needed> = [
  {
    id: 'login.valid',
    severity: 'ok',
    sentence: ({ file, expiresAtMs, kind }) =>
      `${file} contains ${WHAT[kind]}${expiresAtMs !== null ? `, valid until ${date(expiresAtMs)}` : kind === 'oauth-token' ? ' that does not say when it expires' : ''}.`
  },
  unlessSteered(
    {
      id: 'login.readable',
      severity: 'error',
      sentence: ({ file, real, component }) =>
        `${file}${link(file, real)} contains a login that other users can read: the file belongs to ${owner(component)} and has mode ${octal(component.mode)}.`,
      remedy: () => 'Remove access for other users. If anyone else has used this machine, also log out and log in again:',
      commands: close
    },
    () => true
  ),
  unlessSteered(
    {
      id: 'login.loose',
      severity: 'warning',
      sentence: ({ file, real, component }) =>
        `${file}${link(file, real)} contains a login and has mode ${octal(component.mode)}; only the directories above it keep other users out.`,
      remedy: () => 'Remove access for other users:',
      commands: close
    },
    () => true
  ),
  {
    id: 'login.stale',
    severity: 'warning',
    sentence: ({ file, expiresAtMs }) => `The access token in ${file} expired at ${date(expiresAtMs)}. The login has a refresh token.`,
    remedy: (seen) =>
      `Let the worker refresh the token before each launch: await ${renewal(seen)}. If that fails with ERR_PROVIDER_LOGIN_REQUIRED: ${LOG_IN(seen)}`,
    commands: putInPlace
  },
  {
    id: 'login.expired',
    severity: 'error',
    sentence: ({ file, expiresAtMs }) => `The access token in ${file} expired at ${date(expiresAtMs)}, and the login has no refresh token.`,
    remedy: LOG_IN,
    commands: putInPlace
  },
  {
    id: 'login.empty',
    severity: 'warning',
    sentence: ({ file, unread }) =>
      unread ? `${file} could not be read, or is not a file that the CLI wrote.` : `${file} contains neither tokens nor a key.`,
    remedy: LOG_IN,
    commands: putInPlace
  }
]

const finding = findingsOf<Needed>(() => rows)

export async function look(context: Context, facts: Facts): Promise<Finding[]> {
  const state = context.states[facts.id]?.path
  if (state === undefined) return []
  const login = await looked((abort) => binding.surveyStoredLogin({ provider: facts.id, stateDirectory: state, ids: context.ids }, abort))
  if (!login) return []
  const file = path.join(state, facts.loginFile)
  const { kind, expiresAtMs, refreshable } = login
  if (kind === 'hidden') {
    context.unseen.push(`${file} (uid ${context.own.uid} cannot see whether it exists)`)
    return []
  }
  const unread = kind === 'unread'
  if (unread && context.own.uid !== 0) context.unseen.push(`${file} (uid ${context.own.uid} may not read it)`)
  const seen = { context, facts, state, file, kind, expiresAtMs, unread }
  const about = { provider: facts.id, path: file, details: { kind, expiresAtMs, refreshable } }
  return [...(await exposure(context, facts, file)), finding(verdict(login), seen, about)]
}

function verdict({ kind, expiresAtMs, refreshable }: LoginState) {
  if (kind === 'empty' || kind === 'unread') return 'login.empty'
  if (expiresAtMs === null || expiresAtMs > Date.now()) return 'login.valid'
  return refreshable ? 'login.stale' : 'login.expired'
}

/** Who else can read it. If the kernel cannot be asked as another user, the modes decide. */
async function exposure(context: Context, facts: Facts, file: string) {
  const [answer] = await inquire(STRANGER, [{ path: file, access: ACCESS.read }], !context.asksStranger)
  const component = last(answer)
  if ((component.mode & 0o077) === 0 || component.kind === 'missing') return []
  const id = answer.obstacle === null ? 'login.readable' : 'login.loose'
  return [
    finding(
      id,
      { context, file, real: realPath(answer), way: await wayTo(context, file), component },
      { provider: facts.id, path: file, details: { mode: octal(component.mode), uid: component.uid, gid: component.gid } }
    )
  ]
}
