// The commands that install a CLI system-wide and unreadable: root-owned, mode 0711, with what stands beside it.
'use strict'

const path = require('node:path')
const { command, quote } = require('./words.js')

/**
 * @typedef {object} SurveyedProgram As `surveyPrograms` of the addon tells it.
 * @property {string} foundAt
 * @property {'command' | 'path' | 'npm-package'} foundBy
 * @property {string | null} path
 * @property {string | null} version
 * @property {string | null} interpreter
 * @property {import('./ask.js').Component[]} components
 * @property {{ path: string, inheritsCredential: boolean }[]} companions From the program's directory.
 * @property {{ code: string, message: string, path?: string, errno?: number } | null} error
 */

/**
 * Copies a native program into `prefix`, and puts it first on this shell's PATH.
 * @param {import('./context.js').Context} context
 * @param {import('./context.js').Facts} facts
 * @param {SurveyedProgram & { path: string }} program
 */
function copy({ prefix }, facts, program) {
  const bin = path.join(prefix, facts.command, 'bin')
  const target = path.join(bin, facts.command)
  if (program.path === target) return close(facts, program)
  const from = path.dirname(program.path)
  // What inherits the credential must be as unreadable as the program. The rest need not be.
  const files = program.companions.map((companion) => ({
    source: path.join(from, companion.path),
    target: path.join(bin, companion.path),
    mode: companion.inheritsCredential ? '0711' : companion.path.endsWith('.json') ? '0644' : '0755'
  }))
  const directories = [prefix, path.join(prefix, 'bin'), path.join(prefix, facts.command), bin, ...files.map((file) => path.dirname(file.target))]
  const as = ['-o', 'root', '-g', 'root', '-m']
  return [
    command('install', '-d', ...as, '0755', ...new Set(directories)),
    ...[{ source: program.path, target, mode: '0711' }, ...files].map((file) => command('install', ...as, file.mode, file.source, file.target)),
    command('ln', '-sfn', target, path.join(prefix, 'bin', facts.command)),
    onPath(prefix)
  ]
}

/**
 * Makes a program unreadable where it is.
 * @param {import('./context.js').Facts} _
 * @param {SurveyedProgram & { path: string }} program
 */
function close(_, program) {
  const inheriting = program.companions.filter((companion) => companion.inheritsCredential)
  const files = [program.path, ...inheriting.map((companion) => path.join(path.dirname(program.path), companion.path))]
  return [command('chown', 'root:root', ...files), command('chmod', '0711', ...files)]
}

/**
 * Installs a CLI that is not there, or is only a version manager's shim, from its npm package.
 * @param {import('./context.js').Context} context
 * @param {import('./context.js').Facts} facts
 */
function fromNpm({ prefix }, facts) {
  return [command('npm', 'install', '--global', '--prefix', prefix, facts.package), onPath(prefix)]
}

/** @param {string} prefix */
function onPath(prefix) {
  return `export PATH=${quote(path.join(prefix, 'bin'))}:"$PATH"`
}

module.exports = { close, copy, fromNpm }
