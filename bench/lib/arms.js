// The two ways of starting a child that are compared, with the same program, ids and environment.
'use strict'

const { spawn } = require('node:child_process')

const VARIABLES = 40

/**
 * @param {{ package: string, scene: any }} job
 * @returns {{ api: any, env: any, starters: Record<'baseline' | 'ours', (program: string, args?: string[]) => any> }}
 */
function makeArms(job) {
  const { ids, workspace } = job.scene
  const api = require(job.package)
  const env = envOf(api, workspace)
  // child_process gets a ready object: copying process.env, which it does without one, is measured under "environment".
  const variables = env.exposeSecrets()
  return {
    api,
    env,
    starters: {
      baseline: (program, args = []) => spawn(program, args, { env: variables, ...ids }),
      ours: (program, args = []) => api.spawnProvider(env, { command: program, args, ...ids })
    }
  }
}

/** An environment of exactly 40 variables, the size that a workspace with about 25 keys has. */
function envOf(api, workspace) {
  const build = (count) => {
    const apiKey = Buffer.from(`sk-made-up-${'k'.repeat(40)}`)
    const payload = { provider: 'codex', apiKey, sessionCookie: 'made-up-cookie', userEnvKeys: userEnvKeys(count) }
    return api.buildProviderEnv(payload, { workspace })
  }
  const bare = build(0)
  const env = build(VARIABLES - bare.names.length)
  bare.dispose()
  if (env.names.length !== VARIABLES) throw new Error(`the environment has ${env.names.length} variables, not ${VARIABLES}`)
  return env
}

/** @returns {Record<string, string>} made-up keys of a usual length */
function userEnvKeys(count) {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`SERVICE_${i}_API_KEY`, `made-up-${String(i).padStart(32, '0')}`]))
}

/** Resolves when the child has ended and its streams are closed. */
function closed(child) {
  child.stdout.resume()
  child.stderr.resume()
  return ended(child)
}

/** As {@link closed}, for who reads the streams himself. */
function ended(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve(undefined)
      else reject(new Error(`a child ended with ${signal ?? code}`))
    })
  })
}

module.exports = { makeArms, userEnvKeys, closed, ended }
