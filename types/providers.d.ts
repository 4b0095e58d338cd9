// The types that follow from the rows in src/provider. `npm run build` writes this file.

/** The CLI that serves a request. */
export type ProviderId = 'claude' | 'codex'

/** The directories in which the CLIs keep their state. docs/providers.md explains what each CLI does without one. */
export interface StateDirectories {
  /** `CLAUDE_CONFIG_DIR` of Claude Code. If it is given, the target uid must be able to write to it; the CLI creates it if it does not exist. Default: `.claude` below `home`. */
  claudeConfigDir?: string | undefined
  /** `CODEX_HOME` of OpenAI Codex. If it is given, it must exist, and the target uid must be able to write to it. Default: `.codex` below `home`. */
  codexHome?: string | undefined
}
