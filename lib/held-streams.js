// Ends the streams of a run that is over and whose process group is gone, where somebody else still holds their other end.
'use strict'

/**
 * A process that left the group, or took the descriptor over (`pidfd_getfd(2)`), could hold back `close`, and with it
 * the bill, for as long as it likes. What was written before is read first: only a stream that has brought nothing for
 * two looks is ended. Between two looks the event loop has polled, so a busy thread is not taken for silence.
 */
const LOOK_MS = 500
const LOOKS = 2

/** @param {readonly any[]} streams */
function endHeldStreams(streams) {
  for (const stream of streams) if (stream) watch(stream, -1, 0)
}

/**
 * @param {any} stream
 * @param {number} read Bytes at the last look.
 * @param {number} quiet Looks without any.
 */
function watch(stream, read, quiet) {
  // The stream itself keeps the event loop alive.
  setTimeout(() => {
    if (stream.destroyed || stream.readableEnded) return
    const { bytesRead } = stream
    const isQuiet = bytesRead === read && stream.readableLength === 0
    if (isQuiet && quiet + 1 >= LOOKS) stream.push(null)
    else watch(stream, bytesRead, isQuiet ? quiet + 1 : 0)
  }, LOOK_MS).unref()
}

module.exports = { endHeldStreams }
