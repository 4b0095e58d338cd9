// Prints a report for a person: grouped by provider, wrapped to the terminal, and with colours only if they are wanted.

import type { Finding, Severity } from './finding.ts'
import type { Diagnosis } from './index.ts'
import { harmless, ids, list, owner, page } from './words.ts'

/** Beyond this, lines are hard to follow. */
const MAX_WIDTH = 100
const MIN_WIDTH = 40

const LOOKS: Record<Severity, { mark: string; plain: string; colour: number }> = {
  ok: { mark: '✓', plain: '-', colour: 32 },
  info: { mark: '·', plain: 'i', colour: 34 },
  warning: { mark: '!', plain: '!', colour: 33 },
  error: { mark: '✗', plain: 'x', colour: 31 }
}
const BOLD = 1
const DIM = 2

type Style = { width: number; colour: boolean; unicode: boolean }

/** What a stream and its environment ask for. NO_COLOR is that of no-color.org; FORCE_COLOR goes before it, as in Node. */
export function styleOf(stream: { isTTY?: boolean; columns?: number }, env: NodeJS.ProcessEnv): Style {
  const forced = env.FORCE_COLOR
  const wanted = stream.isTTY === true && env.TERM !== 'dumb' && !env.NO_COLOR
  const width = Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, stream.columns ?? Number(env.COLUMNS ?? 80) ?? 80)) || 80
  return {
    width,
    colour: forced === undefined ? wanted : forced !== '0' && forced !== 'false',
    unicode: /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '')
  }
}

export function print(report: Diagnosis, style: Style) {
  const paint = painter(style)
  const sections = [{ id: null, name: 'This machine' }, ...report.providers].flatMap(({ id, name }) => {
    const group = report.findings.filter(({ provider }) => provider === id)
    if (group.length === 0) return []
    return [paint(BOLD, name), ...group.flatMap((finding, index) => linesOf(finding, group.slice(0, index), style, paint))].join('\n')
  })
  const title = `${paint(BOLD, 'provider-env doctor')} ${paint(DIM, `${report.version}, for ${ids(report.target)}`)}`
  return `${[title, ...sections, summary(report, style, paint)].join('\n\n')}\n`
}

function painter({ colour }: Style): (code: number, text: string) => string {
  return (code, text) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)
}

/** @param before Of the same group. */
function linesOf(finding: Finding, before: Finding[], { width, unicode }: Style, paint: (code: number, text: string) => string) {
  const look = LOOKS[finding.severity]
  const calm = finding.severity === 'ok' || finding.severity === 'info'
  const sentence = harmless(finding.sentence, Infinity)
  const [first, ...rest] = wrap(unicode ? sentence : sentence.replace(/[“”]/g, '"').replaceAll('…', '...'), width - 4)
  const emphasis = (line: string) => (finding.severity === 'info' ? paint(DIM, line) : line)
  const lines = [
    `  ${paint(look.colour, unicode ? look.mark : look.plain)} ${emphasis(first)}`,
    ...rest.map((line) => `    ${emphasis(line)}`)
  ]
  // A long path in the middle of a sentence is hard to read.
  if (finding.path !== null && finding.path !== before.at(-1)?.path && !finding.sentence.includes(finding.path))
    lines.push(`    ${paint(DIM, harmless(finding.path, Infinity))}`)
  if (calm) return lines
  lines.push(...steps(finding, unicode).map((line) => `      ${paint(DIM, line)}`))
  if (finding.remedy !== null)
    lines.push(
      ...wrap(harmless(finding.remedy, Infinity), width - 6).map(
        (line, index) => `    ${index === 0 ? (unicode ? '→' : '>') : ' '} ${line}`
      )
    )
  const same = before.find((other) => other.commands.length > 0 && other.commands.join('\n') === finding.commands.join('\n'))
  if (same) lines.push(`        ${paint(DIM, `the same commands as for (${same.id})`)}`)
  // Not wrapped: they are to be copied.
  else lines.push(...finding.commands.map((command) => `        ${paint(36, typeable(command))}`))
  lines.push(`    ${paint(DIM, `(${finding.id})`)}`)
  return lines
}

/** A command as it may be on a terminal, or none: without a control character that it has, it would name another file. */
function typeable(command: string) {
  return harmless(command, Infinity) === command ? command : '(this command contains control characters: use --json to see it)'
}

/** Every step to a program that the target cannot get to, up to the one in the way. */
function steps({ id, path, details }: Finding, unicode: boolean) {
  if (id !== 'program.unreachable') return []
  const all = details.steps as { path: string; uid: number; gid: number; mode: string }[]
  return all
    .slice(0, all.findIndex((step) => step.path === path) + 1)
    .map(
      (step) =>
        `${step.mode}  ${owner(step).padEnd(9)}  ${harmless(step.path)}${step.path === path ? `  ${unicode ? '←' : '<-'} in the way` : ''}`
    )
}

/** Lines of at most `width` characters, broken at spaces; a longer word has a line to itself. */
export function wrap(text: string, width: number) {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line !== undefined && line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}

function summary({ findings, worst }: Diagnosis, { width }: Style, paint: (code: number, text: string) => string) {
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length
  const some = (
    [
      ['error', count('error')],
      ['warning', count('warning')]
    ] as const
  ).filter(([, number]) => number > 0)
  const words = some.map(([word, number]) => `${number} ${word}${number === 1 ? '' : 's'}`)
  if (words.length === 0) return paint(LOOKS.ok.colour, `No problem was found: ${count('ok')} checks passed.`)
  const explained = wrap(`${page('doctor.md')} explains every id.`, width).map((line) => paint(DIM, line))
  return [`${paint(LOOKS[worst].colour, `${list(words)}.`)} ${paint(DIM, `${count('ok')} checks passed.`)}`, ...explained].join('\n')
}
