//! The files that configure Claude Code, and what a start does about them.

use super::variables::{MANAGED_BY_HOST, QUIET, SIMPLE};
use crate::provider::config_file::{
    Base, ConfigFile, Effect, FileShield, Format, Hazard, RefusedFile, RefusedWhen, hazard,
};
use crate::provider::credential::CredentialKind;
use crate::provider::version::Version;

const TOKEN_OR_LOGIN: &[CredentialKind] = &[CredentialKind::OauthToken, CredentialKind::ConfigDir];

// Measured with both kinds of credential and with each file: 2.1.300, 316, 330 and 332 keep base URLs, proxies and other
// services out, and so do 200, 250 and 260. Those between (280, 281, 296, 299) obey proxies, and so do 150 and 113; 2.1.81
// does not know the name.
// BUN_CONFIG_VERBOSE_FETCH, which the runtime reads, prints every request's headers; an empty QUIET counts as none; SIMPLE,
// as --bare, leaves the credential unused.
pub(super) const SHIELD: FileShield = FileShield {
    variable: MANAGED_BY_HOST,
    since: Version::new(2, 1, 300),
    files: &["claude-home-config", "claude-state-config", "claude-legacy-config"],
    passes: &["BUN_CONFIG_VERBOSE_FETCH", QUIET, SIMPLE],
};

// The cache of an organization's settings: obeyed as policy, in spite of --setting-sources= and of --safe-mode and
// --restricted. With another endpoint than Anthropic's it is not read.
// The other two belong to whoever is called `claude`: measured, the key there is used in the place of anybody's
// token or stored login, and the token in the place of a stored login. What is on a pipe that the target owns (see
// `reads_descriptor_since`) wins over the file of its own kind.
pub(super) const REFUSED: &[RefusedFile] = &[
    RefusedFile { file: "claude-remote-settings", when: RefusedWhen::UntrustedWithoutBaseUrl },
    RefusedFile { file: "claude-foreign-key", when: RefusedWhen::Credential(TOKEN_OR_LOGIN) },
    RefusedFile { file: "claude-foreign-token", when: RefusedWhen::Credential(&[CredentialKind::ConfigDir]) },
];

pub(super) const ALL: &[ConfigFile] = &[
    settings("claude-project-settings", Base::Workspace, ".claude/settings.json"),
    settings("claude-local-settings", Base::Workspace, ".claude/settings.local.json"),
    settings("claude-user-settings", Base::StateDirectory, "settings.json"),
    ConfigFile {
        id: "claude-project-mcp",
        base: Base::Workspace,
        path: ".mcp.json",
        format: Format::Json,
        hazards: &[hazard("mcpServers", Effect::RunsCommands)],
        variables: None,
        ignored_when_untrusted: true,
        ignored_with_server_credential: false,
    },
    // The global config: in HOME, or in CLAUDE_CONFIG_DIR where that is set. Its `mcpServers`, those of `projects`,
    // and its `apiKeyHelper` ran nothing beside --setting-sources=.
    global_config("claude-home-config", Base::Home, ".claude.json"),
    global_config("claude-state-config", Base::StateDirectory, ".claude.json"),
    global_config("claude-legacy-config", Base::StateDirectory, ".config.json"),
    obeyed("claude-remote-settings", Base::StateDirectory, "remote-settings.json"),
    // Root's, and obeyed in every start.
    obeyed("claude-managed-settings", Base::Root, "etc/claude-code/managed-settings.json"),
    ConfigFile {
        id: "claude-managed-mcp",
        base: Base::Root,
        path: "etc/claude-code/managed-mcp.json",
        format: Format::Json,
        hazards: &[hazard("mcpServers", Effect::RunsCommands)],
        variables: None,
        ignored_when_untrusted: false,
        ignored_with_server_credential: false,
    },
    foreign("claude-foreign-key", "home/claude/.claude/remote/.api_key"),
    foreign("claude-foreign-token", "home/claude/.claude/remote/.oauth_token"),
    ConfigFile {
        id: "claude-instructions",
        base: Base::Workspace,
        path: "CLAUDE.md",
        format: Format::Prose,
        hazards: &[],
        variables: None,
        ignored_when_untrusted: true,
        ignored_with_server_credential: false,
    },
];

/// Names from the executable's strings; that `env`, `hooks` and `apiKeyHelper` do it, and that `--setting-sources=`
/// stops all three, was measured.
static SETTINGS_HAZARDS: &[Hazard] = &[
    hazard("hooks", Effect::RunsCommands),
    hazard("apiKeyHelper", Effect::RunsCommands),
    hazard("statusLine", Effect::RunsCommands),
    hazard("fileSuggestion", Effect::RunsCommands),
    hazard("awsAuthRefresh", Effect::RunsCommands),
    hazard("awsCredentialExport", Effect::RunsCommands),
    hazard("gcpAuthRefresh", Effect::RunsCommands),
    hazard("otelHeadersHelper", Effect::RunsCommands),
    hazard("enableAllProjectMcpServers", Effect::RunsCommands),
    hazard("enabledPlugins", Effect::RunsCommands),
    hazard("permissions.allow", Effect::LoosensPermissions),
    hazard("permissions.defaultMode", Effect::LoosensPermissions),
];

/// Its variables are kept out by the shield, in a trusted workspace too.
static GLOBAL_CONFIG_HAZARDS: &[Hazard] =
    &[hazard("mcpServers", Effect::RunsCommands), hazard("env.BUN_CONFIG_VERBOSE_FETCH", Effect::Discloses)];

const fn settings(id: &'static str, base: Base, path: &'static str) -> ConfigFile {
    ConfigFile { ignored_when_untrusted: true, ..obeyed(id, base, path) }
}

const fn global_config(id: &'static str, base: Base, path: &'static str) -> ConfigFile {
    ConfigFile { hazards: GLOBAL_CONFIG_HAZARDS, ..settings(id, base, path) }
}

const fn obeyed(id: &'static str, base: Base, path: &'static str) -> ConfigFile {
    ConfigFile {
        id,
        base,
        path,
        format: Format::Json,
        hazards: SETTINGS_HAZARDS,
        variables: Some("env"),
        ignored_when_untrusted: false,
        ignored_with_server_credential: false,
    }
}

static FOREIGN_HAZARDS: &[Hazard] = &[hazard(Format::WHOLE, Effect::ReplacesCredential)];

/// Where the CLI expects what the vendor's own hosting leaves, for every user of the machine.
const fn foreign(id: &'static str, path: &'static str) -> ConfigFile {
    ConfigFile {
        id,
        base: Base::Root,
        path,
        format: Format::Credential,
        hazards: FOREIGN_HAZARDS,
        variables: None,
        ignored_when_untrusted: false,
        ignored_with_server_credential: false,
    }
}
