//! The variables of a plan: borrowed from the caller first, then copied once into their final place. Names are not
//! secret, so a layout may outlive its values.

use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::Range;

use crate::error::{Error, ErrorCode, Result};
use crate::secret::{ExposeSecret, Secret};

/// Where a variable comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Copied from this process by default.
    Base,
    /// `inherit` or `set`: may take the place of a base variable, and of an earlier one of its kind.
    Extra,
    /// Set by this crate's rules; nobody else may give it.
    Ours,
}

/// A variable before it is laid out.
struct DraftVariable<'a> {
    prefix: &'static str,
    name: &'a str,
    value: &'a [u8],
    is_secret: bool,
    origin: Origin,
}

/// Every variable but the credential's.
pub struct Draft<'a> {
    variables: Vec<DraftVariable<'a>>,
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

    pub fn plain(&mut self, name: &'a str, value: &'a str) {
        let value = value.as_bytes();
        self.variables.push(DraftVariable { prefix: "", name, value, is_secret: false, origin: Origin::Ours });
    }

    /// Adds a variable of ours that a caller may give too. Returns whether theirs, if there is one, has the same value.
    pub fn fixed(&mut self, name: &'static str, value: &'static str) -> bool {
        if let Some(given) = self.place_of(name).and_then(|at| self.variables.get(at)) {
            return given.value == value.as_bytes();
        }
        self.plain(name, value);
        true
    }

    /// The prefix is apart, so that it needs no copy of the name.
    pub fn secret(&mut self, prefix: &'static str, name: &'a str, value: &'a [u8]) {
        self.variables.push(DraftVariable { prefix, name, value, is_secret: true, origin: Origin::Ours });
    }

    /// Adds a base variable, or an extra in the place of one.
    pub fn extra(&mut self, origin: Origin, name: &'a str, value: &'a str) {
        let at = self.place_of(name).unwrap_or(self.variables.len());
        let variable = DraftVariable { prefix: "", name, value: value.as_bytes(), is_secret: false, origin };
        match self.variables.get_mut(at) {
            Some(known) => *known = variable,
            None => self.variables.push(variable),
        }
        if self.variables.len() <= FEW {
            return;
        }
        if self.replaceable.is_empty() {
            let replaceable = self.variables.iter().enumerate().filter(|(_, variable)| variable.origin != Origin::Ours);
            self.replaceable = replaceable.map(|(at, variable)| (variable.name, at)).collect();
        }
        self.replaceable.insert(name, at);
    }

    /// Where the base variable or the extra of this name is.
    fn place_of(&self, name: &str) -> Option<usize> {
        if !self.replaceable.is_empty() {
            return self.replaceable.get(name).copied();
        }
        let is = |variable: &DraftVariable<'_>| variable.origin != Origin::Ours && variable.name == name;
        self.variables.iter().position(is)
    }

    /// Whether there is a variable of this name.
    pub fn has(&self, name: &str) -> bool {
        self.variables.iter().any(|variable| variable.prefix.is_empty() && variable.name == name)
    }

    /// Lays names, secret values and other values out, each kind in one allocation of its exact size.
    ///
    /// # Errors
    /// `ENV_FORBIDDEN` when an extra has the name of one of ours. Ours differ by the rules, and the payload's by
    /// their keys; extras have replaced each other already.
    pub fn finish(self) -> Result<(Layout, Values)> {
        if let Some(name) = self.given_twice() {
            let message = format!("{name:?} is set by this package and cannot be set twice. Omit it.");
            return Err(Error::new(ErrorCode::EnvForbidden, message).name(name));
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

    /// The name of ours that an extra has too. Those with a prefix are no extra's: the rules refuse it there.
    fn given_twice(&self) -> Option<&str> {
        let of = |origin: Origin| self.variables.iter().filter(move |variable| variable.origin == origin);
        let mut ours = of(Origin::Ours).filter(|variable| variable.prefix.is_empty()).map(|variable| variable.name);
        if self.replaceable.is_empty() {
            let extras: Vec<&str> = of(Origin::Extra).map(|variable| variable.name).collect();
            return ours.find(|name| extras.contains(name));
        }
        ours.find(|name| {
            let given = self.place_of(name).and_then(|at| self.variables.get(at));
            given.is_some_and(|variable| variable.origin == Origin::Extra)
        })
    }

    /// Those of one of the two kinds, in their order.
    fn of_kind(&self, is_secret: bool) -> impl Iterator<Item = &DraftVariable<'a>> {
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
        let mut names = String::with_capacity(
            self.variables.iter().map(|variable| variable.prefix.len() + variable.name.len()).sum(),
        );
        // How far each kind of value has come.
        let mut ends = [0, 0];
        let entries = self.variables.iter().map(|variable| {
            let name_at = names.len();
            names.push_str(variable.prefix);
            names.push_str(variable.name);
            let end = &mut ends[usize::from(variable.is_secret)];
            let value_at = *end;
            *end += variable.value.len();
            Entry { name: name_at..names.len(), value: value_at..*end, is_secret: variable.is_secret }
        });
        let entries = entries.collect();
        Layout { names, entries }
    }
}

#[derive(Debug)]
pub struct Entry {
    name: Range<usize>,
    /// Among the secret values or the others.
    value: Range<usize>,
    pub is_secret: bool,
}

/// The names of a plan, and where its values are.
#[derive(Debug)]
pub struct Layout {
    names: String,
    entries: Vec<Entry>,
}

impl Layout {
    /// Every variable by its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|entry| (&self.names[entry.name.clone()], entry))
    }

    /// The variable of a name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.iter().find(|(known, _)| *known == name).map(|(_, entry)| entry)
    }
}

/// The values of a plan. The secret ones are apart, so that no more than they takes guarded memory.
#[derive(Debug)]
pub struct Values {
    pub secret: Secret,
    pub plain: Box<[u8]>,
}

impl Values {
    /// The value of a variable.
    pub fn of(&self, entry: &Entry) -> &[u8] {
        let all = if entry.is_secret { self.secret.expose_secret() } else { &self.plain };
        &all[entry.value.clone()]
    }
}
