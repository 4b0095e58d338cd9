//! Checks the file of additional trusted roots. Anyone who can change it decides whom the CLI's TLS trusts, and a CLI
//! that cannot use it reports nothing or retries forever.

use std::ffi::OsString;
use std::fs::Metadata;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Access, StatVfsMountFlags, statvfs};

use super::access::{AccessCheck, Check, checks_along, describe, explain};
use super::identity::Target;
use crate::environment::EnvPlan;
use crate::error::{Error, ErrorCode, Result};
use crate::net::http;
use crate::sys::identity;
use crate::sys::real_path::real_path;
use crate::sys::regular_file::open_regular;

/// The largest file that is read, in bytes: all authorities of a system take some hundred KiB.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// As the kernel's (`MAXSYMLINKS`): with more it would not open the file.
const MAX_LINKS: usize = 40;

/// The variable that names the file to the CLI, and its path without symlinks: the one that was proved. None where there is
/// no such file.
///
/// # Errors
/// `CA_FILE_UNUSABLE`; what `access` says.
pub fn prove(plan: &EnvPlan, target: &Target, access: &dyn AccessCheck) -> Result<Option<(&'static str, String)>> {
    let Some(given) = plan.ca_file.as_deref() else { return Ok(None) };
    let unusable = |path: &Path, why: &str| unusable(plan, path, why);
    let real = real_path(Path::new(given)).map_err(|error| unusable(Path::new(given), &format!("{given}: {error}")))?;
    if let Some((path, why)) = steered(Path::new(given), target) {
        return Err(unusable(&path, &why));
    }
    let checks: Vec<Check> = checks_along(&real, Access::READ_OK).collect();
    for Check { path, .. } in &checks {
        let metadata =
            path.symlink_metadata().map_err(|error| unusable(path, &format!("{}: {error}", path.display())))?;
        if let Some(why) = who_may_change(path, &metadata, target) {
            return Err(unusable(path, &why));
        }
    }
    if let Some(obstacle) = access.first_obstacle(target, &checks)? {
        let check = &checks[obstacle.index];
        let why = explain(check, check.path.symlink_metadata().ok().as_ref());
        return Err(unusable(&check.path, &format!("{target} cannot read it: {why}")));
    }
    if !holds_root(&real) {
        let why = format!("{given} is not a regular file of at most 4 MiB that contains a certificate in PEM");
        return Err(unusable(&real, &why));
    }
    let path = real.into_os_string().into_string().map_err(|_| unusable(Path::new(given), "its path is not UTF-8"))?;
    Ok(Some((plan.provider.authority.variable, path)))
}

/// What lets somebody other than root and this process lead a symlink on the way elsewhere, and so choose the file: the first
/// such link, or the directory that it is in.
///
/// It stops there, so that no link of a tenant's is followed: what is left of the way is as long as the caller made it.
fn steered(given: &Path, target: &Target) -> Option<(PathBuf, String)> {
    let mut here = PathBuf::from("/");
    let mut rest: Vec<OsString> = names_reversed(given);
    let mut links = 0;
    while let Some(name) = rest.pop() {
        if name == ".." {
            here.pop();
            continue;
        }
        let next = here.join(&name);
        // What cannot be looked at is reported by the real path.
        let metadata = next.symlink_metadata().ok()?;
        if !metadata.is_symlink() {
            here = next;
            continue;
        }
        let because = |why: &str| format!("{} is a symlink that others can change: {why}", next.display());
        if !is_ours(&metadata, target) {
            return Some((next.clone(), because(&describe(&next, &metadata))));
        }
        if let Some(why) = who_may_change(&here, &here.symlink_metadata().ok()?, target) {
            return Some((here, because(&why)));
        }
        links += 1;
        let to = std::fs::read_link(&next).ok().filter(|_| links <= MAX_LINKS)?;
        if to.is_absolute() {
            here = PathBuf::from("/");
        }
        rest.extend(names_reversed(&to));
    }
    None
}

fn names_reversed(path: &Path) -> Vec<OsString> {
    let names = path.components().filter(|component| matches!(component, Component::Normal(_) | Component::ParentDir));
    let mut names: Vec<OsString> = names.map(|component| component.as_os_str().to_owned()).collect();
    names.reverse();
    names
}

