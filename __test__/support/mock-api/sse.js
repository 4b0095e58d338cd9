// Writes server-sent events, as both APIs stream them.
'use strict'

/**
 * @param {import('node:http').ServerResponse} response
 * @param {{ event: string, data: Record<string, any> }[]} events
 */
function sendEvents(response, events) {
  writeEvents(response, events)
  response.end()
}

/**
 * The same, and the connection breaks off after them.
 * @param {import('node:http').ServerResponse} response
 * @param {{ event: string, data: Record<string, any> }[]} events
 */
function cutOff(response, events) {
  writeEvents(response, events)
  // When that is on its way.
  response.write('\n', () => response.destroy())
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {{ event: string, data: Record<string, any> }[]} events
 */
function writeEvents(response, events) {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  for (const { event, data } of events) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}

module.exports = { cutOff, sendEvents }
