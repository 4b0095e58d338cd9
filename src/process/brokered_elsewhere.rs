//! Replaces `brokered.rs` on systems other than Linux, where there is no broker.

use std::borrow::Cow;

use super::identity::Target;
use super::program::Program;
use crate::environment::EnvPlan;
use crate::error::{Error, ErrorCode, Result};
use crate::provider::Provider;

/// The grant of one launch. It has no value, because no grant can exist here.
#[derive(Debug)]
pub enum Brokered {}

/// # Errors
/// `UNSUPPORTED`, always.
pub fn support(plan: &EnvPlan) -> Result<()> {
    Err(unsupported().provider(plan.provider.id).name("delivery"))
}

fn unsupported() -> Error {
    let message = "The broker needs Linux, whose kernel reports who is calling. Use delivery \"auto\".";
    Error::new(ErrorCode::Unsupported, message)
}

/// # Errors
/// `UNSUPPORTED`, always.
pub fn check(provider: &Provider, _: u32) -> Result<()> {
    Err(unsupported().provider(provider.id))
}

impl Brokered {
    /// # Errors
    /// `UNSUPPORTED`, always.
    pub fn new(plan: &EnvPlan, _: &Target, _: &Program, _: Option<&str>) -> Result<Self> {
        support(plan).and_then(|()| Err(Error::new(ErrorCode::Internal, "There is no broker.")))
    }

    /// # Errors
    /// `UNSUPPORTED`, always.
    pub fn for_own_user(plan: &EnvPlan, _: Option<&str>) -> Result<Self> {
        support(plan).and_then(|()| Err(Error::new(ErrorCode::Internal, "There is no broker.")))
    }

    #[must_use]
    pub fn endpoint(&self) -> &str {
        match *self {}
    }

    pub fn variables<'a>(&'a self, _: &EnvPlan) -> impl Iterator<Item = (&'static str, Cow<'a, str>)> {
        match *self {}
        #[allow(unreachable_code)]
        std::iter::empty()
    }

    pub fn forget_token(&mut self) {
        match *self {}
    }

    /// # Errors
    /// None.
    pub fn bind(&self, _: i32) -> Result<()> {
        match *self {}
    }
}
