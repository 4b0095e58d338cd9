// Writes server-sent events, as both APIs stream them.
'use strict'

/**
 * @param {import('node:http').ServerResponse} response
 * @param {{ event: string, data: Record<string, any> }[]} events
 */
function sendEvents(response, events) {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  for (const { event, data } of events) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  response.end()
}

module.exports = { sendEvents }
