// A WebSocket client of a few lines (RFC 6455): texts of up to 64 KiB out, of any length in. Node 20 has none.
'use strict'

const { randomBytes } = require('node:crypto')
const http = require('node:http')

/**
 * Connects to a server on loopback.
 * @param {number} port
 * @returns {Promise<{ onText: (hear: (text: string) => void) => void, send: (text: string) => void }>}
 */
function connectWebSocket(port) {
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64')
  }
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, headers })
    request.on('error', reject)
    request.on('response', ({ statusCode }) => reject(new Error(`It answers ${statusCode}`)))
    request.on('upgrade', (_, socket, head) => {
      /** @type {(text: string) => void} */
      let hear = () => {}
      let rest = head
      socket.on('error', () => {})
      socket.on('data', (bytes) => {
        rest = Buffer.concat([rest, bytes])
        for (let frame = readFrame(rest); frame; frame = readFrame(rest)) {
          rest = rest.subarray(frame.end)
          if (frame.isText) hear(frame.text)
        }
      })
      resolve({ onText: (listener) => void (hear = listener), send: (text) => void socket.write(makeFrame(text)) })
    })
    request.end()
  })
}

/** @param {Buffer} bytes */
function readFrame(bytes) {
  if (bytes.length < 2) return undefined
  const short = bytes[1] & 0x7f
  const start = short === 127 ? 10 : short === 126 ? 4 : 2
  if (bytes.length < start) return undefined
  const length = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short
  const end = start + length
  if (bytes.length < end) return undefined
  return { isText: (bytes[0] & 0x0f) === 1, text: bytes.toString('utf8', start, end), end }
}

/** What a client sends is masked. @param {string} text */
function makeFrame(text) {
  const body = Buffer.from(text)
  const mask = randomBytes(4)
  const length = body.length < 126 ? [0x80 | body.length] : [0x80 | 126, body.length >> 8, body.length & 0xff]
  return Buffer.concat([Buffer.from([0x81, ...length]), mask, body.map((byte, index) => byte ^ mask[index % 4])])
}

module.exports = { connectWebSocket }
