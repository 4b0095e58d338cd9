//! Where the variables of a plan stand in its allocations. Names are no secret: a layout outlives its values.

use std::ops::Range;

use crate::secret::{ExposeSecret, Secret};

/// A name's place among the names.
#[derive(Debug)]
pub struct Name(Range<usize>);

impl Name {
    /// A place.
    pub fn new(place: Range<usize>) -> Self {
        Self(place)
    }
}

/// A variable's places.
#[derive(Debug)]
pub struct Entry {
    /// Of its name.
    pub name: Name,
    /// Of its value, among the secret ones or the others.
    pub value: Range<usize>,
    /// Which of the two.
    pub is_secret: bool,
}

/// The names of a plan, and where its values are.
#[derive(Debug)]
pub struct Layout {
    names: String,
    entries: Vec<Entry>,
}

impl Layout {
    /// One of these names and places.
    pub fn new(names: String, entries: Vec<Entry>) -> Self {
        Self { names, entries }
    }

    /// Every variable: its name, its value's place, whether it is a secret.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|entry| (&self.names[entry.name.0.clone()], entry))
    }

    /// The variable of a name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.iter().find(|(known, _)| *known == name).map(|(_, entry)| entry)
    }
}

/// The values of a plan. The secret ones are apart, so that no more than they takes guarded memory.
#[derive(Debug)]
pub struct Values {
    /// Those that are secret.
    pub secret: Secret,
    /// All others.
    pub plain: Box<[u8]>,
}

impl Values {
    /// The value of a variable.
    pub fn of(&self, entry: &Entry) -> &[u8] {
        let all = if entry.is_secret { self.secret.expose_secret() } else { &self.plain };
        &all[entry.value.clone()]
    }
}
