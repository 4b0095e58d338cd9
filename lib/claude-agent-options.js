// claudeAgentOptions(): makes the Claude Agent SDK's query() start its CLI through spawnProvider().
'use strict'

const binding = require('./binding.js')
const { translate } = require('./errors.js')
const { isTrusted, unsupported } = require('./launch.js')
const { nativeOf, toObject } = require('./provider-env.js')
const { resolveProgram } = require('./resolve-program.js')
const { spawnWith } = require('./spawn-provider.js')
const validate = require('./validate.js')

const ALL_SOURCES = /** @type {('user' | 'project' | 'local')[]} */ (['user', 'project', 'local'])

/**
 * @param {import('../index').ProviderEnv} env
 * @param {import('../index').AgentLaunch} [value]
 * @returns {import('../index').ClaudeAgentOptions}
 */
function claudeAgentOptions(env, value) {
  const native = nativeOf(env)
  if (!native) throw validate.wrongType('env', 'what buildProviderEnv() returns', env)
  if (native.provider !== 'claude') throw unsupported(`claudeAgentOptions() is for claude, and this environment is for ${native.provider}.`)
  const { onSpawn, ...launch } = validate.object('launch', value)
  if (launch.stdio !== undefined || launch.args !== undefined || launch.signal !== undefined) {
    throw validate.wrongValue('launch', 'must not have stdio, args or signal: the SDK decides them.')
  }
  const { command, uid, gid, groups, allowRoot } = launch
  const variables = toObject(translate(() => native.plain()))
  const program = resolveProgram('claude', { command, uid, gid, groups, allowRoot, path: variables.PATH })
  const passing = new Set(binding.sdkVariables('claude'))

  return {
    env: variables,
    pathToClaudeCodeExecutable: program.path,
    settingSources: isTrusted(launch.workspaceTrust) ? ALL_SOURCES : [],
    // Else the SDK puts MCP servers, headers and all, on the command line of a CLI that it does not start itself.
    mcpServersDelivery: 'initialize',
    spawnClaudeCodeProcess(request) {
      const extra = Object.entries(request.env).filter(([name, text]) => passing.has(name) && typeof text === 'string')
      const options = { ...launch, command: program.path, args: request.args, cwd: request.cwd ?? launch.cwd, signal: request.signal }
      // Three pipes, as `stdio` is refused.
      const child = /** @type {any} */ (spawnWith(env, options, /** @type {string[]} */ (extra.flat())))
      onSpawn?.(child)
      // The SDK reads no stderr of a process that it did not start itself; unread, it fills up and the CLI stands still.
      const { stderr } = child
      if (stderr && stderr.listenerCount('data') + stderr.listenerCount('readable') === 0) stderr.resume()
      return child
    }
  }
}

module.exports = { claudeAgentOptions }
