// All checks of the doctor: the rows of all topics, by the ids that scripts and documentation use.

import { rows as broker } from './broker.ts'
import { rows as environment } from './environment.ts'
import { rows as files } from './files.ts'
import type { Row } from './finding.ts'
import { rows as login } from './login.ts'
import { rows as platform } from './platform.ts'
import { rows as program } from './program.ts'
import { rows as start } from './start.ts'
import { rows as state } from './state.ts'
import { rows as target } from './target.ts'
import { rows as unloadable } from './unloadable.ts'

export const rows = (): readonly Row<never>[] => [
  ...unloadable,
  ...platform,
  ...target,
  ...broker,
  ...environment,
  ...program,
  ...state,
  ...login,
  ...files(),
  ...start
]
