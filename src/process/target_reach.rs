//! Whether a target can use a path, as the kernel tells a child that has become the target. On a spawner's thread only.

use std::ffi::CString;

use super::child::{c_path, identity};
use super::failure::{self, Concerned};
use super::host::Host;
use super::identity::Target;
use super::reach::{Check, Obstacle, OwnReach, Reach};
use crate::error::Result;
use crate::provider::Provider;
use crate::sys::Step;
use crate::sys::clone::{self, Access};

/// Asks as the target: as this process where it is the target, else by a child that becomes it.
#[derive(Clone, Copy, Debug)]
pub struct TargetReach<'a> {
    /// Whose child it is.
    pub host: &'a Host,
    /// Whom errors speak of.
    pub provider: &'static Provider,
}

impl Reach for TargetReach<'_> {
    fn first_obstacle(&self, target: &Target, checks: &[Check]) -> Result<Option<Obstacle>> {
        let Some(identity) = identity(target) else {
            return OwnReach.first_obstacle(target, checks);
        };
        let paths: Vec<CString> = checks.iter().map(|check| c_path(&check.path)).collect::<Result<_>>()?;
        let access: Vec<Access<'_>> = checks
            .iter()
            .zip(&paths)
            .map(|(check, path)| Access { path, mode: check.access.bits().cast_signed(), otherwise: None })
            .collect();
        match clone::check_access(&identity, &access, &self.host.stack, &self.host.in_flight) {
            Ok(()) => Ok(None),
            Err(failure) if failure.step == Step::StateDirectory && failure.errno != 0 => {
                Ok(Some(Obstacle { index: failure.detail as usize, errno: failure.errno }))
            }
            Err(failure) => Err(failure::error(self.provider, target, failure, Concerned::Nothing, &OwnReach)),
        }
    }
}
