// A certificate authority of one test's own, and certificates that it issues, made with openssl.
'use strict'

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

/** Why there can be none here; false when there can. */
function whyNoCertificates() {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'openssl is not installed'
  }
}

/**
 * @param {{ after(fn: () => any): void }} test
 * @returns {{ ca: string, issue: (names: string) => { key: string, cert: string } }} `names`: as of subjectAltName
 */
function makeAuthority(test) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'provider-env-ca-'))
  test.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  const at = (/** @type {string} */ name) => path.join(dir, name)
  const openssl = (/** @type {string[]} */ ...args) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=made-up authority')
  let count = 0
  return {
    ca: fs.readFileSync(at('ca.pem'), 'utf8'),
    issue(names) {
      const name = `server-${(count += 1)}`
      fs.writeFileSync(at(`${name}.ext`), `subjectAltName=${names}\n`)
      openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', '/CN=made up')
      openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`, '-out', `${name}.pem`)
      return { key: fs.readFileSync(at(`${name}.key`), 'utf8'), cert: fs.readFileSync(at(`${name}.pem`), 'utf8') }
    }
  }
}

module.exports = { makeAuthority, whyNoCertificates }
