// Reads which versions `npm run compat` has to test.
import { clis } from './clis.mjs'

const names = Object.keys(clis)

/**
 * @param {string[]} words
 * @param {{ cli: string, version: string }[]} listed what the document has already
 * @returns {{ cli: string, version: string }[]} each once; a version is exact, or the name of one, as `latest`
 */
export function targetsOf(words, listed) {
  const all = words.flatMap((word) => {
    if (word === 'latest') return names.map((cli) => ({ cli, version: 'latest' }))
    if (word === 'listed') return listed.map(({ cli, version }) => ({ cli, version }))
    return [targetOf(word)]
  })
  return [...new Map(all.map((target) => [nameOf(target), target])).values()]
}

function targetOf(word) {
  const [cli, version = 'latest', ...more] = word.split('@')
  if (!Object.hasOwn(clis, cli)) throw new Error(`${cli || word} is not a known CLI; use one of ${names.join(', ')}`)
  // A range would be another version tomorrow, under the same name.
  if (more.length || !/^(\d+\.\d+\.\d+(-[\w.]+)?|[a-z]+)$/.test(version))
    throw new Error(`${word}: the version must be exact, as in ${cli}@1.2.3, or a tag of the registry, as in ${cli}@latest`)
  return { cli, version }
}

export const nameOf = ({ cli, version }) => `${cli}@${version}`
