//! Claude Code's program: its versions, its packages, and the Agent SDK.

use super::variables::QUIET;
use crate::provider::cli::{Cli, NativePackage, OneQuestion, Sdk};
use crate::provider::version::{Version, Versions};

pub(super) const CLI: Cli = Cli {
    // Measured: 2.1.280, 281, 296 and 299 send the credential to a proxy that `.claude.json` names (`file_shield`). For those
    // before 260 see `reads_descriptor_since`. 2.1.200 ran a command that `.git/config` of an untrusted workspace names;
    // 2.1.150 and older obey proxies (`file_shield`); 2.1.113 and older send an empty Authorization header beside a blank
    // ANTHROPIC_AUTH_TOKEN; 2.1.112 and older are a script that node runs.
    versions: Versions {
        oldest: Version::new(2, 1, 300),
        older: "send their credential to a proxy that `.claude.json` names, or read a key only from a pipe that every process of \
                their uid can open",
        tested: Version::new(2, 1, 332),
    },
    command: "claude",
    launcher_packages: &["@anthropic-ai/claude-code"],
    native_packages: &[
        code("@anthropic-ai/claude-code-linux-x64", "linux", "x86_64", "gnu"),
        code("@anthropic-ai/claude-code-linux-x64-musl", "linux", "x86_64", "musl"),
        code("@anthropic-ai/claude-code-linux-arm64", "linux", "aarch64", "gnu"),
        code("@anthropic-ai/claude-code-linux-arm64-musl", "linux", "aarch64", "musl"),
        code("@anthropic-ai/claude-code-darwin-x64", "macos", "x86_64", ""),
        code("@anthropic-ai/claude-code-darwin-arm64", "macos", "aarch64", ""),
        sdk("@anthropic-ai/claude-agent-sdk-linux-x64", "linux", "x86_64", "gnu"),
        sdk("@anthropic-ai/claude-agent-sdk-linux-x64-musl", "linux", "x86_64", "musl"),
        sdk("@anthropic-ai/claude-agent-sdk-linux-arm64", "linux", "aarch64", "gnu"),
        sdk("@anthropic-ai/claude-agent-sdk-linux-arm64-musl", "linux", "aarch64", "musl"),
        sdk("@anthropic-ai/claude-agent-sdk-darwin-x64", "macos", "x86_64", ""),
        sdk("@anthropic-ai/claude-agent-sdk-darwin-arm64", "macos", "aarch64", ""),
    ],
    manifest: None,
    companions: &[],
    // 0.3.325 and older do not know `mcpServersDelivery`, 0.3.326 does (from their sdk.mjs). Each sets the variable, unless
    // the caller's environment has it.
    sdk: Sdk {
        package: "@anthropic-ai/claude-agent-sdk",
        oldest: Version::new(0, 3, 326),
        older: "put MCP servers, with their variables and headers, on the command line, where every user of the machine can read them",
        version_variable: Some("CLAUDE_AGENT_SDK_VERSION"),
        variables: &[
            "CLAUDE_CODE_ENTRYPOINT",
            "CLAUDE_AGENT_SDK_VERSION",
            "CLAUDE_CODE_SDK_READS_SESSION_STATE",
            "CLAUDE_CODE_SDK_READS_STARTUP_MARKS",
            "CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING",
        ],
    },
    one_question: OneQuestion {
        arguments: &["-p", "--output-format", "json", "--"],
        variables: &[
            (QUIET, "1"),
            ("DISABLE_AUTOUPDATER", "1"),
            ("DISABLE_TELEMETRY", "1"),
            // One refused request is an answer; the default is ten retries with growing pauses.
            ("CLAUDE_CODE_MAX_RETRIES", "0"),
        ],
    },
};

const fn code(name: &'static str, os: &'static str, arch: &'static str, libc: &'static str) -> NativePackage {
    NativePackage { name, os, arch, libc, files: &["claude"], version: ("@anthropic-ai/claude-code", "version") }
}

/// The Agent SDK's packages are versioned as the SDK is; its own manifest names the CLI's version.
const fn sdk(name: &'static str, os: &'static str, arch: &'static str, libc: &'static str) -> NativePackage {
    let version = ("@anthropic-ai/claude-agent-sdk", "claudeCodeVersion");
    NativePackage { name, os, arch, libc, files: &["claude"], version }
}
