// The two CLIs as published packages: the place of their program, the variable that names it for the tests, and their
// tests.
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { thisPlatform } from '../lib/platforms.mjs'

/** `linux-x64`, and `-musl` where the C library is: as both vendors name their platform packages. */
const platform = thisPlatform().replace(/-gnu$/, '')

/** @type {Record<string, { package: string, variable: string, programs: string[][] }>} programs: as paths below node_modules, `*` for one directory */
export const clis = {
  claude: {
    package: '@anthropic-ai/claude-code',
    variable: 'PROVIDER_ENV_TEST_CLAUDE',
    programs: [['@anthropic-ai', `claude-code-${platform}`, 'claude']]
  },
  codex: {
    package: '@openai/codex',
    variable: 'PROVIDER_ENV_TEST_CODEX',
    // Its builds for Linux are static, so there is one for both C libraries. The second layout is that of 0.131.0 and older.
    programs: ['bin', 'codex'].map((dir) => ['@openai', `codex-${platform.replace(/-musl$/, '')}`, 'vendor', '*', dir, 'codex'])
  }
}

/** The paths that a pattern stands for in a directory; none where something of it is missing. */
export function expand(dir, [first, ...rest]) {
  if (first === undefined) return [dir]
  try {
    const names = readdirSync(dir).filter((name) => first === '*' || name === first)
    return names.flatMap((name) => expand(join(dir, name), rest))
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw error
  }
}

/** A test belongs to the CLI that begins its file's name, else to those in its own name, else to both. */
export function filesOf(cli, files) {
  const others = Object.keys(clis).filter((name) => name !== cli)
  return files.filter((file) => !others.some((other) => basename(file).startsWith(`${other}-`)))
}

/** The names of a CLI's tests, for `--test-name-pattern`. Node matches it with the names around a test, too: `<root>`, or none. */
export function patternOf(cli) {
  const others = Object.keys(clis).filter((name) => name !== cli)
  return `/^(?!<root>$)(?=.)(?!.*\\b(?:${others.join('|')})\\b)|\\b${cli}\\b/i`
}
