// claudeAgentOptions(): makes the Claude Agent SDK's query() start its CLI through spawnProvider().
'use strict'

const binding = require('./binding.js')
const { translate } = require('./errors.js')
const { OPTIONS, isTrusted, unsupported } = require('./launch.js')
const { nativeOf, toObject } = require('./provider-env.js')
const { resolveProgram } = require('./resolve-program.js')
const { spawnWith } = require('./spawn-provider.js')
const validate = require('./validate.js')

const ALL_SOURCES = /** @type {('user' | 'project' | 'local')[]} */ (['user', 'project', 'local'])

/** What the SDK decides. */
const DECIDED = /** @type {const} */ (['stdio', 'args', 'signal'])
const LAUNCH = [...OPTIONS, 'onSpawn']
/** What is read of the SDK's request. */
const REQUEST = /** @type {const} */ (['args', 'cwd', 'env', 'signal'])

/**
 * @param {import('../index').ProviderEnv} env
 * @param {import('../index').AgentLaunch} [value]
 * @returns {import('../index').ClaudeAgentOptions}
 */
function claudeAgentOptions(env, value) {
  const native = nativeOf(env)
  if (!native) throw validate.wrongType('env', 'the return value of buildProviderEnv()', env)
  if (native.provider !== 'claude') throw unsupported(`claudeAgentOptions() needs an environment for claude, but this one is for ${native.provider}.`)
  const { onSpawn, launch } = readAgentLaunch(value)
  const { command, uid, gid, groups, allowRoot } = launch
  const variables = toObject(translate(() => native.plain()))
  const program = resolveProgram('claude', { command, uid, gid, groups, allowRoot, path: variables.PATH })
  const passing = new Set(binding.sdkVariables('claude'))
  // Last: a call that is refused starts nothing, and its error says what is wrong.
  warnOfRoot()

  return {
    env: variables,
    pathToClaudeCodeExecutable: program.path,
    settingSources: isTrusted(launch.workspaceTrust) ? ALL_SOURCES : [],
    // Else the SDK puts MCP servers, headers and all, on the command line of a CLI that it does not start itself.
    mcpServersDelivery: 'initialize',
    spawnClaudeCodeProcess(value) {
      const request = validate.fields('request', value, REQUEST)
      const extra = Object.entries(request.env).filter(([name, text]) => passing.has(name) && typeof text === 'string')
      for (const [name, text] of extra) validate.wellFormed(`request.env.${name}`, /** @type {string} */ (text))
      const told = extra.map(([name, text]) => ({ name, value: /** @type {string} */ (text) }))
      translate(() => binding.checkSdk('claude', told, []))
      const options = { ...launch, command: program.path, args: request.args, cwd: request.cwd ?? launch.cwd, signal: request.signal }
      // Three pipes, as `stdio` is refused.
      const child = /** @type {any} */ (spawnWith(env, options, told))
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
  const warning = {
    __proto__: null,
    type: 'SecurityWarning',
    code: 'PROVIDER_WORKER_IS_ROOT',
    detail: 'Provide tools as stdio MCP servers, let them run their commands with `provider-env run-as`, or call query() in a worker that runs as the tenant (docs/migration.md). If you do so already, node --disable-warning=PROVIDER_WORKER_IS_ROOT silences this warning.'
  }
  process.emitWarning('This worker runs as root. Only the CLI becomes the tenant: in-process MCP tools, hooks, and a query() within a tool run in this process, as root.', /** @type {any} */ (warning))
}

/** @param {any} value */
function readAgentLaunch(value) {
  const launch = validate.options('launch', value, LAUNCH)
  for (const name of DECIDED) {
    if (launch[name] !== undefined) throw validate.wrongValue('launch', 'must not have stdio, args or signal, because the SDK sets them.')
    // Not a property that is undefined: it would be one of ours.
    delete launch[name]
  }
  const { onSpawn } = launch
  if (onSpawn !== undefined && typeof onSpawn !== 'function') throw validate.wrongType('launch.onSpawn', 'a function', onSpawn)
  delete launch.onSpawn
  return { onSpawn, launch }
}

/**
 * What the listener throws is the SDK's to see, which then knows of no process: one that nobody ends would be left.
 * @param {((child: any) => void) | undefined} onSpawn
 * @param {any} child
 */
function tell(onSpawn, child) {
  try {
    onSpawn?.(child)
  } catch (error) {
    child.on('error', () => {})
    child.kill('SIGKILL')
    throw error
  }
}

module.exports = { claudeAgentOptions }
