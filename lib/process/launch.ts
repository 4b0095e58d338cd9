// Reads the options of spawnProvider() into what the addon takes.

import { abortSignal } from '../internal/abort-signal.ts'
import { providerError } from '../internal/errors.ts'
import { packageRoots } from './package-roots.ts'
import { credentialOf, nativeOf } from '../environment/provider-env.ts'
import { signalNumber } from './signals.ts'
import { readRedactOutput } from './redact-output.ts'
import { readStdio } from './stdio.ts'
import { readWatch } from '../usage/usage-tap.ts'
import * as validate from '../internal/validate.ts'
import type { Attributes, ChildOptions, CliOptions, ExtraVariable, IdentityRequest, Limits, NativeProviderEnv } from '../../binding.js'
import type { Facts } from './provider-process.ts'
import type { RedactOutput } from './redact-output.ts'
import type { ProviderEnv } from '../environment/provider-env.ts'
import type { Watch } from '../usage/usage-tap.ts'
import type { StdioItem } from './stdio.ts'
import type { ThreadTotals } from '../usage/token-counts.ts'

/** Resource limits of the child; soft and hard alike. A limit above the worker's own hard limit needs root (`CAP_SYS_RESOURCE`). */
export interface ResourceLimits {
  /**
   * `RLIMIT_CORE`, bytes. Default 0, which means none at all: the limit is then 1 byte, as the kernel would ignore 0
   * for a `core_pattern` that is a pipe. A core dump would hold the key.
   */
  coreBytes?: number | undefined
  /** `RLIMIT_NOFILE`, descriptors, up to the machine's `fs.nr_open`. Default: the worker's. */
  openFiles?: number | undefined
  /** `RLIMIT_NPROC`, processes of the target uid. Default: the worker's. */
  processes?: number | undefined
  /** `RLIMIT_AS`, bytes. Both CLIs map far more than they use: below 100 GB neither starts. Default: the worker's. */
  memoryBytes?: number | undefined
  /** `RLIMIT_CPU`, seconds. Default: the worker's. */
  cpuSeconds?: number | undefined
}

/** How the child gets its credential. */
export type Delivery = 'auto' | 'fd' | 'env' | 'broker'