/// Whether it is root's, or this process's where that is not the CLI's own uid.
fn is_ours(metadata: &Metadata, target: &Target) -> bool {
    let (own, owner) = (identity::own().0, metadata.uid());
    owner == 0 || (owner == own && own != target.uid())
}

/// Who, other than root and this process, may change a file or a directory, and so replace the file; none if nobody may.
fn who_may_change(path: &Path, metadata: &Metadata, target: &Target) -> Option<String> {
    let (owner, is_ours) = (metadata.uid(), is_ours(metadata, target));
    // In a sticky directory only its owner and theirs remove or rename what others have: inode(7).
    let is_sticky = metadata.is_dir() && metadata.mode() & 0o1000 != 0;
    // A volume of a container's is often of any mode, and nobody can change it where it is mounted.
    let is_read_only = || statvfs(path).is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::RDONLY));
    let is_shared = metadata.mode() & 0o022 != 0 && !is_sticky && !is_read_only();
    let what = match (is_ours, is_shared) {
        (true, false) => return None,
        (false, _) if owner == target.uid() => "the CLI's own uid can change it. Make root its owner",
        (false, _) => "that uid can change it. Make root its owner",
        (true, true) => "its group or others can change it. Remove their write permission (chmod go-w)",
    };
    Some(format!("{}, so {what}", describe(path, metadata)))
}

fn holds_root(path: &Path) -> bool {
    let Some(file) = open_regular(path) else { return false };
    let mut text = Vec::new();
    let read = file.take(MAX_BYTES + 1).read_to_end(&mut text);
    read.is_ok() && text.len() as u64 <= MAX_BYTES && http::holds_root(&text)
}

