//! What is said of input that a JSON parser refuses.

use crate::error::{Error, ErrorCode};

/// Keeps line, column and category; `Display` would quote the input. The place is that in the message, of which `text` is a part.
pub fn problem_with(error: &serde_json::Error, whole: &str, (message, text): (&[u8], &[u8])) -> Error {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Eof => "ends too early",
        Category::Syntax => "is not JSON",
        Category::Data | Category::Io => "is not an object with each field once",
    };
    let start = (text.as_ptr() as usize).saturating_sub(message.as_ptr() as usize);
    let before = &message[..start.min(message.len())];
    let lines = before.iter().filter(|byte| **byte == b'\n').count();
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
    let column = if error.line() == 1 { column } else { 0 };
    let place = format!("line {}, column {}", lines + error.line(), column + error.column());
    Error::new(ErrorCode::PayloadInvalid, format!("{whole} {what} ({place})."))
}
