//! Token counts, in numbers that JavaScript can represent exactly.

use napi_derive::napi;

use crate::usage::Tokens;

/// Token counts, as whole numbers. The facade has checked those that come from JavaScript.
#[napi(object)]
#[derive(Default)]
pub struct TokenCounts {
    pub input_tokens: f64,
    pub cached_input_tokens: f64,
    pub cache_write_input_tokens: f64,
    pub output_tokens: f64,
    pub reasoning_tokens: f64,
}

/// No tokens: the facade reads the names of the counts from it.
#[napi(catch_unwind)]
pub fn no_tokens() -> TokenCounts {
    TokenCounts::default()
}

impl From<Tokens> for TokenCounts {
    fn from(tokens: Tokens) -> Self {
        Self {
            input_tokens: tokens.input as f64,
            cached_input_tokens: tokens.cached as f64,
            cache_write_input_tokens: tokens.cache_write as f64,
            output_tokens: tokens.output as f64,
            reasoning_tokens: tokens.reasoning as f64,
        }
    }
}

impl From<TokenCounts> for Tokens {
    fn from(given: TokenCounts) -> Self {
        Self {
            input: given.input_tokens as u64,
            cached: given.cached_input_tokens as u64,
            cache_write: given.cache_write_input_tokens as u64,
            output: given.output_tokens as u64,
            reasoning: given.reasoning_tokens as u64,
        }
    }
}
