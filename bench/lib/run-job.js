// Runs one job in a fresh Node process, whose memory and history are its own.
'use strict'

const { spawn } = require('node:child_process')
const path = require('node:path')

/**
 * @param {{ name: string, nodeArgs?: string[] }} section
 * @param {{ scene: { workspace: { home: string, tmpDir: string } } }} job
 * @returns {Promise<any>} what the section's `run` returned, and the memory it ran with
 */
function runJob(section, job) {
  const runner = path.join(__dirname, 'runner.js')
  const child = spawn(process.execPath, [...(section.nodeArgs ?? []), runner, section.name, JSON.stringify(job)], {
    env: plainEnv(job.scene.workspace),
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const stop = () => child.kill()
  process.once('exit', stop)
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => (text += chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      process.removeListener('exit', stop)
      if (code === 0) resolve(JSON.parse(text))
      else reject(new Error(text.trim() || `the runner ended with ${signal ?? code}`))
    })
  })
}

/** The same everywhere: the size of an environment is part of what is measured. */
function plainEnv({ home, tmpDir }) {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    TERM: 'dumb',
    TZ: 'UTC',
    NODE_ENV: 'production',
    HOME: home,
    TMPDIR: tmpDir
  }
}

module.exports = { runJob, plainEnv }
