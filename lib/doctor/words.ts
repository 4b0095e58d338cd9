// Formats paths, modes, owners and lists for findings, and quotes paths for a POSIX shell.

import path from 'node:path'
import { ownDirectory } from '../internal/own-directory.ts'

/** What a POSIX shell takes unquoted. A leading ~ or = is special in some shells. */
const PLAIN = /^[A-Za-z0-9_/.,:@%+-][A-Za-z0-9_/.,:@%+=-]*$/

/** One word of a POSIX shell. */
export function quote(text: string) {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** A command of these words. */
export function command(...words: (string | number)[]) {
  return words.map((word) => quote(String(word))).join(' ')
}

export function octal(mode: number) {
  return mode.toString(8).padStart(4, '0')
}

export function owner({ uid, gid }: { uid: number; gid: number }) {
  return `${uid}:${gid}`
}

/** Without the group, which is in the title of a report. */
export function whom({ uid }: { uid: number }) {
  return `uid ${uid}`
}

export function ids({ uid, gid }: { uid: number; gid: number }) {
  return `uid ${uid} gid ${gid}`
}

/** A sentence lists at most this many; a finding's details contain all. */
const MOST_ITEMS = 8

/** "a", "a and b", "a, b and c", "a, b, … and 9 more". */
export function list(all: readonly string[]) {
  const items = all.length > MOST_ITEMS ? [...all.slice(0, MOST_ITEMS), `${all.length - MOST_ITEMS} more`] : all
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}

/** What steers a terminal: control characters, and characters that change the direction of the text. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Another party's text, safe for a terminal: one line, without control characters. */
export function harmless(text: string, most: number = 300) {
  const line = text.replace(new RegExp(`(?:${UNSAFE.source})+`, 'g'), ' ').trim()
  return line.length > most ? `${line.slice(0, most)}…` : line
}

/** The path or address of a page of the documentation: the package includes the pages, a bundle does not. */
export function page(name: string) {
  return ownDirectory === undefined
    ? `https://github.com/webalive/provider-env/blob/main/docs/${name}`
    : path.join(ownDirectory, 'docs', name)
}

/** The name of an option, `codexHome`, as the command line has it, without the dashes. */
export function flag(name: string) {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** JSON, safe for a terminal: what would steer it is written as a \u escape. JSON.stringify() escapes only C0 controls. */
export function json(value: unknown) {
  // Its own line breaks are between the members: within a string, they are escaped already.
  return escaped(JSON.stringify(value, null, 2))
}

/** Another party's text, safe for a terminal, with its line breaks: what would steer the terminal is written as a \u escape. */
export function escaped(text: string) {
  return text.replace(UNSAFE, (character) =>
    character === '\n' || character === '\t' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
}

/**
 * This package's command line, by its path: npx prefers what is in ./node_modules/.bin, which in a workspace the tenant can
 * choose. In a bundle there is no path: the name of a globally installed command.
 */
export const OWN = Object.freeze(
  ownDirectory === undefined ? ['provider-env'] : [process.execPath, path.join(ownDirectory, 'bin', 'provider-env.js')]
)
