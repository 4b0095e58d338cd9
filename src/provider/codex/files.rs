//! The files that configure Codex.

use crate::provider::config_file::{Base, ConfigFile, Effect, Format, Hazard, hazard};

pub(super) const ALL: &[ConfigFile] = &[
    // Measured on a trusted project: MCP servers were started outside the sandbox, the shell's policy applied; base
    // URL and model providers were ignored there.
    project("codex-project-config", ".codex/config.toml", Format::Toml, PROJECT_HAZARDS),
    // Ignored by 0.163.0 also in a trusted project, unless the caller says --dangerously-bypass-hook-trust.
    project("codex-project-hooks", ".codex/hooks.json", Format::Json, HOOKS),
    // Measured: filters got the key. The row's guards hide the repository from Codex's own git.
    project("codex-git-config", ".git/config", Format::Git, GIT_HAZARDS),
    obeyed("codex-home-config", Base::StateDirectory, "config.toml", Format::Toml, CONFIG_HAZARDS),
    // Measured: `program` was run at once, with the key, and gets the agent's commands; `url` gets them too.
    obeyed("codex-home-environments", Base::StateDirectory, "environments.toml", Format::Toml, ENVIRONMENT_HAZARDS),
    // As the project's. With that option they run on the server's key too: so it is refused there.
    obeyed("codex-home-hooks", Base::StateDirectory, "hooks.json", Format::Json, HOOKS),
    // Measured: `url.*.insteadOf` ran a command with the key (`git ls-remote`, for plugins), `trace2` wrote the key into a
    // file. Filters need a repository that names them.
    obeyed("codex-home-git", Base::Home, ".gitconfig", Format::Git, HOME_GIT_HAZARDS),
    obeyed("codex-home-git-xdg", Base::Home, ".config/git/config", Format::Git, HOME_GIT_HAZARDS),
    // The host's. Opened by 0.163.0; what they do was not measured.
    system("codex-system-config", "etc/codex/config.toml", Format::Toml, CONFIG_HAZARDS),
    system("codex-system-managed-config", "etc/codex/managed_config.toml", Format::Toml, CONFIG_HAZARDS),
    system("codex-system-requirements", "etc/codex/requirements.toml", Format::Toml, HOOKS),
    system("codex-system-hooks", "etc/codex/hooks.json", Format::Json, HOOKS),
    // Measured: HTTP_PROXY in there redirected requests, OPENAI_API_KEY reached the agent's shell. A workspace's own
    // .env is read by neither CLI. Beside it, a start on the server's key is refused.
    ConfigFile { variables: Some(""), ..obeyed("codex-home-env", Base::StateDirectory, ".env", Format::Dotenv, &[]) },
    ConfigFile { ignored_when_untrusted: false, ..project("codex-instructions", "AGENTS.md", Format::Prose, &[]) },
];

static PROJECT_HAZARDS: &[Hazard] =
    &[hazard("mcp_servers", Effect::RunsCommands), hazard("shell_environment_policy", Effect::ChangesShell)];

static HOOKS: &[Hazard] = &[hazard("hooks", Effect::RunsCommands)];

/// Those that redirect or run something were measured with the key in it, but for `chatgpt_base_url` and `otel`, which got
/// requests without it; `hooks` ran with --dangerously-bypass-hook-trust.
static CONFIG_HAZARDS: &[Hazard] = &[
    hazard("openai_base_url", Effect::Redirects),
    hazard("chatgpt_base_url", Effect::Redirects),
    hazard("model_provider", Effect::Redirects),
    hazard("model_providers", Effect::Redirects),
    hazard("otel", Effect::Redirects),
    hazard("mcp_servers", Effect::RunsCommands),
    hazard("notify", Effect::RunsCommands),
    hazard("hooks", Effect::RunsCommands),
    hazard("shell_environment_policy", Effect::ChangesShell),
];

static ENVIRONMENT_HAZARDS: &[Hazard] =
    &[hazard("environments.program", Effect::RunsCommands), hazard("environments.url", Effect::Redirects)];

/// git-config(1): names are compared without regard to case, and are here in lower case.
static GIT_HAZARDS: &[Hazard] = &[
    hazard("filter", Effect::RunsCommands),
    hazard("core.fsmonitor", Effect::RunsCommands),
    hazard("core.hookspath", Effect::RunsCommands),
    hazard("core.sshcommand", Effect::RunsCommands),
    hazard("core.gitproxy", Effect::RunsCommands),
    hazard("credential", Effect::RunsCommands),
    hazard("url", Effect::RunsCommands),
    hazard("include", Effect::RunsCommands),
    hazard("includeif", Effect::RunsCommands),
];

static HOME_GIT_HAZARDS: &[Hazard] = &[
    hazard("url", Effect::RunsCommands),
    hazard("credential", Effect::RunsCommands),
    hazard("core.gitproxy", Effect::RunsCommands),
    hazard("http", Effect::Redirects),
    hazard("trace2", Effect::Discloses),
    hazard("include", Effect::RunsCommands),
    hazard("includeif", Effect::RunsCommands),
];

/// A file of the workspace that a start keeps unread while the workspace is not trusted.
const fn project(id: &'static str, path: &'static str, format: Format, hazards: &'static [Hazard]) -> ConfigFile {
    ConfigFile {
        id,
        base: Base::Workspace,
        path,
        format,
        hazards,
        variables: None,
        ignored_when_untrusted: true,
        ignored_with_server_credential: false,
    }
}

/// A file of the tenant's that is obeyed in every start on the tenant's own key, and in none on the server's.
const fn obeyed(
    id: &'static str,
    base: Base,
    path: &'static str,
    format: Format,
    hazards: &'static [Hazard],
) -> ConfigFile {
    let (ignored_when_untrusted, ignored_with_server_credential) = (false, true);
    ConfigFile {
        id,
        base,
        path,
        format,
        hazards,
        variables: None,
        ignored_when_untrusted,
        ignored_with_server_credential,
    }
}

/// A file of the host's, which is obeyed in every start.
const fn system(id: &'static str, path: &'static str, format: Format, hazards: &'static [Hazard]) -> ConfigFile {
    ConfigFile { ignored_with_server_credential: false, ..obeyed(id, Base::Root, path, format, hazards) }
}
