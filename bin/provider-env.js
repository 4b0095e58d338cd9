#!/usr/bin/env node
// The command line of the package: `provider-env doctor`, `provider-env run-as`.
'use strict'

const { main } = require('../lib/doctor/command-line.js')

main(process.argv.slice(2))
