//! The frames of a WebSocket (RFC 6455, section 5.2): finds where messages begin in a stream of which only a frame's
//! header is kept, and makes a frame for the broker's own text.

const CONTINUATION: u8 = 0;
/// The first opcode of a control frame, such as a ping.
const FIRST_CONTROL: u8 = 8;

const WHOLE_TEXT: u8 = 0x81;

/// A text message of one frame, as a server sends it: without a mask.
pub(super) fn text_frame(text: &[u8]) -> Vec<u8> {
    let length = match (u8::try_from(text.len()), u16::try_from(text.len())) {
        (Ok(length @ ..=125), _) => vec![WHOLE_TEXT, length],
        (_, Ok(length)) => [&[WHOLE_TEXT, 126][..], &length.to_be_bytes()].concat(),
        _ => [&[WHOLE_TEXT, 127][..], &(text.len() as u64).to_be_bytes()].concat(),
    };
    [&length[..], text].concat()
}

/// Follows one direction of a WebSocket.
#[derive(Debug, Default)]
pub struct Frames {
    header: [u8; 14],
    has: usize,
    /// The bytes of the payload that are still to come.
    left: u64,
}

impl Frames {
    /// Whether a frame has just ended, or none has begun.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.has == 0 && self.left == 0
    }

    /// Takes the next bytes. Returns where the first data message begins in them: what is before belongs to earlier
    /// messages or to control frames.
    pub fn message_in(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut first = None;
        let mut at = 0;
        while at < bytes.len() {
            if self.left > 0 {
                let passed = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len() - at);
                self.left -= passed as u64;
                at += passed;
                continue;
            }
            let opcode = bytes[at] & 0x0f;
            if self.has == 0 && opcode != CONTINUATION && opcode < FIRST_CONTROL {
                first = first.or(Some(at));
            }
            self.header[self.has] = bytes[at];
            self.has += 1;
            at += 1;
            if self.has == self.header_length() {
                self.left = self.payload_length();
                self.has = 0;
            }
        }
        first
    }

    fn header_length(&self) -> usize {
        let length = match self.header[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.header[1] & 0x80 == 0 { 0 } else { 4 };
        // Only the second byte shows the length.
        if self.has < 2 { 2 } else { 2 + length + mask }
    }

    fn payload_length(&self) -> u64 {
        let header = &self.header;
        match header[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes([header[2], header[3]])),
            127 => u64::from_be_bytes([
                header[2], header[3], header[4], header[5], header[6], header[7], header[8], header[9],
            ]),
            length => u64::from(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(opcode: u8, length: usize, is_masked: bool) -> Vec<u8> {
        let mask = if is_masked { 0x80 } else { 0 };
        let mut frame = vec![0x80 | opcode];
        match length {
            0..126 => frame.push(mask | length as u8),
            126..65536 => frame.extend([&[mask | 126][..], &(length as u16).to_be_bytes()].concat()),
            _ => frame.extend([&[mask | 127][..], &(length as u64).to_be_bytes()].concat()),
        }
        frame.resize(frame.len() + if is_masked { 4 } else { 0 } + length, 0x81);
        frame
    }

    #[test]
    fn a_text_is_one_whole_frame() {
        for length in [0, 125, 126, 300, 65_535, 65_536] {
            let made = text_frame(&vec![0x81; length]);
            assert_eq!(made, frame(1, length, false));
            let mut frames = Frames::default();
            assert_eq!((frames.message_in(&made), frames.is_between()), (Some(0), true));
        }
    }

    #[test]
    fn messages_are_found_whatever_the_lengths_and_cuts() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            for is_masked in [false, true] {
                let ping = frame(9, 3, is_masked);
                let text = frame(1, length, is_masked);
                let all = [&ping[..], &text, &ping, &text].concat();
                let places = [ping.len(), 2 * ping.len() + text.len()];
                for cut in [0, 1, 2, 3, 9, 10, all.len() / 2, all.len() - 1] {
                    let mut frames = Frames::default();
                    let (before, after) = all.split_at(cut);
                    let found = [frames.message_in(before), frames.message_in(after).map(|at| at + cut)];
                    assert!(frames.is_between(), "{length} cut at {cut}");
                    let first = found.into_iter().flatten().next();
                    assert_eq!(first, Some(places[0]), "{length} cut at {cut}");
                }
                let mut frames = Frames::default();
                let each: Vec<usize> =
                    (0..all.len()).filter(|at| frames.message_in(&all[*at..=*at]).is_some()).collect();
                assert_eq!(each, places);
            }
        }
    }
}
