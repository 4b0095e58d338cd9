// How Codex offers its shell to a model, and the call that uses it: a function, or a script in Code Mode.
'use strict'

const { randomUUID } = require('node:crypto')

/** @param {string} prefix */
const newId = (prefix) => `${prefix}_${randomUUID().replaceAll('-', '')}`

/**
 * Models that Codex knows get Code Mode: one custom tool `exec` that runs JavaScript, which calls `exec_command`.
 * Others get `exec_command` as a function. Code Mode's tools are in the input, inside a namespace.
 * @param {any} body
 * @returns {'function' | 'script' | null}
 */
function shellKind(body) {
  const tools = toolsIn([body, ...(Array.isArray(body?.input) ? body.input : [])])
  if (tools.some((tool) => tool.type === 'function' && tool.name === 'exec_command')) return 'function'
  if (tools.some((tool) => tool.type === 'custom' && tool.name === 'exec')) return 'script'
  return null
}

/**
 * @param {any[]} holders
 * @returns {any[]}
 */
function toolsIn(holders) {
  return holders.flatMap((holder) => {
    if (!Array.isArray(holder?.tools)) return []
    return [...holder.tools, ...toolsIn(holder.tools)]
  })
}

/**
 * @param {any} body
 * @param {string} command
 * @returns {Record<string, any>} the output item that calls the shell
 */
function shellCall(body, command) {
  const call = { status: 'completed', call_id: newId('call') }
  const args = JSON.stringify({ cmd: command })
  if (shellKind(body) !== 'script') {
    return { id: newId('fc'), type: 'function_call', ...call, name: 'exec_command', arguments: args }
  }
  const input = `const done = await tools.exec_command(${args})\ntext(typeof done === 'string' ? done : done.output)\n`
  return { id: newId('ctc'), type: 'custom_tool_call', ...call, name: 'exec', input }
}

/**
 * A call of another of Codex's tools: of one in a namespace, of one that Code Mode's script calls, or of a plain one.
 * @param {any} body
 * @param {{ call: string, namespace?: string, input: Record<string, unknown> }} content
 * @returns {Record<string, any>}
 */
function toolCall(body, { call: name, namespace, input }) {
  const call = { status: 'completed', call_id: newId('call') }
  const args = JSON.stringify(input)
  if (namespace !== undefined || shellKind(body) !== 'script')
    return { id: newId('fc'), type: 'function_call', ...call, name, namespace, arguments: args }
  return {
    id: newId('ctc'),
    type: 'custom_tool_call',
    ...call,
    name: 'exec',
    input: `text(JSON.stringify(await tools.${name}(${args})))\n`
  }
}

/**
 * @param {any} call  an item made by `shellCall`
 * @returns {{ field: string, event: string }} where its argument text is, and the events that stream it
 */
function argumentOf(call) {
  return call.type === 'function_call'
    ? { field: 'arguments', event: 'response.function_call_arguments' }
    : { field: 'input', event: 'response.custom_tool_call_input' }
}

/** @param {any} item */
function isToolOutput(item) {
  return item?.type === 'function_call_output' || item?.type === 'custom_tool_call_output'
}

module.exports = { argumentOf, isToolOutput, newId, shellCall, shellKind, toolCall }
