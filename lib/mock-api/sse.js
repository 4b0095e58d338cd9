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
  const written = writeEvents(response, events)
  if (written) response.destroy()
  else response.once('drain', () => response.destroy())
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {{ event: string, data: Record<string, any> }[]} events
 */
function writeEvents(response, events) {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  return events.map(({ event, data }) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)).every(Boolean)
}

module.exports = { cutOff, sendEvents }
