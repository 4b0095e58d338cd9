// The setting that every process of the sealed tenant may know: directories, programs and addresses, but no secret.
'use strict'

const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const TENANT = 'cyd'

/**
 * Writes it into a fresh directory that nobody else can enter, which is where the lockbox and the socket are as well.
 * @param {object} parts
 * @param {import('../workshop.js').Workshop} parts.workshop
 * @param {Record<string, { path: string }>} parts.programs
 * @param {import('../../__test__/support/mock-api/types').MockApi} parts.api
 */
function makeSetting({ workshop, programs, api }) {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'sealed-'))
  workshop.onClose(() => rmSync(dir, { recursive: true, force: true }))
  const { home, workspace, tmpDir, codexHome, claudeConfigDir } = workshop.homes(TENANT)
  const setting = {
    tenant: TENANT,
    file: path.join(dir, 'setting.json'),
    lockbox: path.join(dir, 'lockbox.json'),
    socket: path.join(dir, 'socket'),
    // What went over the socket, as the parent saw it.
    sent: path.join(dir, 'sent'),
    received: path.join(dir, 'received'),
    workspace: { id: `workspace-of-${TENANT}`, dir: workspace, home, tmpDir },
    ids: workshop.idsOf(TENANT),
    providers: {
      claude: { program: programs.claude.path, baseUrl: api.anthropicBaseUrl, state: { claudeConfigDir } },
      codex: { program: programs.codex.path, baseUrl: api.openaiBaseUrl, state: { codexHome } }
    }
  }
  writeFileSync(setting.file, JSON.stringify(setting), { mode: 0o600 })
  return setting
}

/** @typedef {ReturnType<typeof makeSetting>} Setting */

/** As each of the processes reads it: its one argument is the file. @returns {Setting} */
function readSetting() {
  return JSON.parse(readFileSync(process.argv[2], 'utf8'))
}

module.exports = { makeSetting, readSetting }
