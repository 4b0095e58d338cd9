//! Where the variables of a plan stand in its two allocations. Names are no secret: a layout outlives its values.

use std::ops::Range;

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
    /// Of its value.
    pub value: Range<usize>,
    /// Whether the value is a secret.
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
