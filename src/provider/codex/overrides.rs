//! The configuration overrides of Codex, and how their values are written: in TOML (toml.io v1.0.0).

use crate::provider::arguments::{ConfigOverride, OverrideFacts, When};

pub(super) const OVERRIDES: &[(When, ConfigOverride)] = &[
    (
        When::CredentialInEnvironment,
        ConfigOverride {
            key: "shell_environment_policy.exclude",
            value: |facts| {
                let names: Vec<String> = facts.hidden_variables.iter().map(|name| string(name)).collect();
                Some(format!("[{}]", names.join(",")))
            },
            instead: "",
        },
    ),
    // Else a login shell, which reads `.bashrc` in HOME, gets the key; and up to 0.157 it writes the key into a file that
    // the agent's shell then reads, whatever the policy above says. An override, and not `--disable`: a version that
    // does not know a feature accepts this.
    (When::CredentialInEnvironment, off("features.shell_snapshot")),
    // Else `git ls-remote` gets the key, beside a `.gitconfig` in HOME.
    (When::ServerCredential, off("features.plugins")),
    // Else `workspace-write` marks the directory as trusted by itself, loads its .codex/config.toml and runs the
    // MCP servers named there, outside the sandbox. Only the inline table works; the dotted form does not.
    (When::Untrusted, projects(|facts| levels(facts, "untrusted"))),
    // Up to 0.166 a project is trusted by itself, in 0.169 it is not.
    (When::Trusted, projects(|facts| levels(facts, "trusted"))),
    // The same once more, should `config.toml` be read all the same.
    (When::ServerCredential, endpoint("model_provider", |_| Some(string("openai")))),
    // Else a model provider of the tenant's `config.toml` takes the turn past the broker, where the token is worth
    // nothing. The vendor's own provider, because 0.166 and newer resume a thread only with the provider that it began
    // with.
    (
        When::Broker,
        ConfigOverride {
            key: "model_provider",
            value: |_| Some(string("openai")),
            instead: "to use another endpoint, pass options.baseUrl, or pass delivery \"env\" to give its definition the key",
        },
    ),
    (When::BaseUrl, endpoint("openai_base_url", |facts| Some(string(facts.base_url)))),
];

/// The app server reads no key but a model provider's.
pub(super) const APP_SERVER: &[ConfigOverride] = &[
    endpoint("model_provider", |_| Some(string("provider-env"))),
    KEYED_PROVIDER,
    // A client can name the vendor's own provider, and a thread that `exec` began does when it is resumed: its
    // requests would have no credential. Measured: with this it sends none, and the turn fails.
    endpoint("openai_base_url", |_| Some(string("no-credential:name-the-model-provider-provider-env"))),
];

/// 0.169 goes on with a thread only by the model provider that it began with: `-c model_provider="provider-env"` names the
/// app server's, which has to be defined then.
pub(super) const RESUMED: &[ConfigOverride] = &[KEYED_PROVIDER];

const KEYED_PROVIDER: ConfigOverride = endpoint("model_providers.provider-env", |facts| {
    let (name, url) = (string(facts.vendor), string(facts.base_url));
    let variable = string(facts.credential_variables.first()?);
    Some(format!("{{name={name},base_url={url},env_key={variable},wire_api=\"responses\"}}"))
});

type Value = fn(&OverrideFacts<'_>) -> Option<String>;

const fn off(key: &'static str) -> ConfigOverride {
    ConfigOverride { key, value: |_| Some("false".into()), instead: "" }
}

const fn endpoint(key: &'static str, value: Value) -> ConfigOverride {
    ConfigOverride { key, value, instead: "to use another endpoint, pass options.baseUrl" }
}

const fn projects(value: Value) -> ConfigOverride {
    ConfigOverride { key: "projects", value, instead: "to trust the workspace, pass options.workspaceTrust" }
}

/// None without directories: there is nothing to say of them.
fn levels(facts: &OverrideFacts<'_>, level: &str) -> Option<String> {
    let projects = facts.directories.iter().map(|path| format!("{}={{trust_level=\"{level}\"}}", string(path)));
    let projects: Vec<String> = projects.collect();
    (!projects.is_empty()).then(|| format!("{{{}}}", projects.join(",")))
}

/// A basic string: JSON's escapes are a subset of TOML's.
fn string(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => literal.extend(['\\', character]),
            control if control.is_control() => literal.push_str(&format!("\\u{:04X}", u32::from(control))),
            plain => literal.push(plain),
        }
    }
    literal.push('"');
    literal
}