/** Options of {@link spawnProvider}. */
export interface SpawnOptions {
  /**
   * The CLI's arguments. They are visible to every user of the machine, so a secret of the launch in them is refused, and so
   * is a server's definition with headers, variables or tokens. An option that undoes a protection is refused too. Ours come on top, for
   * Claude Code before yours (`--setting-sources=`), for Codex after them (`-c …`). With a
   * server's key for Codex they must begin with `exec` or `e`, and `--ignore-user-config` follows it. A mode in which the CLI
   * would not use the credential is refused (`ERR_PROVIDER_UNSUPPORTED`): `docs/providers.md` lists them.
   */
  args?: string[] | undefined
  /**
   * The program: an absolute path, or a name to look up on the child's `PATH`. Default: the provider's own. Another
   * program in the CLI's place gets the same arguments and, for Claude Code, the key on descriptor 3: make it a script
   * file, for `sh -c` takes our arguments for its own.
   */
  command?: string | undefined
  /** An absolute path. Default: `workspace.dir`, else this process's directory. Entered as the target, which must be able to. */
  cwd?: string | undefined
  /** Target ids. Give both or neither. 0 is refused unless `allowRoot`. Default: this process's. */
  uid?: number | undefined
  gid?: number | undefined
  /** Supplementary groups. Default: none where `uid` is given, else this process's. */
  groups?: number[] | undefined
  /** Lets the target be uid 0 or gid 0. Default false. */
  allowRoot?: boolean | undefined
  /** Default `"pipe"` for all three. A stream that is inherited, or a descriptor, is made blocking, as `child_process` does. */
  stdio?: 'pipe' | 'ignore' | 'inherit' | [StdioItem, StdioItem, StdioItem] | undefined
  /** File mode creation mask, 0 to 0o777. Default: this process's. */
  umask?: number | undefined
  /**
   * The child's nice value, 0 to 19. Default: this process's own at the time of the start (its main thread's, as
   * `os.getPriority()` tells there), and 0 where that is negative. A value below this process's needs root.
   */
  priority?: number | undefined
  /**
   * The child's `oom_score_adj`, 0 to 1000: the higher, the sooner the kernel kills it when memory runs out. Default: this
   * process's own, and 0 where that is negative. A value below this process's needs root.
   */
  oomScoreAdj?: number | undefined
  /** Aborting stops the process group, and emits `error` with `ERR_PROVIDER_ABORTED`. */
  signal?: AbortSignal | undefined
  /** Milliseconds until the process group is stopped and `error` is emitted with `ERR_PROVIDER_TIMEOUT`. Default, and 0: none. */
  timeoutMs?: number | undefined
  /** The signal that asks the group to end. Default `"SIGTERM"`. */
  killSignal?: NodeJS.Signals | number | undefined
  /** Milliseconds between `killSignal` (with SIGCONT) and SIGKILL. Default 5000. */
  killGraceMs?: number | undefined
  /**
   * Whether what is left of the process group is killed when the CLI has ended. Default true. Then a stream whose other
   * end somebody outside of the group still holds ends as well, once it has brought nothing for a second: `close` comes.
   */
  killGroupOnExit?: boolean | undefined
  limits?: ResourceLimits | undefined
  /**
   * Default `"auto"`: `"fd"` where the CLI can read its credential from a pipe (claude), else `"env"` (codex). `"env"` for
   * claude is what `--bare` needs: other processes of the target's uid can then find the key in `/proc/PID/environ`.
   */
  delivery?: Delivery | undefined
  /** Default `"untrusted"`: files in the workspace must not configure the CLI. */
  workspaceTrust?: 'untrusted' | 'trusted' | undefined
  /**
   * Which of the child's streams are scrubbed of every secret of this launch, and of its base64, base64url, hex,
   * URL-encoded and JSON-escaped forms. `true` is both. Default: `stderr`,
   * also for what an object leaves out. Each byte of a secret becomes `*` (another
   * character where a secret has that one), so the number of bytes stays. Secrets of fewer than 8 bytes are left, so as
   * not to mask prose. Scrubbed stdout may no longer be the JSON that the CLI wrote: a number can be a secret too.
   * Only a stream that is a `"pipe"` passes through here: asked for with one that goes to a descriptor it is refused; one that is `"ignore"`d shows nothing. What is looked for
   * stays in guarded memory until those streams have closed, also after `dispose()`. Hygiene for logs, not a wall:
   * whoever runs as the child's uid can spell a key in other ways.
   */
  redactOutput?: boolean | { stdout?: boolean | undefined; stderr?: boolean | undefined } | undefined
  /**
   * Whether what passes through stdout is read for {@link ProviderProcess.usage} and {@link ProviderProcess.failure}. It goes
   * on unchanged and at once. Default: when `args` ask the CLI for JSON (claude `--output-format stream-json` or `json`,
   * codex `--json`) and stdout is a `"pipe"`. `true` reads whatever the arguments are, and is refused when stdout is no pipe.
   */
  usage?: boolean | undefined
  /**
   * codex: {@link ProviderUsage.thread} of the last run of the thread that is resumed, where another process read that.
   * It alone counts then. Without it, and when this process has not read the thread in a run of the same owner (see
   * `docs/usage.md`), the first turn counts nothing and `complete` stays false.
   */
  thread?: ThreadTotals | null | undefined
  /**
   * What to do when the CLI says that it uses another credential than it was given. `"event"`, the default: emit
   * `credentialMismatch`. `"stop"`: stop the run too, with `ERR_PROVIDER_CREDENTIAL_MISMATCH`; refused where the CLI's JSON
   * is not read, and for codex, which says nothing of its credential.
   */
  onCredentialMismatch?: 'event' | 'stop' | undefined
}

export interface Launch {
  env: NativeProviderEnv
  child: ChildOptions
  cli: CliOptions
  facts: Facts
  signal: AbortSignal | undefined
  redactOutput: RedactOutput
  handle: ProviderEnv
  watch: Watch
}

