// Has the addon wipe secrets and end processes when this Node environment ends.

import { binding } from './binding.ts'
import { isMainThread } from './builtins.ts'

let isAsked = false

/** Call it when you make something that must not outlive the environment. */
export function tearDownAtExit() {
  if (isAsked) return
  binding.tearDownAtExit(isMainThread())
  isAsked = true
}
