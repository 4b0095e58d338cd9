// Creates empty projects that have the package installed, for the cells of the matrix.
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installBoth } from '../check-tarballs.mjs'
import { fromRoot } from '../lib/paths.mjs'
import { manifest } from '../lib/platforms.mjs'
import { must, tail } from '../lib/run.mjs'

const name = manifest().name
const CELL_MS = 120_000
/** Nothing of ours is to decide what is loaded, but for the loader's check that both packages are of one version. */
const clean = { NODE_OPTIONS: '', NAPI_RS_NATIVE_LIBRARY_PATH: '' }

export const cjsUse = `const exercise = require('./exercise.cjs')\nexercise(require('${name}')).then(console.log, (error) => { console.error(error); process.exitCode = 1 })\n`
export const esmUse = `import * as api from '${name}'\nimport exercise from './exercise.cjs'\nconsole.log(await exercise(api))\n`

/** Installs both tarballs once; the others are copies. */
export async function installedProject(dir, tarballs) {
  const project = join(dir, 'installed')
  await installBoth(project, tarballs.main, tarballs.platform)
  return project
}

/** @returns {string} a project like the first, with the exercise and what uses it through each door */
export function copyOf(project) {
  const copy = mkdtempSync(`${project}-`)
  cpSync(project, copy, { recursive: true })
  addUses(copy)
  return copy
}

/** @returns {string} a project without the package */
export function emptyProject(dir, called) {
  const project = join(dir, called)
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true, "version": "1.0.0", "license": "MIT" }\n')
  addUses(project)
  return project
}

function addUses(project) {
  copyFileSync(fromRoot('scripts', 'matrix', 'exercise.cjs'), join(project, 'exercise.cjs'))
  writeFileSync(join(project, 'use.cjs'), cjsUse)
  writeFileSync(join(project, 'use.mjs'), esmUse)
}

/** Runs a program in a project, within the bounds of a cell; its output. */
export async function runIn(project, command, args, env = {}) {
  return await must(command, args, { cwd: project, env: { ...clean, ...env }, timeoutMs: CELL_MS })
}

/** Runs files that end with a line of the exercise; what they said. */
export async function exerciseIn(project, command, files, env) {
  const said = []
  for (const file of files) said.push(tail(await runIn(project, command, [...(Array.isArray(file) ? file : [file])], env), 1))
  return said.at(-1)
}
