//! Starting processes and finding their programs.

mod portable;
mod program;

// The native start is Linux's; elsewhere the facade carries out what `portable` has decided.
#[cfg(target_os = "linux")]
mod events;
#[cfg(target_os = "linux")]
mod native;

use crate::error::Result;
use crate::node::environment::provider_env::NativeProviderEnv;
use crate::process::options::{ChildOptions, CliOptions};
use crate::process::start::Start;
use crate::usage;

/// A start, and whether its stdout is read for usage.
fn start_of(env: &NativeProviderEnv, child: ChildOptions, cli: CliOptions) -> Result<(Start, bool)> {
    let start = Start::new(env.plan()?, child, cli)?;
    let provider = start.env.provider;
    let watches = start.cli.watch.unwrap_or_else(|| usage::asks_for_output(provider.output, &start.command_line));
    if start.cli.must_claim {
        usage::require_claims(provider, watches)?;
    }
    Ok((start, watches))
}