const DEFAULT_GRACE_MS = 5000
/** The kernel's: setpriority(2), proc_pid_oom_score_adj(5). */
const MAX_NICE = 19
const MAX_OOM_SCORE_ADJ = 1000
export const IDS = ['uid', 'gid', 'groups', 'allowRoot'] as const
const LIMITS = ['coreBytes', 'openFiles', 'processes', 'memoryBytes', 'cpuSeconds'] as const
/** Attributes of the child, which go to it as they are. Only the native start honours them. */
const ATTRIBUTES: Record<keyof Attributes, (name: string, value: unknown) => unknown> = {
  priority: (name, value) => validate.optionalCount(name, value, MAX_NICE),
  oomScoreAdj: (name, value) => validate.optionalCount(name, value, MAX_OOM_SCORE_ADJ),
  umask: (name, value) => validate.optionalCount(name, value, 0o777),
  limits: readLimits
}
const ATTRIBUTE_NAMES = Object.keys(ATTRIBUTES) as (keyof typeof ATTRIBUTES)[]
export const OPTIONS = [
  ...IDS,
  ...ATTRIBUTE_NAMES,
  'args',
  'command',
  'cwd',
  'delivery',
  'killGraceMs',
  'killGroupOnExit',
  'killSignal',
  'onCredentialMismatch',
  'redactOutput',
  'signal',
  'stdio',
  'thread',
  'timeoutMs',
  'usage',
  'workspaceTrust'
]

/** @param extra Variables of an SDK. */
export function readLaunch(env: ProviderEnv, value: unknown, extra: ExtraVariable[] = []): Launch {
  const native = nativeOf(env)
  if (!native) throw validate.wrongType('env', 'what buildProviderEnv() returns', env)
  const options = validate.options('options', value, OPTIONS)
  const killSignal = signalNumber(options.killSignal ?? 'SIGTERM')
  const stdio = readStdio(options.stdio)
  const watch = readWatch(options, stdio)
  const killGroupOnExit = validate.optionalBoolean('options.killGroupOnExit', options.killGroupOnExit) ?? true
  const signal = abortSignal(options.signal)
  return {
    env: native,
    handle: env,
    watch,
    signal,
    redactOutput: readRedactOutput(options.redactOutput, stdio),
    facts: { provider: native.provider, credential: credentialOf(env), killSignal, killGroupOnExit },
    child: {
      command: validate.optionalString('options.command', options.command),
      args: validate.strings('options.args', options.args),
      cwd: validate.optionalString('options.cwd', options.cwd),
      ids: readIds(options),
      attributes: readAttributes(options),
      stop: {
        killSignal,
        killGraceMs: validate.optionalMilliseconds('options.killGraceMs', options.killGraceMs) ?? DEFAULT_GRACE_MS,
        // 0 means none, as in child_process.
        timeoutMs: validate.optionalMilliseconds('options.timeoutMs', options.timeoutMs) || undefined,
        killGroupOnExit
      },
      stdio,
      aborted: signal?.aborted === true
    },
    cli: {
      // Where a program is named, none is looked for in packages.
      packageRoots: options.command === undefined ? packageRoots() : [],
      delivery: validate.optionalString('options.delivery', options.delivery),
      trusted: isTrusted(options.workspaceTrust),
      extra,
      watch: watch.watch,
      mustClaim: watch.stops
    }
  }
}

function readAttributes(options: validate.Own<keyof Attributes>): Attributes {
  const attributes: Record<string, unknown> = Object.create(null)
  for (const name of ATTRIBUTE_NAMES) {
    if (options[name] !== undefined) attributes[name] = ATTRIBUTES[name](`options.${name}`, options[name])
  }
  return attributes
}

export function readIds(options: validate.Own<(typeof IDS)[number]>): IdentityRequest {
  const { groups } = options
  return {
    uid: validate.optionalNumber('options.uid', options.uid),
    gid: validate.optionalNumber('options.gid', options.gid),
    groups: groups === undefined ? undefined : validate.array('options.groups', 'an array of numbers', groups, validate.optionalNumber),
    allowRoot: validate.optionalBoolean('options.allowRoot', options.allowRoot)
  }
}

function readLimits(name: string, value: unknown): Limits | undefined {
  if (value === undefined) return undefined
  const limits = validate.options(name, value, LIMITS)
  return Object.fromEntries(LIMITS.map((limit) => [limit, validate.optionalCount(`${name}.${limit}`, limits[limit])]))
}

export function isTrusted(value: unknown) {
  return validate.optionalWord('options.workspaceTrust', value, ['untrusted', 'trusted']) === 'trusted'
}

export function unsupported(message: string, name?: string) {
  return providerError({ code: 'ERR_PROVIDER_UNSUPPORTED', message, names: name ? [name] : undefined })
}
