// Types that do not compile when two declarations of the same thing differ, and the one conversion of an answer whose words
// Rust declares as a string.

/** True if each type is assignable to the other and both have the same members, apart from `readonly`. */
export type Same<A, B> = [A, keyof A] extends [B, keyof B] ? ([B, keyof B] extends [A, keyof A] ? true : false) : false

/** Does not compile unless it is given `true`. */
export type Holds<Claim extends true> = Claim

/**
 * The answer as the facade declares it. Rust declares the members `Words` in a wider type, a string or another union; all others
 * must fit, or this does not compile.
 */
export function withWords<To, Words extends keyof To>(answer: Omit<To, Words> & Record<Words, unknown>): To {
  return answer as unknown as To
}
