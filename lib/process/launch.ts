// Reads the options of spawnProvider() into what the addon takes.

import type { Attributes, ChildOptions, CliOptions, IdentityRequest, Limits, NativeProviderEnv, PlainVariable } from '../../binding.js'
import type { ProviderEnv } from '../environment/provider-env.ts'
import { credentialOf, nativeOf } from '../environment/provider-env.ts'
import { abortSignal } from '../internal/abort-signal.ts'
import { binding } from '../internal/binding.ts'
import { providerError } from '../internal/errors.ts'
import * as validate from '../internal/validate.ts'
import type { ThreadTotals } from '../usage/token-counts.ts'
import type { StartFacts } from './backend.ts'
import { packageRoots } from './package-roots.ts'
import type { RedactOutput } from './redact-output.ts'
import { readRedactOutput } from './redact-output.ts'
import { signalNumber } from './signals.ts'
import type { StdioItem } from './stdio.ts'
import { readStdio } from './stdio.ts'
import type { Watch } from './usage-tap.ts'
import { readWatch } from './usage-tap.ts'

/**
 * Resource limits of the child, soft and hard. A limit above the worker's own hard limit requires root
 * (`CAP_SYS_RESOURCE`).
 */
export interface ResourceLimits {
  /**
   * `RLIMIT_CORE` in bytes. Default: 0, which means that there are no core dumps; the limit is then 1 byte, because the
   * kernel ignores 0 for a `core_pattern` that is a pipe. A core dump would contain the key.
   */
  coreBytes?: number | undefined
  /** `RLIMIT_NOFILE`, the number of descriptors, up to the machine's `fs.nr_open`. Default: the worker's limit. */
  openFiles?: number | undefined
  /** `RLIMIT_NPROC`, the number of processes of the target uid. Default: the worker's limit. */
  processes?: number | undefined
  /**
   * `RLIMIT_AS` in bytes. Both CLIs map far more memory than they use: neither starts with less than 100 GB. Default:
   * the worker's limit.
   */
  memoryBytes?: number | undefined
  /** `RLIMIT_CPU` in seconds. Default: the worker's limit. */
  cpuSeconds?: number | undefined
}

/** How the child gets its credential. */
export type Delivery = 'auto' | 'fd' | 'env' | 'broker'

