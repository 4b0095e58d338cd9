//! Finds the values at a table's paths in a stream of JSON events, as the bytes arrive and in bounded memory.
//!
//! No line is kept: a value is looked at where it passes, so an event may be of any length. A newline ends whatever is
//! open, for no JSON string holds one: after something that is no JSON the next line is read as if nothing had been.

use super::event::OutputEvent;
use crate::provider::{FieldPath, ModelsOf};

/// Objects within one another that a path can lead into; deeper ones are passed over.
const MAX_DEPTH: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Top,
    /// In an object that a path leads into, where a key or the end comes next.
    Object,
    Key,
    KeyEscape,
    Colon,
    Value,
    Text,
    TextEscape,
    TextUnicode,
    /// After the first half of a surrogate pair, where the second must follow.
    TextPair,
    TextPairEscape,
    /// In an array whose first string a path leads to, between its elements.
    List,
    Scalar,
    /// In an object or array that no path leads into.
    Skip,
    SkipText,
    SkipTextEscape,
    Broken,
}

#[derive(Debug)]
pub struct Scanner {
    paths: &'static [FieldPath],
    at: At,
    /// How many objects are open.
    depth: usize,
    /// The paths that still fit at each depth, a bit each.
    fits: [u64; MAX_DEPTH + 1],
    next: u64,
    /// How many objects and arrays are open, from the one that is passed over.
    skipped: u32,
    /// Whether an array is open whose first string a path leads to.
    in_list: bool,
    /// What the digits of `\u` say so far, and how many there were.
    unicode: (u16, u8),
    first_half: Option<u16>,
    /// Whether the stream has had an event: before the first there may be a warning.
    has_begun: bool,
    event: OutputEvent,
}

impl Scanner {
    /// Makes a scanner for these paths. Only the first 64 are looked for.
    #[must_use]
    pub fn new(paths: &'static [FieldPath]) -> Self {
        let all = if paths.len() >= 64 { u64::MAX } else { (1_u64 << paths.len()) - 1 };
        let mut fits = [0; MAX_DEPTH + 1];
        fits[0] = all;
        Self {
            paths,
            at: At::Top,
            depth: 0,
            fits,
            next: all,
            skipped: 0,
            in_list: false,
            unicode: (0, 0),
            first_half: None,
            has_begun: false,
            event: OutputEvent::new(),
        }
    }

    /// Reads the next bytes and calls `on_event` for each event that ends in them, and with none for one that was cut
    /// off, held more than is kept, or hides in a line that begins as none.
    pub fn feed(&mut self, bytes: &[u8], mut on_event: impl FnMut(Option<&OutputEvent>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = &rest[self.pass_over(rest)..];
            let Some((&byte, after)) = rest.split_first() else { return };
            rest = after;
            if byte == b'\n' {
                if self.break_off() {
                    on_event(None);
                }
            } else if self.step(byte) {
                let whole = !self.event.overflowed();
                on_event(whole.then_some(&self.event));
                self.event.clear();
                self.has_begun = true;
            }
        }
    }

