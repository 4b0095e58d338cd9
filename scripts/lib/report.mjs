// Collects the result of each step of a run, prints it immediately, and prints a summary at the end.
const sums = { passed: 0, failed: 0, skipped: 0 }

/** A step's answer when it could not run here, with the reason. */
export const skip = (reason) => ({ skip: reason })

/** A step's answer when it passed, with what it saw. */
export const told = (note) => ({ note })

/** A step's answer when a runner counted its own tests. */
export const counted = (counts) => ({ counts })

/** The names of a stage's steps, without running any. */
export async function stepsOf(stage) {
  const names = []
  await stage({ listing: true, wants: () => true, step: (_, name) => void names.push(name) }, { files: [], slowness: 1 })
  return names
}

export class Report {
  #steps = []
  #only
  #rounds = 1
  #round = 1

  /** @param {string[]} only stages (`lint`) or steps (`lint/clippy`); none for all */
  constructor(only) {
    this.#only = only
  }

  /** Whether any step of a stage, or that very step, was requested. */
  wants(stage, step) {
    if (!this.#only.length) return true
    return this.#only.some((one) => one === stage || (step ? one === `${stage}/${step}` : one.startsWith(`${stage}/`)))
  }

  /** What runs from here on belongs to this round. @param {number} round @param {number} rounds */
  beginRound(round, rounds) {
    this.#round = round
    this.#rounds = rounds
    process.stdout.write(`\n══ round ${round} of ${rounds}\n`)
  }

  /** Runs one step: it passes by returning nothing, `told(…)`, `counted(…)` or `skip(…)`, and fails by throwing. */
  async step(stage, name, work) {
    if (!this.wants(stage, name)) return
    const title = `${stage}/${name}`
    process.stdout.write(`\n── ${title}\n`)
    const from = process.hrtime.bigint()
    let answer
    try {
      answer = (await work()) ?? {}
    } catch (error) {
      answer = { error }
      process.stdout.write(`${error.message}\n`)
    }
    const seconds = Number(process.hrtime.bigint() - from) / 1e9
    const outcome = answer.error ? 'FAIL' : answer.skip ? 'skip' : 'ok'
    const counts = answer.error?.counts ?? answer.counts
    this.#steps.push({
      title,
      outcome,
      seconds,
      counts,
      reason: answer.skip ?? answer.note,
      round: this.#round,
      message: answer.error?.message
    })
    process.stdout.write(`${line(this.#steps.at(-1))}\n`)
  }

  get failed() {
    return this.#steps.some((s) => s.outcome === 'FAIL')
  }

  /** Prints the table and the closing line; the exit code. A run of no step at all has failed: it proves nothing. */
  close(seconds) {
    for (const { outcome, counts } of this.#steps) {
      if (!counts) sums[{ ok: 'passed', FAIL: 'failed', skip: 'skipped' }[outcome]]++
      else for (const key of Object.keys(sums)) sums[key] += counts[key]
      if (outcome === 'FAIL' && counts && !counts.failed) sums.failed++
    }
    process.stdout.write(`\n${this.#steps.map(line).join('\n')}\n`)
    if (this.#rounds > 1) process.stdout.write(`\n${this.#byName().join('\n')}\n`)
    process.stdout.write(`\n${seconds.toFixed(0)} s in total\n`)
    process.stdout.write(`${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped\n`)
    return this.failed || this.#steps.length === 0 ? 1 : 0
  }

  /** What failed, with the rounds in which it did. A step that failed with no test to blame is named itself. */
  #byName() {
    const rounds = new Map()
    for (const { title, outcome, counts, round, message } of this.#steps) {
      if (outcome !== 'FAIL') continue
      const names = counts?.failures?.length ? counts.failures : [`${title}: ${message.split('\n')[0]}`]
      for (const name of names) rounds.set(name, [...(rounds.get(name) ?? []), round])
    }
    if (rounds.size === 0) return [`nothing failed in ${this.#rounds} rounds`]
    const rows = [...rounds].sort(([, one], [, other]) => other.length - one.length)
    return rows.map(([name, list]) => `failed in ${list.length} of ${this.#rounds}  ${name}  (${[...new Set(list)].join(', ')})`)
  }
}

function line({ title, outcome, seconds, counts, reason }) {
  const inside = counts ? ` ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped` : ''
  return `${outcome.padEnd(5)}${title.padEnd(36)}${seconds.toFixed(1).padStart(7)} s ${inside}${reason ? ` ${reason}` : ''}`
}

/** An error that carries what a runner counted before it failed. */
export function failure(message, counts) {
  return Object.assign(new Error(message), { counts })
}