/** Options of {@link spawnProvider}. */
export interface SpawnOptions {
  /**
   * The CLI's arguments. Every user of the machine can see them, so a secret of the launch in an argument is refused,
   * and so is the definition of an MCP server or model provider with headers, variables or tokens. An option that
   * disables a protection is refused too. The package adds its own arguments: for Claude Code before yours
   * (`--setting-sources=`), for Codex after them (`-c …`). With a server's key for Codex, the arguments must begin with
   * `exec` or `e`, and the package adds `--ignore-user-config` after it. A mode in which the CLI would not use the
   * credential is refused (`ERR_PROVIDER_UNSUPPORTED`): `docs/providers.md` lists these modes.
   */
  args?: string[] | undefined
  /**
   * The program: an absolute path, or a name to look up on the child's `PATH`. Default: the provider's CLI. A program
   * in place of the CLI gets the same arguments and, for Claude Code, the key on descriptor 3. Use a script file for
   * it, because `sh -c` would interpret the package's arguments as its own.
   */
  command?: string | undefined
  /**
   * The working directory, an absolute path. Default: `workspace.dir`, otherwise the directory of this process. The
   * child enters it as the target user, who must have access.
   */
  cwd?: string | undefined
  /**
   * The uid of the target user. Pass both `uid` and `gid`, or neither. 0 is refused without `allowRoot`. Default: that
   * of this process.
   */
  uid?: number | undefined
  gid?: number | undefined
  /** The supplementary groups. Default: none if `uid` is given, otherwise those of this process. */
  groups?: number[] | undefined
  /** Allows uid 0 or gid 0 as the target. Default: false. */
  allowRoot?: boolean | undefined
  /**
   * Default: `"pipe"` for all three. A stream that is inherited or a descriptor is made blocking, as `child_process`
   * does.
   */
  stdio?: 'pipe' | 'ignore' | 'inherit' | [StdioItem, StdioItem, StdioItem] | undefined
  /** The file mode creation mask, 0 to 0o777. Default: that of this process. */
  umask?: number | undefined
  /**
   * The child's nice value, 0 to 19. Default: that of this process at the time of the start (of its main thread, as
   * `os.getPriority()` returns it there), or 0 if that is negative. A value below that of this process requires root.
   */
  priority?: number | undefined
  /**
   * The child's `oom_score_adj`, 0 to 1000: the higher it is, the sooner the kernel kills the child when memory runs
   * out. Default: that of this process, or 0 if that is negative. A value below that of this process requires root.
   */
  oomScoreAdj?: number | undefined
  /** Aborting stops the process group, and emits `error` with `ERR_PROVIDER_ABORTED`. */
  signal?: AbortSignal | undefined
  /**
   * The time in milliseconds until the process group is stopped and `error` is emitted with `ERR_PROVIDER_TIMEOUT`.
   * Default: 0, no limit.
   */
  timeoutMs?: number | undefined
  /** The signal that asks the process group to end. Default: `"SIGTERM"`. */
  killSignal?: NodeJS.Signals | number | undefined
  /** The time in milliseconds between `killSignal` (with SIGCONT) and SIGKILL. Default: 5000. */
  killGraceMs?: number | undefined
  /**
   * Whether the rest of the process group is killed when the CLI has ended. Default: true. If a process outside the
   * group still holds the other end of a stream, the stream then ends after it has been silent for a second, so that
   * `close` is emitted.
   */
  killGroupOnExit?: boolean | undefined
  limits?: ResourceLimits | undefined
  /**
   * How the CLI gets its credential. `"broker"`: it does not. The broker of this process adds the credential to the CLI's
   * requests (`docs/broker.md`). `"fd"`: on a pipe (claude). `"env"`: in the environment, where other processes of the
   * target uid can read it (`/proc/PID/environ`). Default: `"auto"`, which is `"broker"` on Linux; elsewhere, and for a
   * program in place of Claude Code whose version is unknown, it is `"fd"` for claude and `"env"` for codex, and
   * {@link ProviderProcess.missingProtections} says so. {@link ProviderProcess.delivery} is what was obtained.
   */
  delivery?: Delivery | undefined
  /** Default: `"untrusted"`, which means that files in the workspace must not configure the CLI. */
  workspaceTrust?: 'untrusted' | 'trusted' | undefined
  /**
   * The streams of the child in which every secret of this launch is redacted, including its base64, base64url, hex,
   * URL-encoded and JSON-escaped forms. `true` means both streams. Default: only `stderr`, which also applies to a
   * property that the object omits. Each byte of a secret is replaced with `*` (or another character if a secret
   * contains `*`), so the number of bytes does not change. Secrets of fewer than 8 bytes are not redacted, because that
   * would mask ordinary text. Redacted stdout may no longer be valid JSON, because a number can be a secret too. Only a
   * stream that is a `"pipe"` passes through this process: the option is refused for a stream that goes to a
   * descriptor, and has no effect on one that is `"ignore"`. The secrets to search for stay in guarded memory until
   * these streams have closed, even after `dispose()`. This protects logs from accidents, not from attacks: a process
   * with the child's uid can write a key in other ways.
   */
  redactOutput?: boolean | { stdout?: boolean | undefined; stderr?: boolean | undefined } | undefined
  /**
   * Whether stdout is read for {@link ProviderProcess.usage} and {@link ProviderProcess.failure}. The output is passed
   * on unchanged and without delay. Default: true if `args` request JSON from the CLI (claude
   * `--output-format stream-json` or `json`, codex `--json`) and stdout is a `"pipe"`. `true` reads stdout with any
   * arguments, and is refused if stdout is not a pipe.
   */
  usage?: boolean | undefined
  /**
   * codex: {@link ProviderUsage.thread} of the last run of the resumed thread, if another process read that run. It
   * then takes precedence over what this process knows. Without it, and if this process has not read the thread in a
   * run of the same owner (see `docs/usage.md`), the first turn is not counted and `complete` stays false.
   */
  thread?: ThreadTotals | null | undefined
  /**
   * What to do if the CLI reports that it uses a credential other than the one that it received. `"event"` (the
   * default) emits `credentialMismatch`. `"stop"` also stops the run, with `ERR_PROVIDER_CREDENTIAL_MISMATCH`; it is
   * refused if the CLI's JSON is not read, and for codex, which does not report its credential.
   */
  onCredentialMismatch?: 'event' | 'stop' | undefined
}

export interface Launch {
  env: NativeProviderEnv
  child: ChildOptions
  cli: CliOptions
  facts: StartFacts
  signal: AbortSignal | undefined
  redactOutput: RedactOutput
  handle: ProviderEnv
  watch: Watch
}

