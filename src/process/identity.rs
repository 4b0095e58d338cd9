//! Decides which user the child becomes: what the caller requested, what is refused, and what changes nothing.

use std::fmt;

use crate::error::{Error, ErrorCode, Result};
use crate::sys::identity::{Identity, own};

/// Ids as the caller gave them. Numbers come from JavaScript, so they may be anything.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct IdentityRequest {
    pub uid: Option<f64>,
    pub gid: Option<f64>,
    pub groups: Option<Vec<f64>>,
    /// Whether the child may be root or in root's group. Default: no.
    pub allow_root: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// Stays who this process is: nothing is to be changed.
    Same {
        uid: u32,
        gid: u32,
    },
    Other(Identity),
}

impl Target {
    /// The target of a child that stays who this process is.
    #[must_use]
    pub fn own() -> Self {
        let (uid, gid) = own();
        Self::Same { uid, gid }
    }

    #[must_use]
    pub const fn uid(&self) -> u32 {
        match self {
            Self::Same { uid, .. } | Self::Other(Identity { uid, .. }) => *uid,
        }
    }

    #[must_use]
    pub const fn gid(&self) -> u32 {
        match self {
            Self::Same { gid, .. } | Self::Other(Identity { gid, .. }) => *gid,
        }
    }

    /// Whom to become; none where it stays who this process is.
    #[must_use]
    pub const fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Same { .. } => None,
            Self::Other(identity) => Some(identity),
        }
    }

    /// The supplementary groups, where they are set.
    #[must_use]
    pub fn groups(&self) -> &[u32] {
        self.identity().map_or(&[], |identity| &identity.groups)
    }
}

/// The kernel takes 65,536 (`NGROUPS_MAX`), and a message has room for a few.
const SHOWN_GROUPS: usize = 8;

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "uid {} gid {}", self.uid(), self.gid())?;
        let groups = self.groups();
        match groups.len().checked_sub(SHOWN_GROUPS) {
            _ if groups.is_empty() => Ok(()),
            Some(more @ 1..) => write!(formatter, " groups {:?} and {more} more", &groups[..SHOWN_GROUPS]),
            _ => write!(formatter, " groups {groups:?}"),
        }
    }
}

/// Decides whom the child becomes, in a process of these effective ids.
///
/// # Errors
/// `PRIVILEGE_REFUSED` for half an identity, an impossible id, or root without `allowRoot`.
pub fn decide(request: &IdentityRequest, own: (u32, u32)) -> Result<Target> {
    let target = match (request.uid, request.gid) {
        (Some(uid), Some(gid)) => {
            let groups = request.groups.iter().flatten().map(|group| id("groups", *group));
            Target::Other(Identity {
                uid: id("uid", uid)?,
                gid: id("gid", gid)?,
                groups: groups.collect::<Result<_>>()?,
            })
        }
        (None, None) if request.groups.is_none() => Target::Same { uid: own.0, gid: own.1 },
        (None, None) => {
            return Err(refused("options.groups requires options.uid and options.gid. Pass all three.", "groups"));
        }
        (Some(_), None) => {
            return Err(refused(
                "options.uid requires options.gid: otherwise the child would keep this process's group.",
                "gid",
            ));
        }
        (None, Some(_)) => {
            return Err(refused(
                "options.gid requires options.uid: otherwise the child would keep this process's user.",
                "uid",
            ));
        }
    };
    if request.allow_root != Some(true) {
        refuse_root(&target)?;
    }
    Ok(unchanged(&target, own).unwrap_or(target))
}

/// A process that is the target already and is not root cannot set groups, and need not.
fn unchanged(target: &Target, own: (u32, u32)) -> Option<Target> {
    let same = own.0 != 0 && (target.uid(), target.gid()) == own && target.groups().is_empty();
    same.then_some(Target::Same { uid: own.0, gid: own.1 })
}

fn refuse_root(target: &Target) -> Result<()> {
    let root = match target {
        Target::Same { uid: 0, .. } => "This process is root, and options.uid and options.gid are missing",
        Target::Other(Identity { uid: 0, .. }) => "options.uid is root",
        Target::Other(Identity { gid: 0, .. }) => "options.gid is the group of root",
        Target::Other(Identity { groups, .. }) if groups.contains(&0) => "options.groups contains the group of root",
        _ => return Ok(()),
    };
    let message = format!("{root}. Pass the workspace's own uid and gid, or allowRoot: true.");
    Err(Error::new(ErrorCode::PrivilegeRefused, message).name("uid"))
}

/// 2^32 − 1 is refused too: to the kernel it says "leave as it is".
fn id(name: &'static str, value: f64) -> Result<u32> {
    let possible = value.fract() == 0.0 && (0.0..f64::from(u32::MAX)).contains(&value);
    if !possible {
        let message = format!("options.{name} must be a whole number from 0 to {}.", u32::MAX - 1);
        return Err(refused(&message, name));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range, as just checked")]
    Ok(value as u32)
}

fn refused(message: &str, name: &'static str) -> Error {
    Error::new(ErrorCode::PrivilegeRefused, message).name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uid: Option<f64>, gid: Option<f64>, groups: Option<&[f64]>, allow_root: bool) -> IdentityRequest {
        IdentityRequest { uid, gid, groups: groups.map(<[f64]>::to_vec), allow_root: Some(allow_root) }
    }

    #[test]
    fn what_is_refused() {
        let root = (0, 0);
        for asked in [
            request(None, None, None, false),
            request(Some(0.0), Some(5.0), None, false),
            request(Some(5.0), Some(0.0), None, false),
            request(Some(5.0), Some(5.0), Some(&[7.0, 0.0]), false),
            request(Some(5.0), None, None, true),
            request(None, Some(5.0), None, true),
            request(None, None, Some(&[5.0]), true),
            request(Some(-1.0), Some(5.0), None, true),
            request(Some(1.5), Some(5.0), None, true),
            request(Some(f64::NAN), Some(5.0), None, true),
            request(Some(4_294_967_295.0), Some(5.0), None, true),
            request(Some(5.0), Some(4_294_967_295.0), None, true),
        ] {
            let error = decide(&asked, root).expect_err("refused");
            assert_eq!(error.code(), ErrorCode::PrivilegeRefused, "{asked:?}");
        }
    }

    #[test]
    fn who_the_child_becomes() {
        let other = Target::Other(Identity { uid: 5, gid: 6, groups: vec![] });
        assert_eq!(decide(&request(Some(5.0), Some(6.0), None, false), (0, 0)).expect("fine"), other);
        let same = Target::Same { uid: 5, gid: 6 };
        assert_eq!(decide(&request(Some(5.0), Some(6.0), None, false), (5, 6)).expect("fine"), same);
        assert_eq!(decide(&request(None, None, None, false), (5, 6)).expect("fine"), same);
        let groups = decide(&request(Some(5.0), Some(6.0), Some(&[7.0]), false), (5, 6)).expect("fine");
        assert_eq!(groups.groups(), [7]);
        let root = decide(&request(None, None, None, true), (0, 0)).expect("allowed");
        assert_eq!(root, Target::Same { uid: 0, gid: 0 });
    }
}
