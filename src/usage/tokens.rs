//! Counts of tokens and money, with one meaning for all providers and exact in JavaScript's numbers.

use super::event::{NotACount, OutputEvent};
use crate::provider::{Field, Output};

/// The largest whole number that JavaScript can represent exactly: 2^53 - 1. Counts stop there.
pub const MAX_COUNT: u64 = (1 << 53) - 1;

/// Tokens. As in OpenTelemetry's conventions for generative AI, input is all that went in, and what came from the cache
/// or was written to it are parts of it; reasoning is part of output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    pub input: u64,
    /// The part of `input` that was read from the cache.
    pub cached: u64,
    /// The part of `input` that was written to the cache.
    pub cache_write: u64,
    pub output: u64,
    /// The part of `output` that the model thought with.
    pub reasoning: u64,
}

/// Millionths of a millionth of a US dollar: sums of them do not depend on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost(pub u128);

impl Cost {
    /// Returns none for what is no amount, or is more than a trillion dollars.
    #[must_use]
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        // Apart: a product of all would have no more than 53 bits.
        let whole = || dollars.trunc() as u128 * 1_000_000_000_000;
        let pico = || (dollars.fract() * 1e12).round() as u128;
        (0.0..=1e12).contains(&dollars).then(|| Self(whole() + pico()))
    }

    #[must_use]
    pub fn dollars(self) -> f64 {
        (self.0 / 1_000_000_000_000) as f64 + (self.0 % 1_000_000_000_000) as f64 / 1e12
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Tokens {
    /// The counts of an event, in the meaning of this type.
    ///
    /// # Errors
    /// When one of them is no count.
    pub fn of(event: &OutputEvent, model: Option<usize>, output: &Output) -> Result<Option<Self>, NotACount> {
        let count = |field| event.count(field, model).and_then(exact);
        let counts = [
            count(Field::Input)?,
            count(Field::Cached)?,
            count(Field::CacheWrite)?,
            count(Field::Output)?,
            count(Field::Reasoning)?,
        ];
        if counts.iter().all(Option::is_none) {
            return Ok(None);
        }
        let [input, cached, cache_write, out, reasoning] = counts.map(Option::unwrap_or_default);
        let around = if output.input_excludes_cache { cached + cache_write } else { 0 };
        let input = exact(Some(input + around))?.unwrap_or_default();
        Ok(Some(Self { input, cached, cache_write, output: out, reasoning }))
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.each(other, |one, two| one.saturating_add(two).min(MAX_COUNT))
    }

    /// Subtracts an earlier count, or returns none when something has become less.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Self> {
        (self.each(earlier, u64::max) == self).then(|| self.each(earlier, u64::saturating_sub))
    }

    /// Subtracts each count of `other`, down to zero.
    #[must_use]
    pub fn beyond(self, other: Self) -> Self {
        self.each(other, u64::saturating_sub)
    }

    /// Takes the larger of each count.
    #[must_use]
    pub fn most(self, other: Self) -> Self {
        self.each(other, u64::max)
    }

    fn each(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            input: with(self.input, other.input),
            cached: with(self.cached, other.cached),
            cache_write: with(self.cache_write, other.cache_write),
            output: with(self.output, other.output),
            reasoning: with(self.reasoning, other.reasoning),
        }
    }
}

/// Refuses what JavaScript would not hold: no CLI has counted so far.
fn exact(count: Option<u64>) -> Result<Option<u64>, NotACount> {
    if count.is_some_and(|count| count > MAX_COUNT) { Err(NotACount) } else { Ok(count) }
}