    /// Says whether an event is open, or may be, so that it is lost when the stream ends here.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.depth > 0 || (self.at == At::Broken && self.has_begun)
    }

    /// Counts the bytes at the beginning that can be passed over.
    fn pass_over(&self, bytes: &[u8]) -> usize {
        match self.at {
            At::SkipText => before(bytes, |byte| byte == b'"' || byte == b'\\' || byte == b'\n'),
            At::Text if !self.event.is_taking() => before(bytes, |byte| byte == b'"' || byte == b'\\' || byte == b'\n'),
            // `[` and `{`, `]` and `}` differ in one bit.
            At::Skip => {
                before(bytes, |byte| byte == b'"' || byte | 0x20 == b'{' || byte | 0x20 == b'}' || byte == b'\n')
            }
            At::Broken => before(bytes, |byte| byte == b'\n'),
            _ => 0,
        }
    }

    /// Ends whatever is open at a newline, and says whether that was an event.
    fn break_off(&mut self) -> bool {
        let cut = self.is_inside();
        self.event.clear();
        (self.at, self.depth, self.skipped, self.in_list) = (At::Top, 0, 0, false);
        self.first_half = None;
        cut
    }

    /// Takes a byte that is no newline, and says whether an event ended with it.
    fn step(&mut self, byte: u8) -> bool {
        match self.at {
            At::Top => self.top(byte),
            At::Object => return self.object(byte),
            At::Key => self.key(byte),
            At::KeyEscape => self.key_escape(byte),
            At::Colon => self.colon(byte),
            At::Value => self.value(byte),
            At::Text => self.text(byte),
            At::TextEscape => self.text_escape(byte),
            At::TextUnicode => self.text_unicode(byte),
            At::TextPair if byte == b'\\' => self.at = At::TextPairEscape,
            At::TextPair => {
                self.end_unpaired();
                self.text(byte);
            }
            At::TextPairEscape => {
                if byte != b'u' {
                    self.end_unpaired();
                }
                self.text_escape(byte);
            }
            At::List => self.list(byte),
            At::Scalar => return self.scalar(byte),
            At::Skip => self.skip(byte),
            At::SkipText if byte == b'"' => self.at = At::Skip,
            At::SkipText if byte == b'\\' => self.at = At::SkipTextEscape,
            At::SkipTextEscape => self.at = At::SkipText,
            At::SkipText | At::Broken => {}
        }
        false
    }

    /// Events are separate values, or elements of one array.
    fn top(&mut self, byte: u8) {
        match byte {
            b'{' => (self.at, self.depth) = (At::Object, 1),
            b'[' | b']' | b',' | b' ' | b'\t' | b'\r' => {}
            _ => self.at = At::Broken,
        }
    }

    fn object(&mut self, byte: u8) -> bool {
        match byte {
            b'"' => {
                self.at = At::Key;
                self.event.begin_key();
            }
            b'}' => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.at = At::Top;
                    return true;
                }
            }
            b',' | b' ' | b'\t' | b'\r' => {}
            _ => self.break_event(),
        }
        false
    }

    fn break_event(&mut self) {
        self.at = At::Broken;
    }

    fn key(&mut self, byte: u8) {
        match byte {
            b'"' => {
                self.next = self.fitting();
                self.at = At::Colon;
            }
            b'\\' => self.at = At::KeyEscape,
            _ => self.event.push_key(byte),
        }
    }

    /// No key of the table has an escape in it; as the name of a model it stays as it is written.
    fn key_escape(&mut self, byte: u8) {
        self.event.push_key(b'\\');
        self.event.push_key(byte);
        self.at = At::Key;
    }

    /// Returns which paths fit the key that has just ended.
    fn fitting(&mut self) -> u64 {
        let level = self.depth - 1;
        let mut candidates = self.fits[level];
        let mut fitting = 0;
        let mut of = None;
        while candidates != 0 {
            let index = candidates.trailing_zeros() as usize;
            candidates &= candidates - 1;
            let Some(segment) = self.paths[index].1.get(level) else { continue };
            let names_model = ModelsOf::segment(segment);
            of = of.or(names_model);
            if names_model.is_some() || self.event.key_is(segment) {
                fitting |= 1 << index;
            }
        }
        if let Some(of) = of {
            self.event.begin_model(of);
        }
        fitting
    }

    fn colon(&mut self, byte: u8) {
        match byte {
            b':' => self.at = At::Value,
            b' ' | b'\t' | b'\r' => {}
            _ => self.break_event(),
        }
    }

    fn value(&mut self, byte: u8) {
        match byte {
            b' ' | b'\t' | b'\r' => {}
            b'"' => {
                if self.leaf().is_some() {
                    self.event.begin_value();
                }
                self.at = At::Text;
            }
            b'{' if self.leads_on() => {
                if let Some(of) = self.leads_to_models() {
                    self.event.begin_models(of);
                }
                self.fits[self.depth] = self.next;
                self.depth += 1;
                self.at = At::Object;
            }
            b'[' if self.leaf().is_some() => {
                self.in_list = true;
                self.event.begin_value();
                self.at = At::List;
            }
            b'{' | b'[' => (self.at, self.skipped) = (At::Skip, 1),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                self.event.begin_value();
                self.event.push(byte);
                self.at = At::Scalar;
            }
            _ => self.break_event(),
        }
    }

    /// The path that ends with the value that comes next.
    fn leaf(&self) -> Option<&'static FieldPath> {
        let mut candidates = self.next;
        while candidates != 0 {
            let path = &self.paths[candidates.trailing_zeros() as usize];
            if path.1.len() == self.depth {
                return Some(path);
            }
            candidates &= candidates - 1;
        }
        None
    }

    /// Says whether a path goes on below the value that comes next.
    fn leads_on(&self) -> bool {
        let mut candidates = self.next;
        while candidates != 0 {
            if self.paths[candidates.trailing_zeros() as usize].1.len() > self.depth {
                return self.depth < MAX_DEPTH;
            }
            candidates &= candidates - 1;
        }
        false
    }

    /// Says whether the keys of the object that comes next are names of models, and what is below them.
    fn leads_to_models(&self) -> Option<ModelsOf> {
        let mut candidates = self.next;
        while candidates != 0 {
            let segment = self.paths[candidates.trailing_zeros() as usize].1.get(self.depth);
            if let Some(of) = segment.and_then(|segment| ModelsOf::segment(segment)) {
                return Some(of);
            }
            candidates &= candidates - 1;
        }
        None
    }

    fn text(&mut self, byte: u8) {
        match byte {
            b'"' => {
                if let Some(path) = self.leaf() {
                    self.event.end_text(path);
                }
                self.at = self.after_value();
            }
            b'\\' => self.at = At::TextEscape,
            _ => self.event.push(byte),
        }
    }

    /// `\n` and its like become blanks.
    fn text_escape(&mut self, byte: u8) {
        if byte == b'u' {
            (self.at, self.unicode) = (At::TextUnicode, (0, 0));
            return;
        }
        self.event.push(if matches!(byte, b'"' | b'\\' | b'/') { byte } else { b' ' });
        self.at = At::Text;
    }

    fn text_unicode(&mut self, byte: u8) {
        let (value, digits) = self.unicode;
        let Some(digit) = char::from(byte).to_digit(16) else {
            // No JSON: the quotation mark may be the end.
            self.end_unpaired();
            self.push_character(char::REPLACEMENT_CHARACTER);
            return self.text(byte);
        };
        self.unicode = (value << 4 | digit as u16, digits + 1);
        if digits + 1 == 4 {
            self.end_unicode(self.unicode.0);
        }
    }

    /// Half of a pair means nothing without the other.
    fn end_unicode(&mut self, unit: u16) {
        self.at = At::Text;
        if let Some(first) = self.first_half.take() {
            if let Some(Ok(whole)) = char::decode_utf16([first, unit]).next() {
                return self.push_character(whole);
            }
            self.push_character(char::REPLACEMENT_CHARACTER);
        }
        match char::decode_utf16([unit]).next() {
            Some(Ok(character)) => self.push_character(character),
            _ if (0xd800..0xdc00).contains(&unit) => (self.at, self.first_half) = (At::TextPair, Some(unit)),
            _ => self.push_character(char::REPLACEMENT_CHARACTER),
        }
    }

    fn end_unpaired(&mut self) {
        self.at = At::Text;
        if self.first_half.take().is_some() {
            self.push_character(char::REPLACEMENT_CHARACTER);
        }
    }

    fn push_character(&mut self, character: char) {
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            self.event.push(byte);
        }
    }

    /// A scalar ends with the byte after it, which is then the object's.
    fn scalar(&mut self, byte: u8) -> bool {
        if !matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r') {
            self.event.push(byte);
            return false;
        }
        match self.leaf() {
            Some(path) => self.event.end_scalar(path),
            None => self.event.drop_value(),
        }
        self.at = At::Object;
        self.object(byte)
    }

    /// An array of strings: of several the first is kept, as of a text its beginning.
    fn list(&mut self, byte: u8) {
        match byte {
            b'"' => self.at = At::Text,
            b'{' | b'[' => (self.at, self.skipped) = (At::Skip, 1),
            b']' => {
                self.event.drop_value();
                self.in_list = false;
                self.at = At::Object;
            }
            _ => {}
        }
    }

    /// Returns where the stream is when a value has ended.
    fn after_value(&self) -> At {
        if self.in_list { At::List } else { At::Object }
    }

    fn skip(&mut self, byte: u8) {
        match byte {
            b'"' => self.at = At::SkipText,
            b'{' | b'[' => self.skipped = self.skipped.saturating_add(1),
            b'}' | b']' => {
                self.skipped -= 1;
                if self.skipped == 0 {
                    self.at = self.after_value();
                }
            }
            _ => {}
        }
    }
}

/// Counts how many bytes are before the first that stops. Without a branch for each of them, the compiler looks at
/// many at once.
#[inline(always)]
fn before(bytes: &[u8], stops: impl Fn(u8) -> bool) -> usize {
    const BLOCK: usize = 32;
    let blocks = bytes.chunks_exact(BLOCK);
    let clear = blocks.take_while(|block| !block.iter().fold(false, |hit, byte| hit | stops(*byte))).count() * BLOCK;
    let rest = &bytes[clear..];
    clear + rest.iter().position(|byte| stops(*byte)).unwrap_or(rest.len())
}
