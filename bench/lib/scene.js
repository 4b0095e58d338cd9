// What the jobs share: compiled children, directories of the target, and whom the children become.
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { makeHomes } = require('../../__test__/support/homes.js')

// The kernel's overflow uid, "nobody": owns nothing on any machine.
const NOBODY = 65534

function makeScene() {
  const root = process.getuid() === 0
  const ids = root ? { uid: NOBODY, gid: NOBODY } : { uid: process.getuid(), gid: process.getgid() }
  const homes = makeHomes(root ? ids : {})
  process.once('exit', homes.remove)
  const cc = compile(homes.root)
  return {
    ids: { ...ids, dropped: root },
    cc,
    forJobs: {
      ids,
      // A plain user may not call setgroups, not even to keep what it has.
      limitIds: root ? [ids.uid, ids.gid] : [-1, -1],
      programs: cc.programs,
      workspace: { home: homes.home, tmpDir: homes.tmpDir, codexHome: homes.codexHome, claudeConfigDir: homes.claudeConfigDir }
    }
  }
}

/** @returns {{ missing?: string, programs: Record<string, string> }} */
function compile(dir) {
  const cc = process.env.CC || 'cc'
  if (spawnSync(cc, ['--version']).status !== 0) {
    return {
      programs: {},
      missing: `no C compiler (${cc}): install gcc or clang, or set CC; the benchmarks with compiled children are skipped`
    }
  }
  const programs = {}
  const sources = path.join(__dirname, '..', 'programs')
  for (const file of fs.readdirSync(sources)) {
    const name = path.basename(file, '.c')
    programs[name] = path.join(dir, name)
    const { status, stderr } = spawnSync(cc, ['-O2', '-o', programs[name], path.join(sources, file)], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${cc} could not compile ${file}:\n${stderr}`)
    fs.chmodSync(programs[name], 0o755)
  }
  return { programs }
}

module.exports = { makeScene }
