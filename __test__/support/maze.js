// A maze of symlinks: realpath(3) takes many seconds for it, because it looks up the whole path of every step.
'use strict'

const fs = require('node:fs')
const path = require('node:path')

/** As many as the kernel follows, less those on the way. */
const LINKS = 38

/**
 * A link in `dir` that leads into a maze: links, each of which goes in and out of a directory eight hundred times, so many
 * directories deep.
 * @param {string} dir
 * @param {number} [levels]
 */
function makeMaze(dir, levels = 800) {
  const inside = `deep${'/d'.repeat(levels)}`
  const here = path.join(dir, inside)
  fs.mkdirSync(path.join(here, 'e'), { recursive: true })
  const around = 'e/../'.repeat(810)
  for (let at = 0; at < LINKS; at += 1) fs.symlinkSync(`${around}${at < LINKS - 1 ? `l${at + 1}` : 'e'}`, path.join(here, `l${at}`))
  const link = path.join(dir, 'maze')
  fs.symlinkSync(`${inside}/l0`, link)
  return { link, real: path.join(here, 'e') }
}

module.exports = { makeMaze }
