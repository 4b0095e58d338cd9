//! The parts of one event that are kept: the values at the table's paths, limited in size and wiped afterwards.

use zeroize::Zeroize;

use crate::provider::{Field, FieldPath, ModelsOf};

/// Bytes of all texts and keys of one event. The CLI's largest holds some hundred.
const TEXT_BYTES: usize = 8 * 1024;
/// The number of bytes that are kept of one text. What distinguishes failures is at the beginning.
const VALUE_BYTES: usize = 512;
const VALUES: usize = 512;
/// Models that are kept apart: in one event, in one turn, in one run.
pub const MODELS: usize = 32;
/// No key of a table, and no name of a model, is longer.
const KEY_BYTES: usize = 128;
/// Stands for the model of a value that belongs to none.
const NO_MODEL: u8 = u8::MAX;

pub struct OutputEvent {
    /// Texts, one after another. Never grows: what has moved could not be wiped.
    text: Vec<u8>,
    values: Vec<Kept>,
    /// Where the models' names are in `text`, and what is reported of each.
    models: Vec<(u16, u16, ModelsOf)>,
    /// What values by model there are, be it of none.
    by_model: [bool; ModelsOf::COUNT],
    model: u8,
    key: [u8; KEY_BYTES],
    key_length: usize,
    /// Where the value that is being read begins in `text`.
    begun: Option<u16>,
    overflowed: bool,
}

#[derive(Clone, Copy)]
struct Kept {
    field: Field,
    model: u8,
    value: Value,
}

#[derive(Clone, Copy)]
enum Value {
    Text(u16, u16),
    Integer(u64),
    Float(f64),
    Bool(bool),
    /// A number that no count of tokens is.
    Odd,
}

impl OutputEvent {
    pub fn new() -> Self {
        Self {
            text: Vec::with_capacity(TEXT_BYTES),
            values: Vec::with_capacity(32),
            models: Vec::new(),
            by_model: [false; ModelsOf::COUNT],
            model: NO_MODEL,
            key: [0; KEY_BYTES],
            key_length: 0,
            begun: None,
            overflowed: false,
        }
    }

    /// Wipes the texts, and empties it for the next event.
    pub fn clear(&mut self) {
        // What is kept of numbers was let go of before: they are no secret.
        self.text.as_mut_slice().zeroize();
        self.text.clear();
        self.key[..self.key_length.min(KEY_BYTES)].zeroize();
        self.values.clear();
        self.models.clear();
        self.by_model = [false; ModelsOf::COUNT];
        (self.model, self.key_length, self.begun, self.overflowed) = (NO_MODEL, 0, None, false);
    }

    /// Says whether the event held more than is kept.
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Returns the last text of a field, where it belongs to no model and is whole characters.
    pub fn text(&self, field: Field) -> Option<&str> {
        self.find(field, NO_MODEL).and_then(|value| match value {
            Value::Text(from, to) => std::str::from_utf8(self.slice(from, to)).ok(),
            _ => None,
        })
    }

    /// Returns the beginning of a text, which may be cut in the middle of a character.
    pub fn bytes(&self, field: Field) -> &[u8] {
        match self.find(field, NO_MODEL) {
            Some(Value::Text(from, to)) => self.slice(from, to),
            _ => &[],
        }
    }

    /// Returns the last number of a field, or an error where that is no count.
    pub fn count(&self, field: Field, model: Option<usize>) -> Result<Option<u64>, NotACount> {
        match self.find(field, model.map_or(NO_MODEL, |model| model as u8)) {
            Some(Value::Integer(count)) => Ok(Some(count)),
            Some(Value::Odd | Value::Float(_)) => Err(NotACount),
            _ => Ok(None),
        }
    }

    pub fn number(&self, field: Field, model: Option<usize>) -> Option<f64> {
        match self.find(field, model.map_or(NO_MODEL, |model| model as u8))? {
            Value::Integer(count) => Some(count as f64),
            Value::Float(number) => Some(number),
            _ => None,
        }
    }

    pub fn is_true(&self, field: Field) -> bool {
        matches!(self.find(field, NO_MODEL), Some(Value::Bool(true)))
    }

    /// Says whether the event has an object for such values, be it empty.
    pub fn is_by_model(&self, of: ModelsOf) -> bool {
        self.by_model[of as usize]
    }

