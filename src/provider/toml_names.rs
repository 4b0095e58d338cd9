//! The names in a TOML document, as the parser of the `toml` crate, which Codex uses, finds them. Values may be secret,
//! so they are skipped and only names are decoded.

use toml_parser::decoder::Encoding;
use toml_parser::parser::{EventReceiver, RecursionGuard, parse_document};
use toml_parser::{ErrorSink, ParseError, Raw, Source, Span};

/// Values that are nested deeper than this are not understood: the parser recurses.
const MAX_NESTING: u32 = 64;

/// Calls `found` with every name; none when the text is no TOML.
pub fn each(text: &str, depth: usize, found: &mut dyn FnMut(&[String])) -> Option<()> {
    let source = Source::new(text);
    let tokens = source.lex().into_vec();
    let mut names = Names { source, depth, found, path: Vec::new(), open: Vec::new(), in_header: false, in_key: false };
    let mut error: Option<ParseError> = None;
    parse_document(&tokens, &mut RecursionGuard::new(&mut names, MAX_NESTING), &mut error);
    error.is_none().then_some(())
}

/// What is not closed yet.
enum Open {
    /// A name before its value, with the length of the path above it.
    Key(usize),
    /// An array or an inline table.
    Value,
}

struct Names<'s, 'f> {
    source: Source<'s>,
    depth: usize,
    found: &'f mut dyn FnMut(&[String]),
    path: Vec<String>,
    open: Vec<Open>,
    in_header: bool,
    in_key: bool,
}

impl<'s> Names<'s, '_> {
    fn raw(&self, span: Span, encoding: Option<Encoding>) -> Option<Raw<'s>> {
        Some(Raw::new_unchecked(self.source.input().get(span.start()..span.end())?, encoding, span))
    }

    fn open_header(&mut self) {
        self.path.clear();
        self.open.clear();
        self.in_header = true;
        self.in_key = false;
    }

    fn close_header(&mut self) {
        self.in_header = false;
        (self.found)(&self.path);
    }

    fn close_value(&mut self) {
        self.open.pop();
        self.end_value();
    }

    fn end_value(&mut self) {
        let Some(Open::Key(above)) = self.open.last() else { return };
        self.path.truncate(*above);
        self.open.pop();
    }
}

impl EventReceiver for Names<'_, '_> {
    fn std_table_open(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.open_header();
    }

    fn std_table_close(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.close_header();
    }

    fn array_table_open(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.open_header();
    }

    fn array_table_close(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.close_header();
    }

    fn simple_key(&mut self, span: Span, encoding: Option<Encoding>, error: &mut dyn ErrorSink) {
        if !self.in_header && !self.in_key {
            self.in_key = true;
            self.open.push(Open::Key(self.path.len()));
        }
        // A tenant may write a name of a million parts, above a thousand others.
        if self.path.len() >= self.depth {
            return;
        }
        let Some(raw) = self.raw(span, encoding) else { return };
        let mut name = String::new();
        raw.decode_key(&mut name, error);
        self.path.push(name);
    }

    fn key_val_sep(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.in_key = false;
        (self.found)(&self.path);
    }

    fn scalar(&mut self, span: Span, encoding: Option<Encoding>, error: &mut dyn ErrorSink) {
        if let Some(raw) = self.raw(span, encoding) {
            // Into nothing: only whether it is a value is asked.
            let _ = raw.decode_scalar(&mut (), error);
        }
        self.end_value();
    }

    fn inline_table_open(&mut self, _: Span, _: &mut dyn ErrorSink) -> bool {
        self.open.push(Open::Value);
        true
    }

    fn inline_table_close(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.close_value();
    }

    fn array_open(&mut self, _: Span, _: &mut dyn ErrorSink) -> bool {
        self.open.push(Open::Value);
        true
    }

    fn array_close(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.close_value();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Option<Vec<String>> {
        let mut all = Vec::new();
        each(text, 4, &mut |key| all.push(key.join(".")))?;
        Some(all)
    }

    #[test]
    fn every_way_to_write_a_name() {
        for (text, expected) in [
            ("a = 1\nb.c = 2 # d = 3\n", &["a", "b.c"][..]),
            (
                "[t]\na = [1, {x = 2}, [3]]\nb = {c = {d = 1}, e = 2}\n",
                &["t", "t.a", "t.a.x", "t.b", "t.b.c", "t.b.c.d", "t.b.e"],
            ),
            ("[[t.\"u v\"]]\n'w' = 1\n[x]\n", &["t.u v", "t.u v.w", "x"]),
            ("model = \"x\" # \"\"\"\nnotify = ['sh']\n", &["model", "notify"]),
            ("a = '''\nb = 1\n'''\nc = \"\"\"\\\"\"\"\nd = 1\n\"\"\"\ne = 1\n", &["a", "c", "e"]),
            ("[\"mcp\\u005fservers\".x]\n\"\\u006eotify\" = 1\n", &["mcp_servers.x", "mcp_servers.x.notify"]),
            (
                "i = -1_000\nf = 1.5e3\nh = 0xff\nb = true\nd = 1979-05-27T07:32:00Z\nn = nan\n",
                &["i", "f", "h", "b", "d", "n"],
            ),
            ("a.b.c.d.e.f = 1\ng = 1\n", &["a.b.c.d", "g"]),
            ("", &[]),
        ] {
            assert_eq!(
                names(text).as_deref(),
                Some(expected.iter().map(|&name| name.to_owned()).collect::<Vec<_>>().as_slice()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_toml_is_not_understood() {
        let deep = format!("a = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for text in ["{", "a", "= 1", "a = ", "[a", "a = 'x", "a = \"\"\"x", "a = nonsense", "\"\"\"a\"\"\" = 1", &deep]
        {
            assert_eq!(names(text), None, "{:.40}", text);
        }
    }
}
