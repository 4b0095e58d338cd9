//! What a run has used: in all and by model, and names as they can be shown.

use std::sync::Arc;

use super::event::MODELS;
use super::gap::Gaps;
use super::threads::ThreadTotals;
use super::tokens::{Cost, Tokens};

/// Bytes that are kept of the name of a model or a thread.
const NAME_BYTES: usize = 128;

/// What one model has used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelUsage {
    /// Its name.
    pub model: Arc<str>,
    /// Its tokens.
    pub tokens: Tokens,
    /// Its cost, where the CLI tells it.
    pub cost: Option<Cost>,
}

/// What a run has used so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All of it.
    pub tokens: Tokens,
    /// Turns that are over: prompts that were answered.
    pub turns: u64,
    /// The model that the run began with.
    pub model: Option<Arc<str>>,
    /// By model, as far as that is known.
    pub models: Vec<ModelUsage>,
    /// What the CLI says that it cost.
    pub cost: Option<Cost>,
    /// Why it is not all, but a lower bound; none when it is.
    pub gaps: Gaps,
    /// The thread and what it has used in all, where the CLI counts so.
    pub thread: Option<ThreadTotals>,
}

/// Beyond [`MODELS`] what one has used stands in the sum alone.
pub fn add_to(models: &mut Vec<ModelUsage>, part: ModelUsage) {
    if let Some(known) = models.iter_mut().find(|known| known.model == part.model) {
        known.tokens = known.tokens.plus(part.tokens);
        known.cost = add(known.cost, part.cost);
    } else if models.len() < MODELS {
        models.push(part);
    }
}

/// Their sum; the one that there is, where the other is not told.
pub fn add(one: Option<Cost>, other: Option<Cost>) -> Option<Cost> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.plus(other)),
        (one, other) => one.or(other),
    }
}

/// A name that is not too long and can be shown anywhere; none for none.
pub fn short(name: &[u8]) -> Option<Arc<str>> {
    let name = String::from_utf8_lossy(&name[..name.len().min(NAME_BYTES)]);
    (!name.is_empty()).then(|| name.replace(is_obeyed, "\u{fffd}").into())
}

/// Whether a terminal or whoever lays out text obeys a character rather than shows it: control characters, separators of
/// lines, and what turns the direction.
fn is_obeyed(character: char) -> bool {
    let turns = ['\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}'].contains(&character);
    turns || character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