export const IDS = validate.members({ uid: true, gid: true, groups: true, allowRoot: true } satisfies Record<keyof IdentityRequest, true>)
/** Attributes of the child, which go to it as they are. Only the native start honours them. */
const NUMBERS = binding.attributeNumbers()
const LIMITS = binding.limitNames()
const DELIVERIES = validate.wordsOf('DeliveryRequest')
export const OPTIONS = validate.members({
  uid: true,
  gid: true,
  groups: true,
  allowRoot: true,
  priority: true,
  oomScoreAdj: true,
  umask: true,
  args: true,
  command: true,
  cwd: true,
  delivery: true,
  killGraceMs: true,
  killGroupOnExit: true,
  killSignal: true,
  limits: true,
  onCredentialMismatch: true,
  redactOutput: true,
  signal: true,
  stdio: true,
  thread: true,
  timeoutMs: true,
  usage: true,
  workspaceTrust: true
} satisfies Record<keyof SpawnOptions, true>)

/** @param extra Variables of an SDK. */
export function readLaunch(env: ProviderEnv, value: unknown, extra: PlainVariable[] = []): Launch {
  const native = nativeOf(env)
  if (!native) throw validate.wrongType('env', 'the return value of buildProviderEnv()', env)
  const options = validate.options('options', value, OPTIONS)
  const killSignal = signalNumber(options.killSignal ?? 'SIGTERM')
  const stdio = readStdio(options.stdio)
  const watch = readWatch(options, stdio)
  const killGroupOnExit = validate.optionalBoolean('options.killGroupOnExit', options.killGroupOnExit) ?? true
  const signal = abortSignal(options.signal)
  const delivery = validate.optionalWord('options.delivery', options.delivery, DELIVERIES)
  return {
    env: native,
    handle: env,
    watch,
    signal,
    redactOutput: readRedactOutput(options.redactOutput, stdio),
    facts: {
      provider: native.provider,
      credential: credentialOf(env),
      killSignal,
      killGroupOnExit,
      isAuto: (delivery ?? 'auto') === 'auto'
    },
    child: {
      command: validate.optionalString('options.command', options.command),
      args: validate.strings('options.args', options.args),
      cwd: validate.optionalString('options.cwd', options.cwd),
      ids: readIds(options),
      attributes: readAttributes(options),
      stop: {
        killSignal,
        killGraceMs: validate.optionalMilliseconds('options.killGraceMs', options.killGraceMs) ?? binding.DEFAULT_GRACE_MS,
        // 0 means none, as in child_process.
        timeoutMs: validate.optionalMilliseconds('options.timeoutMs', options.timeoutMs) || undefined,
        killGroupOnExit
      },
      stdio,
      aborted: signal?.aborted === true
    },
    cli: {
      // If a program is named, packages are not searched.
      packageRoots: options.command === undefined ? packageRoots() : [],
      delivery,
      trusted: isTrusted(options.workspaceTrust),
      extra,
      watch: watch.watch,
      mustClaim: watch.stops
    }
  }
}

function readAttributes(options: validate.Own<string>): Attributes {
  const attributes: Record<string, unknown> = Object.create(null)
  for (const { name, max } of NUMBERS) {
    if (options[name] !== undefined) attributes[name] = validate.optionalCount(`options.${name}`, options[name], max)
  }
  if (options.limits !== undefined) attributes.limits = readLimits(options.limits)
  return attributes
}

/** Each field is read, or the types do not fit. */
export function readIds(options: validate.Own<(typeof IDS)[number]>): { [name in keyof Required<IdentityRequest>]: IdentityRequest[name] } {
  const { groups } = options
  return {
    uid: validate.optionalNumber('options.uid', options.uid),
    gid: validate.optionalNumber('options.gid', options.gid),
    groups: groups === undefined ? undefined : validate.array('options.groups', 'an array of numbers', groups, validate.optionalNumber),
    allowRoot: validate.optionalBoolean('options.allowRoot', options.allowRoot)
  }
}

function readLimits(value: unknown): Limits {
  const limits = validate.options('options.limits', value, LIMITS)
  return Object.fromEntries(LIMITS.map((name) => [name, validate.optionalCount(`options.limits.${name}`, limits[name])]))
}

export function isTrusted(value: unknown) {
  return validate.optionalWord('options.workspaceTrust', value, ['untrusted', 'trusted']) === 'trusted'
}

export function unsupported(message: string, name?: string) {
  return providerError({ code: 'ERR_PROVIDER_UNSUPPORTED', message, names: name ? [name] : undefined })
}
