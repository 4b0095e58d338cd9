// claudeAgentOptions(): makes the Claude Agent SDK's query() start its CLI through spawnProvider().

import type { ProviderEnv } from '../environment/provider-env.ts'
import { nativeOf, toObject } from '../environment/provider-env.ts'
import { binding } from '../internal/binding.ts'
import { bare, translate } from '../internal/errors.ts'
import * as validate from '../internal/validate.ts'
import type { SpawnOptions } from '../process/launch.ts'
import { isTrusted, OPTIONS, unsupported } from '../process/launch.ts'
import { resolveProgram } from '../process/resolve-program.ts'
import type { PipedProviderProcess } from '../process/spawn-provider.ts'
import { spawnWith } from '../process/spawn-provider.ts'

/** The return value of {@link claudeAgentOptions}. Spread it into the Agent SDK's `query({ options })`. */
export interface ClaudeAgentOptions {
  /** Names and values that are not secret. The SDK requires an `env`, and refuses some set-ups without `PATH`. */
  env: Record<string, string>
  /** A path for the SDK's own checks. `spawnClaudeCodeProcess` decides which program is started. */
  pathToClaudeCodeExecutable: string
  spawnClaudeCodeProcess: (options: {
    command: string
    args: string[]
    cwd?: string | undefined
    env: Record<string, string | undefined>
    signal: AbortSignal
  }) => PipedProviderProcess
  /** `[]` for an untrusted workspace, so that no file in it configures the CLI. */
  settingSources: ('user' | 'project' | 'local')[]
  /** Keeps the headers of your MCP servers off the command line, where every user of the machine can read them. */
  mcpServersDelivery: 'initialize'
}

/** The options of {@link spawnProvider} that the SDK does not set itself. */
export type AgentLaunch = Omit<SpawnOptions, 'args' | 'stdio' | 'signal'> & {
  /**
   * Called with each process that the SDK starts. Read its `stderr` here, because the SDK's own `stderr` option is not
   * called.
   */
  onSpawn?: ((child: PipedProviderProcess) => void) | undefined
}

const ALL_SOURCES = ['user', 'project', 'local'] as ('user' | 'project' | 'local')[]

/** What the SDK decides. */
const DECIDED = ['stdio', 'args', 'signal'] as const
const LAUNCH = [...OPTIONS, 'onSpawn']
/** What is read of the SDK's request. */
const REQUEST = ['args', 'cwd', 'env', 'signal'] as const

/**
 * Returns options with which the Claude Agent SDK's `query()` starts its CLI through {@link spawnProvider}. Only the
 * SDK's own control variables in the environment that it builds reach the CLI.
 *
 * Only the CLI becomes the tenant. In-process MCP tools (`createSdkMcpServer()`), hooks, and a `query()` that a tool
 * calls without these options run in this process, as root if the worker is root. The first call in such a worker emits
 * a process warning (`SecurityWarning`, code `PROVIDER_WORKER_IS_ROOT`). Provide tools as stdio MCP servers, let them
 * run their commands with `provider-env run-as`, or call `query()` in a worker that runs as the tenant. Then
 * `node --disable-warning=PROVIDER_WORKER_IS_ROOT` silences the warning.
 * @throws {ProviderError} `ERR_PROVIDER_UNSUPPORTED` if `env` is not for `claude`; the errors of
 * {@link resolveProgram}. `spawnClaudeCodeProcess`, and therefore `query()`, also throws `ERR_PROVIDER_UNSUPPORTED` for
 * an Agent SDK before 0.3.326, which would put the tokens of MCP servers into arguments.
 */
export function claudeAgentOptions(env: ProviderEnv, launch?: AgentLaunch): ClaudeAgentOptions {
  const native = nativeOf(env)
  if (!native) throw validate.wrongType('env', 'the return value of buildProviderEnv()', env)
  if (native.provider !== 'claude')
    throw unsupported(`claudeAgentOptions() needs an environment for claude, but this one is for ${native.provider}.`)
  const { onSpawn, launch: ownLaunch } = readAgentLaunch(launch)
  // resolveProgram() looks at their types.
  const { command, uid, gid, groups, allowRoot } = ownLaunch as AgentLaunch
  const variables = toObject(translate(() => native.plain()))
  const program = resolveProgram('claude', { command, uid, gid, groups, allowRoot, path: variables.PATH })
  const passing = new Set(binding.sdkVariables('claude'))
  // Last: a call that is refused starts nothing, and its error says what is wrong.
  warnOfRoot()

  return {
    env: variables,
    pathToClaudeCodeExecutable: program.path,
    settingSources: isTrusted(ownLaunch.workspaceTrust) ? ALL_SOURCES : [],
    // Else the SDK puts MCP servers, headers and all, on the command line of a CLI that it does not start itself.
    mcpServersDelivery: 'initialize',
    spawnClaudeCodeProcess(value) {
      const request = validate.fields('request', value, REQUEST)
      const extra = Object.entries(request.env as Record<string, unknown>).filter(
        ([name, text]) => passing.has(name) && typeof text === 'string'
      )
      for (const [name, text] of extra) validate.wellFormed(`request.env.${name}`, text as string)
      const told = extra.map(([name, text]) => ({ name, value: text as string }))
      translate(() => binding.checkSdk('claude', told, []))
      const options = {
        ...ownLaunch,
        command: program.path,
        args: request.args,
        cwd: request.cwd ?? ownLaunch.cwd,
        signal: request.signal
      } as SpawnOptions
      // Three pipes, as `stdio` is refused.
      const child = spawnWith(env, options, told) as PipedProviderProcess
      tell(onSpawn, child)
      // The SDK reads no stderr of a process that it did not start itself; unread, it fills up and the CLI stalls.
      const { stderr } = child
      if (stderr && stderr.listenerCount('data') + stderr.listenerCount('readable') === 0) stderr.resume()
      return child
    }
  }
}

let hasWarned = false

/** Once per process, as a deprecation is: it is the worker that is at fault, not this call. */
function warnOfRoot() {
  if (hasWarned || process.geteuid?.() !== 0) return
  hasWarned = true
  const warning = bare({
    type: 'SecurityWarning',
    code: 'PROVIDER_WORKER_IS_ROOT',
    detail:
      'Provide tools as stdio MCP servers, let them run their commands with `provider-env run-as`, or call query() in a worker that runs as the tenant (docs/migration.md). If you do so already, node --disable-warning=PROVIDER_WORKER_IS_ROOT silences this warning.'
  })
  process.emitWarning(
    'This worker runs as root. Only the CLI becomes the tenant: in-process MCP tools, hooks, and a query() within a tool run in this process, as root.',
    warning
  )
}

function readAgentLaunch(value: unknown) {
  const launch = validate.options('launch', value, LAUNCH)
  for (const name of DECIDED) {
    if (launch[name] !== undefined) throw validate.wrongValue('launch', 'must not have stdio, args or signal, because the SDK sets them.')
    // Not a property that is undefined: it would be one of ours.
    delete launch[name]
  }
  const { onSpawn } = launch
  if (onSpawn !== undefined && typeof onSpawn !== 'function') throw validate.wrongType('launch.onSpawn', 'a function', onSpawn)
  delete launch.onSpawn
  return { onSpawn: onSpawn as AgentLaunch['onSpawn'], launch }
}

/** If the listener throws, the SDK sees the error and gets no process: without this, the process would keep running. */
function tell(onSpawn: AgentLaunch['onSpawn'], child: PipedProviderProcess) {
  try {
    onSpawn?.(child)
  } catch (error) {
    child.on('error', () => {})
    child.kill('SIGKILL')
    throw error
  }
}
