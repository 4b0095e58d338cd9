//! A plan in the making: names and values where the caller has them, then laid out once where they stay.

use std::convert::Infallible;

use super::layout::{Entry, Layout, Name};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::Secret;

/// Where a variable comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Copied from this process by default.
    Base,
    /// `inherit` or `set`: may take the place of a base variable, and of an earlier one of its kind.
    Extra,
    /// By this crate's rules.
    Ours,
}

/// A name in two parts, so that a prefix needs no copy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DraftName<'a> {
    /// Ours.
    pub prefix: &'static str,
    /// The caller's.
    pub rest: &'a str,
}

impl DraftName<'_> {
    fn len(&self) -> usize {
        self.prefix.len() + self.rest.len()
    }

    fn is(&self, other: &DraftName<'_>) -> bool {
        self.len() == other.len()
            && self.prefix.bytes().chain(self.rest.bytes()).eq(other.prefix.bytes().chain(other.rest.bytes()))
    }
}

/// A variable before it is laid out.
struct Variable<'a> {
    name: DraftName<'a>,
    value: &'a [u8],
    is_secret: bool,
    origin: Origin,
}

/// Every variable but the credential's.
pub struct Draft<'a> {
    variables: Vec<Variable<'a>>,
}

impl<'a> Draft<'a> {
    /// An empty one with room.
    pub fn new(capacity: usize) -> Self {
        Self { variables: Vec::with_capacity(capacity) }
    }

    /// Adds a variable that is no secret.
    pub fn plain(&mut self, prefix: &'static str, rest: &'a str, value: &'a str) {
        let name = DraftName { prefix, rest };
        self.variables.push(Variable { name, value: value.as_bytes(), is_secret: false, origin: Origin::Ours });
    }

    /// Adds a secret.
    pub fn secret(&mut self, prefix: &'static str, rest: &'a str, value: &'a [u8]) {
        let name = DraftName { prefix, rest };
        self.variables.push(Variable { name, value, is_secret: true, origin: Origin::Ours });
    }

    /// Adds a base variable, or an extra in the place of one.
    pub fn extra(&mut self, origin: Origin, name: &'a str, value: &'a str) {
        let name = DraftName { prefix: "", rest: name };
        let variable = Variable { name, value: value.as_bytes(), is_secret: false, origin };
        match self.variables.iter_mut().find(|known| known.name.is(&variable.name)) {
            Some(known) => *known = variable,
            None => self.variables.push(variable),
        }
    }

    /// Whether there is a variable of this name.
    pub fn has(&self, name: &str) -> bool {
        let name = DraftName { prefix: "", rest: name };
        self.variables.iter().any(|variable| variable.name.is(&name))
    }

    /// Lays names and values out, each in one allocation of its exact size.
    ///
    /// # Errors
    /// `ENV_FORBIDDEN` when an extra has the name of one of ours. Ours differ by the rules, and the payload's by
    /// their keys; extras have replaced each other already.
    pub fn finish(self) -> Result<(Layout, Secret)> {
        for extra in self.variables.iter().filter(|variable| variable.origin == Origin::Extra) {
            let mut ours = self.variables.iter().filter(|variable| variable.origin == Origin::Ours);
            if ours.any(|variable| variable.name.is(&extra.name)) {
                let name = extra.name.rest;
                let message = format!("{name:?} is set by this package and cannot be given again. Leave it out.");
                return Err(Error::new(ErrorCode::EnvForbidden, message).name(name));
            }
        }
        let name_bytes = self.variables.iter().map(|variable| variable.name.len()).sum();
        let value_bytes = self.variables.iter().map(|variable| variable.value.len()).sum();
        let mut names = String::with_capacity(name_bytes);
        let mut entries = Vec::with_capacity(self.variables.len());
        let values = Secret::build::<Infallible>(value_bytes, |mut rest| {
            let mut value_at = 0;
            for variable in &self.variables {
                let name_at = names.len();
                names.push_str(variable.name.prefix);
                names.push_str(variable.name.rest);
                let (here, after) = rest.split_at_mut(variable.value.len());
                here.copy_from_slice(variable.value);
                rest = after;
                let value_end = value_at + variable.value.len();
                entries.push(Entry {
                    name: Name::new(name_at..names.len()),
                    value: value_at..value_end,
                    is_secret: variable.is_secret,
                });
                value_at = value_end;
            }
            Ok(())
        });
        let Ok(values) = values;
        Ok((Layout::new(names, entries), values))
    }
}
