//! A plan in the making: names and values where the caller has them, then laid out once where they stay.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;

use super::layout::{Entry, Layout, Name, Values};
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

    /// As one text, which needs no copy where there is no prefix.
    fn whole(&self) -> Cow<'_, str> {
        if self.prefix.is_empty() {
            Cow::Borrowed(self.rest)
        } else {
            Cow::Owned(format!("{}{}", self.prefix, self.rest))
        }
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
    /// Where the base variables and the extras are, once there are more than [`FEW`] variables.
    replaceable: HashMap<&'a str, usize>,
}

/// So many are searched through faster than hashed. A search through thousands, for each of them, would be felt.
const FEW: usize = 64;

impl<'a> Draft<'a> {
    /// An empty one with room.
    pub fn new(capacity: usize) -> Self {
        Self { variables: Vec::with_capacity(capacity), replaceable: HashMap::new() }
    }

    /// Adds a variable that is no secret.
    pub fn plain(&mut self, prefix: &'static str, rest: &'a str, value: &'a str) {
        let name = DraftName { prefix, rest };
        self.variables.push(Variable { name, value: value.as_bytes(), is_secret: false, origin: Origin::Ours });
    }

    /// Adds a variable of ours that a caller may give too. Returns whether theirs, if there is one, has the same value.
    pub fn fixed(&mut self, name: &'static str, value: &'static str) -> bool {
        if let Some(given) = self.place_of(name).and_then(|at| self.variables.get(at)) {
            return given.value == value.as_bytes();
        }
        self.plain(name, "", value);
        true
    }

    /// Adds a secret.
    pub fn secret(&mut self, prefix: &'static str, rest: &'a str, value: &'a [u8]) {
        let name = DraftName { prefix, rest };
        self.variables.push(Variable { name, value, is_secret: true, origin: Origin::Ours });
    }

    /// Adds a base variable, or an extra in the place of one.
    pub fn extra(&mut self, origin: Origin, name: &'a str, value: &'a str) {
        let at = self.place_of(name).unwrap_or(self.variables.len());
        let variable =
            Variable { name: DraftName { prefix: "", rest: name }, value: value.as_bytes(), is_secret: false, origin };
        match self.variables.get_mut(at) {
            Some(known) => *known = variable,
            None => self.variables.push(variable),
        }
        if self.variables.len() <= FEW {
            return;
        }
        if self.replaceable.is_empty() {
            let replaceable = self.variables.iter().enumerate().filter(|(_, variable)| variable.origin != Origin::Ours);
            self.replaceable = replaceable.map(|(at, variable)| (variable.name.rest, at)).collect();
        }
        self.replaceable.insert(name, at);
    }

    /// Where the base variable or the extra of this name is.
    fn place_of(&self, name: &str) -> Option<usize> {
        if !self.replaceable.is_empty() {
            return self.replaceable.get(name).copied();
        }
        let is = |variable: &Variable<'_>| variable.origin != Origin::Ours && variable.name.rest == name;
        self.variables.iter().position(is)
    }

    /// Whether there is a variable of this name.
    pub fn has(&self, name: &str) -> bool {
        let name = DraftName { prefix: "", rest: name };
        self.variables.iter().any(|variable| variable.name.is(&name))
    }

    /// Lays names, secret values and other values out, each kind in one allocation of its exact size.
    ///
    /// # Errors
    /// `ENV_FORBIDDEN` when an extra has the name of one of ours. Ours differ by the rules, and the payload's by
    /// their keys; extras have replaced each other already.
    pub fn finish(self) -> Result<(Layout, Values)> {
        if let Some(name) = self.given_twice() {
            let message = format!("{name:?} is set by this package and cannot be given again. Leave it out.");
            return Err(Error::new(ErrorCode::EnvForbidden, message).name(&*name));
        }
        let secret = Secret::build::<Infallible>(self.value_bytes(true), |target| {
            self.write_values(true, target);
            Ok(())
        });
        let Ok(secret) = secret;
        let mut plain = vec![0; self.value_bytes(false)].into_boxed_slice();
        self.write_values(false, &mut plain);
        Ok((self.layout(), Values { secret, plain }))
    }

    /// The name of ours that an extra has too.
    fn given_twice(&self) -> Option<Cow<'_, str>> {
        let of = |origin: Origin| self.variables.iter().filter(move |variable| variable.origin == origin);
        if self.replaceable.is_empty() {
            let extras: Vec<&Variable<'_>> = of(Origin::Extra).collect();
            let twice = of(Origin::Ours).find(|ours| extras.iter().any(|extra| extra.name.is(&ours.name)));
            return twice.map(|ours| ours.name.whole());
        }
        of(Origin::Ours).map(|ours| ours.name.whole()).find(|name| {
            let given = self.place_of(name).and_then(|at| self.variables.get(at));
            given.is_some_and(|variable| variable.origin == Origin::Extra)
        })
    }

    /// Those of one of the two kinds, in their order.
    fn of_kind(&self, is_secret: bool) -> impl Iterator<Item = &Variable<'a>> {
        self.variables.iter().filter(move |variable| variable.is_secret == is_secret)
    }

    fn value_bytes(&self, is_secret: bool) -> usize {
        self.of_kind(is_secret).map(|variable| variable.value.len()).sum()
    }

    fn write_values(&self, is_secret: bool, mut rest: &mut [u8]) {
        for variable in self.of_kind(is_secret) {
            let (here, after) = rest.split_at_mut(variable.value.len());
            here.copy_from_slice(variable.value);
            rest = after;
        }
    }

    fn layout(&self) -> Layout {
        let mut names = String::with_capacity(self.variables.iter().map(|variable| variable.name.len()).sum());
        // How far each kind of value has come.
        let mut ends = [0, 0];
        let entries = self.variables.iter().map(|variable| {
            let name_at = names.len();
            names.push_str(variable.name.prefix);
            names.push_str(variable.name.rest);
            let end = &mut ends[usize::from(variable.is_secret)];
            let value_at = *end;
            *end += variable.value.len();
            Entry { name: Name::new(name_at..names.len()), value: value_at..*end, is_secret: variable.is_secret }
        });
        let entries = entries.collect();
        Layout::new(names, entries)
    }
}