    /// Lists the models that such values belong to, each with the number by which `count` and `number` know it.
    pub fn models(&self, of: ModelsOf) -> impl Iterator<Item = (usize, &[u8])> {
        let models = self.models.iter().enumerate().filter(move |(_, model)| model.2 == of);
        models.map(|(index, (from, to, _))| (index, self.slice(*from, *to)))
    }

    fn find(&self, field: Field, model: u8) -> Option<Value> {
        self.values.iter().rev().find(|kept| kept.field == field && kept.model == model).map(|kept| kept.value)
    }

    fn slice(&self, from: u16, to: u16) -> &[u8] {
        self.text.get(usize::from(from)..usize::from(to)).unwrap_or_default()
    }

    pub fn begin_key(&mut self) {
        self.key_length = 0;
    }

    pub fn push_key(&mut self, byte: u8) {
        if let Some(place) = self.key.get_mut(self.key_length) {
            *place = byte;
        }
        // Counted on: a longer key is none of the table's.
        self.key_length = self.key_length.saturating_add(1);
    }

    pub fn key_is(&self, name: &str) -> bool {
        self.key.get(..self.key_length) == Some(name.as_bytes())
    }

    /// Notes that the keys of the object that begins are names of models.
    pub fn begin_models(&mut self, of: ModelsOf) {
        self.by_model[of as usize] = true;
    }

    /// Takes the key that has ended for the name of a model.
    pub fn begin_model(&mut self, of: ModelsOf) {
        let length = self.key_length.min(KEY_BYTES);
        if self.models(of).count() == MODELS || self.text.len() + length > TEXT_BYTES {
            self.overflowed = true;
            return;
        }
        let from = self.text.len() as u16;
        self.text.extend_from_slice(&self.key[..length]);
        self.models.push((from, self.text.len() as u16, of));
        self.model = (self.models.len() - 1) as u8;
    }

    pub fn begin_value(&mut self) {
        self.begun = Some(self.text.len() as u16);
    }

    /// Says whether the next byte of a value would be kept.
    pub fn is_taking(&self) -> bool {
        self.begun.is_some_and(|from| self.text.len() - usize::from(from) < VALUE_BYTES)
    }

    pub fn push(&mut self, byte: u8) {
        if !self.is_taking() {
            return;
        }
        if self.text.len() == TEXT_BYTES {
            self.overflowed = true;
            return;
        }
        self.text.push(byte);
    }

    pub fn end_text(&mut self, path: &FieldPath) {
        if let Some(from) = self.begun.take() {
            self.keep(path, Value::Text(from, self.text.len() as u16));
        }
    }

    /// Ends a number, `true`, `false` or `null`.
    pub fn end_scalar(&mut self, path: &FieldPath) {
        let Some(from) = self.begun.take() else { return };
        let value = scalar(self.slice(from, self.text.len() as u16));
        self.text.truncate(usize::from(from));
        if let Some(value) = value {
            self.keep(path, value);
        }
    }

    /// Forgets the value that has ended: no path leads to it.
    pub fn drop_value(&mut self) {
        if let Some(from) = self.begun.take() {
            self.text.truncate(usize::from(from));
        }
    }

    fn keep(&mut self, path: &FieldPath, value: Value) {
        if self.values.len() == VALUES {
            self.overflowed = true;
            return;
        }
        let has_model = path.1.iter().any(|segment| ModelsOf::segment(segment).is_some());
        let model = if has_model { self.model } else { NO_MODEL };
        self.values.push(Kept { field: path.0, model, value });
    }
}

/// A number that no count of tokens is: negative, broken or too large.
#[derive(Debug, PartialEq, Eq)]
pub struct NotACount;

/// Returns none for `null`, and for what is no JSON.
fn scalar(text: &[u8]) -> Option<Value> {
    match text {
        b"true" => return Some(Value::Bool(true)),
        b"false" => return Some(Value::Bool(false)),
        b"null" => return None,
        _ => {}
    }
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(count) = text.parse::<u64>() {
        return Some(Value::Integer(count));
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Some(Value::Float(number)),
        _ => Some(Value::Odd),
    }
}

impl Drop for OutputEvent {
    fn drop(&mut self) {
        self.clear();
    }
}

impl std::fmt::Debug for OutputEvent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "OutputEvent({} values)", self.values.len())
    }
}