fn unusable(plan: &EnvPlan, path: &Path, why: &str) -> Error {
    let message = format!(
        "{} was not started, because options.caFile cannot be trusted or used: {why}. The target user must be able to \
        read the file, and only root and the worker may be able to change it and the directories above it.",
        plan.provider.name
    );
    Error::new(ErrorCode::CaFileUnusable, message)
        .provider(plan.provider.id)
        .name("caFile")
        .path(path.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::credential::Fallbacks;
    use crate::credential::payload::Payload;
    use crate::environment::{EnvRequest, ExecLimits};
    use crate::process::access::ModeBits;

    /// A root of nobody's: its key was never written down.
    const ROOT: &str = include_str!("../../__test__/fixtures/made-up-authority.pem");

    fn plan(file: &Path) -> Result<EnvPlan> {
        let payload = Payload::from_message(br#"{"apiKey":"made-up"}"#, &[]).expect("valid");
        let request = EnvRequest { base: vec![("HOME", "/home/w")], ca_file: file.to_str(), ..EnvRequest::default() };
        EnvPlan::new(payload, request, Fallbacks::default(), ExecLimits::for_stack(None))
    }

    fn target() -> Target {
        let id = identity::own().0 + 4321;
        Target::Other(identity::Identity { uid: id, gid: id, groups: vec![] })
    }

    fn refusal(file: &Path, target: &Target) -> Option<String> {
        let error = prove(&plan(file).expect("a plan"), target, &ModeBits).err()?;
        assert_eq!((error.code(), &*error.details().names), (ErrorCode::CaFileUnusable, &["caFile".to_owned()][..]));
        Some(error.to_string())
    }

    #[test]
    fn a_file_that_only_root_or_the_worker_can_change_is_taken_by_its_real_path() {
        let dir = tempfile::tempdir().expect("a directory");
        set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("ours");
        let (file, link) = (dir.path().join("ca.pem"), dir.path().join("link.pem"));
        std::fs::write(&file, ROOT).expect("ours");
        set_permissions(&file, Permissions::from_mode(0o644)).expect("ours");
        symlink("ca.pem", &link).expect("ours");
        for given in [&file, &link] {
            let proved = prove(&plan(given).expect("a plan"), &target(), &ModeBits).expect("taken").expect("given");
            assert_eq!(
                proved,
                ("NODE_EXTRA_CA_CERTS", real_path(&file).expect("there").to_string_lossy().into_owned())
            );
        }
        let without = Payload::from_message(br#"{"apiKey":"made-up"}"#, &[]).expect("valid");
        let request = EnvRequest { base: vec![("HOME", "/home/w")], ..EnvRequest::default() };
        let without =
            EnvPlan::new(without, request, Fallbacks::default(), ExecLimits::for_stack(None)).expect("a plan");
        assert_eq!(prove(&without, &target(), &ModeBits).expect("nothing to prove"), None);
    }

    #[test]
    fn what_others_can_change_the_target_cannot_read_or_is_no_certificate_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("ca.pem");
        for (content, mode, of_dir, expected) in [
            (ROOT, 0o664, 0o755, "its group or others can change it"),
            (ROOT, 0o646, 0o755, "its group or others can change it"),
            (ROOT, 0o644, 0o775, "its group or others can change it"),
            (ROOT, 0o644, 0o1777, ""),
            (ROOT, 0o600, 0o755, "cannot read it"),
            (ROOT, 0o644, 0o700, "cannot read it"),
            ("", 0o644, 0o755, "not a regular file"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0o644, 0o755, "not a regular file"),
        ] {
            std::fs::write(&file, content).expect("ours");
            set_permissions(&file, Permissions::from_mode(mode)).expect("ours");
            set_permissions(dir.path(), Permissions::from_mode(of_dir)).expect("ours");
            let refusal = refusal(&file, &target()).unwrap_or_default();
            assert_eq!(refusal.is_empty(), expected.is_empty(), "{mode:o} in {of_dir:o}: {refusal}");
            assert!(refusal.contains(expected), "{refusal}");
        }
        assert!(refusal(&dir.path().join("none.pem"), &target()).expect("refused").contains("No such file"));
        assert!(refusal(dir.path(), &target()).expect("refused").contains("not a regular file"));
    }

    #[test]
    fn a_symlink_that_others_can_change_is_refused_though_what_it_leads_to_is_not_theirs() {
        let dir = tempfile::tempdir().expect("a directory");
        let (of_root, of_others) = (dir.path().join("root"), dir.path().join("others"));
        for (path, mode) in [(dir.path(), 0o755), (&of_root, 0o755), (&of_others, 0o777)] {
            std::fs::create_dir_all(path).expect("ours");
            set_permissions(path, Permissions::from_mode(mode)).expect("ours");
        }
        let file = of_root.join("ca.pem");
        std::fs::write(&file, ROOT).expect("ours");
        set_permissions(&file, Permissions::from_mode(0o644)).expect("ours");
        let links =
            [("others/ca.pem", "../root/ca.pem"), ("others/dir", "../root"), ("hop", "others/dir"), ("good", "root")];
        for (link, to) in links {
            symlink(to, dir.path().join(link)).expect("ours");
        }
        for (given, steered) in [
            ("others/ca.pem", "others/ca.pem"),
            ("others/dir/ca.pem", "others/dir"),
            ("hop/ca.pem", "others/dir"),
            ("root/../hop/../root/ca.pem", "others/dir"),
            ("good/ca.pem", ""),
            ("good/../good/ca.pem", ""),
            ("others/../root/ca.pem", ""),
        ] {
            let refusal = refusal(&dir.path().join(given), &target()).unwrap_or_default();
            let wanted = format!("{} is a symlink that others can change", dir.path().join(steered).display());
            assert_eq!(refusal.is_empty(), steered.is_empty(), "{given}: {refusal}");
            assert!(steered.is_empty() || refusal.contains(&wanted), "{given}: {refusal}");
        }
    }

    #[test]
    fn what_the_clis_own_uid_can_change_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("ca.pem");
        std::fs::write(&file, ROOT).expect("ours");
        let (uid, gid) = identity::own();
        // Root changes everything, so what is root's is as good as it gets.
        let refusal = refusal(&file, &Target::Same { uid, gid });
        assert_eq!(refusal.is_none(), uid == 0, "{refusal:?}");
    }

    #[test]
    fn a_relative_path_is_refused_when_the_environment_is_built() {
        let error = plan(Path::new("ca.pem")).expect_err("relative");
        assert_eq!((error.code(), &*error.details().names), (ErrorCode::InvalidArgValue, &["caFile".to_owned()][..]));
    }
}
