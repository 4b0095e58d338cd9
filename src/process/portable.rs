//! The portable start, which `child_process` carries out: what it cannot honour is refused, and the rest is prepared as for
//! the native start.

use super::identity::IdentityRequest;
use super::inquiry::with_access;
use super::options::{self, ChildOptions, CliOptions, StopPolicy, aborted};
pub use super::prepare::PreparedLaunch;
use super::start::Start;
use crate::error::{Error, ErrorCode, Result};
use crate::words::words;

words! {
/// The default protections that a start can lack. `docs/hardening.md` says what each lack means.
pub enum MissingProtection {
    NoNewPrivileges = "no-new-privileges",
    ParentDeathSignal = "parent-death-signal",
    VerifiedDrop = "verified-drop",
    CloseRange = "close-range",
    CoreLimit = "core-limit",
    WipedEnvironment = "wiped-environment",
    StateDirectoryCheck = "state-directory-check",
    DescendantKill = "descendant-kill",
    WorkingDirectoryCheck = "working-directory-check",
    SessionKeyring = "session-keyring",
    SchedulingReset = "scheduling-reset",
    StderrRedaction = "stderr-redaction",
    Broker = "broker",
}
}

/// Refuses what the portable start cannot honour. Each field is named here, so that a new one does not compile until somebody
/// has said who honours it.
///
/// # Errors
/// `UNSUPPORTED` by the name of the option; `ERR_INVALID_ARG_VALUE` for a descriptor in `stdio` that is not open.
pub fn refuse_unsupported(child: &ChildOptions, cli: &CliOptions) -> Result<()> {
    // A `Start` honours these, whoever carries it out.
    let CliOptions { package_roots: _, delivery: _, trusted: _, extra: _, watch: _, must_claim: _ } = cli;
    let ChildOptions { command: _, args: _, cwd: _, ids, attributes, stop, stdio, aborted: _ } = child;
    // lib/process/portable-start.ts honours these, and `child_process` the uid and the gid.
    let StopPolicy { kill_signal: _, kill_grace_ms: _, timeout_ms: _, kill_group_on_exit: _ } = stop;
    let IdentityRequest { uid: _, gid: _, groups, allow_root: _ } = ids;
    let groups = groups.as_ref().filter(|groups| !groups.is_empty()).map(|_| "groups");
    if let Some(name) = options::given(*attributes).chain(groups).next() {
        let message = format!("options.{name} needs the native start, which this system or runtime does not have.");
        return Err(Error::new(ErrorCode::Unsupported, message).name(name));
    }
    stdio.iter().try_for_each(|stream| stream.check_open())
}

/// Prepares a start, on a spawner's thread where there is one: a tenant's file system can hold whoever looks at it.
///
/// # Errors
/// Why there can be no child.
pub fn prepare(start: Start) -> Result<PreparedLaunch> {
    let (provider, target) = (start.env.provider, start.target.clone());
    let prepared = if start.child.aborted {
        Err(aborted())
    } else {
        with_access(provider, &target, move |access, proofs| start.prepare(access, proofs))
    };
    prepared.map_err(|error| error.provider(provider.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::options::Stdio;
    use crate::sys::attributes::{Attributes, Limits};

    fn refusal(attributes: Attributes, groups: Option<Vec<f64>>) -> Option<Error> {
        let ids = IdentityRequest { groups, ..IdentityRequest::default() };
        let child = ChildOptions { attributes, ids, ..ChildOptions::default() };
        refuse_unsupported(&child, &CliOptions::default()).err()
    }

    #[test]
    fn what_nobody_would_honour_is_refused_by_name() {
        let none = Attributes::default;
        for (name, attributes, groups) in [
            ("priority", Attributes { priority: Some(0), ..none() }, None),
            ("oomScoreAdj", Attributes { oom_score_adj: Some(0), ..none() }, None),
            ("umask", Attributes { umask: Some(0), ..none() }, None),
            ("limits", Attributes { limits: Some(Limits::default()), ..none() }, None),
            ("groups", none(), Some(vec![7.0])),
        ] {
            let error = refusal(attributes, groups).expect(name);
            assert_eq!((error.code(), &*error.details().names), (ErrorCode::Unsupported, &[name.to_owned()][..]));
        }
        assert!(refusal(none(), Some(Vec::new())).is_none(), "no groups are what it gives");
    }

    #[test]
    fn a_closed_descriptor_is_refused() {
        let child = ChildOptions { stdio: vec![Stdio::Descriptor { number: -1 }], ..ChildOptions::default() };
        let error = refuse_unsupported(&child, &CliOptions::default()).expect_err("refused");
        assert_eq!(error.code(), ErrorCode::InvalidArgValue);
    }
}
