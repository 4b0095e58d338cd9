#!/usr/bin/env node
// The command line of the package: `provider-env doctor`, `provider-env run-as`.
'use strict'

const { main } = require('../dist/doctor.cjs')

// Where the addon does not load, this throws, and that is a finding.
main(process.argv.slice(2), () => require('../dist/provider-env.cjs').shared)
