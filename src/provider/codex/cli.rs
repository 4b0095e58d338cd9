//! The program of Codex: its versions, its packages, the files beside it, and the Codex SDK.

use crate::provider::cli::{Cli, Companion, NativePackage, OneQuestion, Sdk};
use crate::provider::version::{Version, Versions};

pub(super) const CLI: Cli = Cli {
    // 0.140.0 passes all tests of the real CLI; a hook of hooks.json got a server's key from 0.125.0.
    versions: Versions {
        oldest: Version::new(0, 140, 0),
        older: "expose a server's key to hooks in CODEX_HOME (0.125.0) or to its config.toml (0.124 and older)",
        tested: Version::new(0, 169, 0),
    },
    command: "codex",
    launcher_packages: &["@openai/codex"],
    native_packages: &[
        musl(
            "@openai/codex-linux-x64",
            "x86_64",
            &["vendor/x86_64-unknown-linux-musl/bin/codex", "vendor/x86_64-unknown-linux-musl/codex/codex"],
        ),
        musl(
            "@openai/codex-linux-arm64",
            "aarch64",
            &["vendor/aarch64-unknown-linux-musl/bin/codex", "vendor/aarch64-unknown-linux-musl/codex/codex"],
        ),
        darwin(
            "@openai/codex-darwin-x64",
            "x86_64",
            &["vendor/x86_64-apple-darwin/bin/codex", "vendor/x86_64-apple-darwin/codex/codex"],
        ),
        darwin(
            "@openai/codex-darwin-arm64",
            "aarch64",
            &["vendor/aarch64-apple-darwin/bin/codex", "vendor/aarch64-apple-darwin/codex/codex"],
        ),
    ],
    // From 0.133 on, in every build of the vendor's.
    manifest: Some(("../codex-package.json", "version")),
    // Measured: the host runs the agent's commands, with Codex's whole environment; left behind, the agent has no shell.
    companions: &[
        Companion { path: "codex-code-mode-host", inherits_credential: true },
        Companion { path: "../codex-resources/bwrap", inherits_credential: false },
        Companion { path: "../codex-path/rg", inherits_credential: false },
        Companion { path: "../codex-package.json", inherits_credential: false },
    ],
    // 0.148.0 and older have no `configOverrides`, 0.149.0 has (from their index.js).
    sdk: Sdk {
        package: "@openai/codex-sdk",
        oldest: Version::new(0, 149, 0),
        older: "ignore configOverrides, so that the agent's shell gets the key and the workspace configures the CLI",
        version_variable: None,
        variables: &["CODEX_INTERNAL_ORIGINATOR_OVERRIDE"],
    },
    // Without the last three, it asks github.com and chatgpt.com: five seconds where they cannot be reached.
    one_question: OneQuestion {
        arguments: &[
            "exec",
            "--experimental-json",
            "--skip-git-repo-check",
            "--sandbox",
            "read-only",
            "--disable",
            "plugins",
            "--disable",
            "apps",
            "-c",
            "analytics.enabled=false",
            "--",
        ],
        variables: &[],
    },
};

/// Linked statically against musl: runs on any Linux.
const fn musl(name: &'static str, arch: &'static str, files: &'static [&'static str]) -> NativePackage {
    NativePackage { name, os: "linux", arch, libc: "", files, version: ("@openai/codex", "version") }
}

const fn darwin(name: &'static str, arch: &'static str, files: &'static [&'static str]) -> NativePackage {
    NativePackage { name, os: "macos", arch, libc: "", files, version: ("@openai/codex", "version") }
}
