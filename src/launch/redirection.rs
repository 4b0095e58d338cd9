//! Keeps the server's credential from a CLI that a file of the tenant's can send elsewhere.

use std::io::ErrorKind;
use std::path::Path;

use crate::environment::EnvPlan;
use crate::error::{Error, ErrorCode, Result};

/// Looks for the files that redirect a CLI in its state directory, when it would run on the server's credential. It
/// cannot see one that is made a moment later.
///
/// # Errors
/// `STATE_DIR_UNUSABLE` where there is one, whatever it is, or where nobody can tell.
pub fn check(plan: &EnvPlan) -> Result<()> {
    if !plan.has_server_credential() {
        return Ok(());
    }
    let row = &plan.provider.state_directory;
    let directory = plan.directory(row.variable, row.below_home);
    row.redirecting_files.iter().try_for_each(|file| look(plan, &directory.join(file)))
}

fn look(plan: &EnvPlan, path: &Path) -> Result<()> {
    let (provider, variable) = (plan.provider, plan.provider.state_directory.variable);
    let text = path.to_string_lossy();
    let refusal = |message: String| {
        Error::new(ErrorCode::StateDirUnusable, message).provider(provider.id).name(variable).path(&*text)
    };
    match path.symlink_metadata() {
        // Of what is no directory, the start itself says so.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(()),
        Err(error) => {
            let message = format!(
                "{} would run on the server's key, and nobody can tell whether there is a {text}, which would send that key \
                 elsewhere: {error}. Open the directory, or give the tenant's own key.",
                provider.name
            );
            Err(refusal(message).errno(error.raw_os_error().unwrap_or(libc::EIO), "lstat"))
        }
        Ok(_) => Err(refusal(format!(
            "{} would run on the server's key, and {text} can send that key elsewhere: the CLI obeys it in every start. \
             Remove it, name another directory in options.workspace.{}, or give the tenant's own key.",
            provider.name, provider.state_directory.option
        ))),
    }
}
