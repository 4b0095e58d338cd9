//! Counts of tokens, in numbers that JavaScript holds exactly.

use napi_derive::napi;

use crate::error::{Error, ErrorCode, Result};
use crate::usage::{MAX_COUNT, Tokens};

/// Counts of tokens; `lib/token-counts.js` has the same names.
#[napi(object)]
pub struct NativeTokens {
    pub input_tokens: f64,
    pub cached_input_tokens: f64,
    pub cache_write_input_tokens: f64,
    pub output_tokens: f64,
    pub reasoning_tokens: f64,
}

impl From<Tokens> for NativeTokens {
    fn from(Tokens { input, cached, cache_write, output, reasoning }: Tokens) -> Self {
        let [input_tokens, cached_input_tokens, cache_write_input_tokens, output_tokens, reasoning_tokens] =
            [input, cached, cache_write, output, reasoning].map(|count| count as f64);
        Self { input_tokens, cached_input_tokens, cache_write_input_tokens, output_tokens, reasoning_tokens }
    }
}

impl TryFrom<NativeTokens> for Tokens {
    type Error = Error;

    fn try_from(given: NativeTokens) -> Result<Self> {
        Ok(Self {
            input: count("inputTokens", given.input_tokens)?,
            cached: count("cachedInputTokens", given.cached_input_tokens)?,
            cache_write: count("cacheWriteInputTokens", given.cache_write_input_tokens)?,
            output: count("outputTokens", given.output_tokens)?,
            reasoning: count("reasoningTokens", given.reasoning_tokens)?,
        })
    }
}

/// A count of JavaScript; refuses what is none.
pub fn count(name: &str, count: f64) -> Result<u64> {
    if count.fract() == 0.0 && (0.0..=MAX_COUNT as f64).contains(&count) {
        return Ok(count as u64);
    }
    let message = format!("{name} must be a whole number from 0 to {MAX_COUNT}.");
    Err(Error::new(ErrorCode::InvalidArgValue, message).name(name))
}
