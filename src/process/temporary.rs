//! Moves a CLI's temporary directory into the tenant's own state directory if another user has taken its name in a
//! shared directory such as /tmp, because the CLI would refuse to start.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::environment::EnvPlan;

/// The variable to set for a child of this uid, where one is needed. The name can be taken a moment later: then the CLI
/// refuses to start, and this finds it the next time.
pub fn variable(plan: &EnvPlan, uid: u32) -> Option<(&'static str, String)> {
    let row = plan.provider.private_temporary.as_ref()?;
    // A place that the caller chose.
    if plan.plain(row.variable).is_some() {
        return None;
    }
    let shared = plan.directory("TMPDIR", "/tmp");
    if !is_taken(&shared.join(format!("{}{uid}", row.prefix)), uid) {
        return None;
    }
    let state = &plan.provider.state_directory;
    let own = plan.directory(state.variable, state.below_home);
    Some((row.variable, own.to_string_lossy().into_owned()))
}

/// A link is taken too: its owner can make another of it.
fn is_taken(path: &Path, uid: u32) -> bool {
    let metadata = path.symlink_metadata();
    metadata.is_ok_and(|metadata| !metadata.is_dir() || metadata.uid() != uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Fallbacks;
    use crate::credential::payload::Payload;
    use crate::environment::{EnvRequest, ExecLimits};
    use crate::sys::identity::own;

    #[test]
    fn only_what_another_has_taken_moves_it() {
        let shared = tempfile::tempdir().expect("a directory");
        let set = [("CLAUDE_CODE_TMPDIR", "/srv/own")];
        let plan = |set: &[(&'static str, &'static str)]| {
            let mut request =
                EnvRequest { base: vec![("HOME", "/home/x")], set: set.to_vec(), ..EnvRequest::default() };
            request.workspace.tmp_dir = shared.path().to_str();
            let payload = Payload::from_json(br#"{"apiKey":"made-up-key"}"#).expect("valid");
            EnvPlan::new(payload, request, Fallbacks::default(), ExecLimits::for_stack(None)).expect("a plan")
        };
        let (uid, name) = (own().0, shared.path().join(format!("claude-{}", own().0)));
        assert_eq!(variable(&plan(&[]), uid), None, "nothing is there");
        std::fs::create_dir(&name).expect("ours");
        assert_eq!(variable(&plan(&[]), uid), None, "the target's own");
        std::fs::remove_dir(&name).expect("ours");
        std::os::unix::fs::symlink(shared.path(), &name).expect("ours");
        assert_eq!(variable(&plan(&[]), uid), Some(("CLAUDE_CODE_TMPDIR", "/home/x/.claude".to_owned())));
        assert_eq!(variable(&plan(&set), uid), None, "the caller's own choice");
    }
}
