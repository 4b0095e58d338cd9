// The types that follow from the rows in src/provider. `npm run build` writes this file.

/** The CLI that serves a request. */
export type ProviderId = 'claude' | 'codex'

/** The directories that the CLIs keep their state in. docs/providers.md says what each CLI does without one. */
export interface StateDirectories {
  /** `CLAUDE_CONFIG_DIR` of Claude Code. Where it is given, the target uid must be able to write to it; the CLI makes it when it is missing. Default: `.claude` below `home`. */
  claudeConfigDir?: string | undefined
  /** `CODEX_HOME` of OpenAI Codex. Where it is given, it must exist, and the target uid must be able to write to it. Default: `.codex` below `home`. */
  codexHome?: string | undefined
}
