// The addon itself, as the package loads it.
'use strict'

const fs = require('node:fs')
const path = require('node:path')

const PROJECT = path.join(__dirname, '..', '..')

module.exports = require(path.join(PROJECT, fs.readdirSync(PROJECT).find((name) => name.endsWith('.node')) ?? 'build the addon first'))
