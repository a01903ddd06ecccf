//! Counts the field lines of a header block without decoding it (RFC 7541, section 6).
//!
//! A line may be one byte on the wire and a hundred in memory, so that they have to be counted before anything is made
//! of them. Pure, and without a table: what a line says is not known here, and what only a table can tell is wrong is
//! the decoder's to refuse.

/// A header block as it arrives.
#[derive(Debug, Default)]
pub struct Fields {
    lines: u32,
    /// A line says by an index of the static table that it is a pseudo header field.
    pseudo: bool,
    step: Step,
}

/// What the next byte belongs to.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Step {
    #[default]
    Line,
    /// An integer whose value tells nothing here.
    Index {
        text_follows: bool,
    },
    /// The first byte of a string: of a name, which a value follows, or of a value.
    Text {
        value_follows: bool,
    },
    /// The further bytes of the length of a string.
    Length {
        length: u32,
        shift: u32,
        value_follows: bool,
    },
    Skip {
        left: u32,
        value_follows: bool,
    },
    /// It cannot be read on: an index of nothing, or a length that no block can have.
    Lost,
}

impl Fields {
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while let Some(byte) = bytes.first().copied() {
            let mut used = 1;
            self.step = match self.step {
                Step::Line => self.begin(byte),
                Step::Index { text_follows } if byte & 0x80 != 0 => Step::Index { text_follows },
                Step::Index { text_follows: true } => Step::Text { value_follows: false },
                Step::Index { text_follows: false } => Step::Line,
                Step::Text { value_follows } if byte & 0x7f == 0x7f => {
                    Step::Length { length: 0x7f, shift: 0, value_follows }
                }
                Step::Text { value_follows } => skip(u32::from(byte & 0x7f), value_follows),
                // Four bytes are 28 bits: more than a frame is long.
                Step::Length { shift: 28.., .. } => Step::Lost,
                Step::Length { length, shift, value_follows } => {
                    let length = length + (u32::from(byte & 0x7f) << shift);
                    match byte & 0x80 {
                        0 => skip(length, value_follows),
                        _ => Step::Length { length, shift: shift + 7, value_follows },
                    }
                }
                Step::Skip { left, value_follows } => {
                    used = bytes.len().min(left as usize);
                    skip(left - used as u32, value_follows)
                }
                Step::Lost => return,
            };
            bytes = &bytes[used..];
        }
    }

    /// Lines that have begun.
    pub fn lines(&self) -> u32 {
        self.lines
    }

    /// Whether a line is known to be a pseudo header field. Not all are: a name may be spelled out, or stand in the
    /// dynamic table.
    pub fn has_pseudo(&self) -> bool {
        self.pseudo
    }

    /// Whether the last line is complete.
    pub fn is_whole(&self) -> bool {
        self.step == Step::Line
    }

    fn begin(&mut self, byte: u8) -> Step {
        const INDEXED: u8 = 0x80;
        const TO_BE_INDEXED: u8 = 0x40;
        const TABLE_SIZE: u8 = 0x20;
        let (prefix, is_literal) = match byte {
            INDEXED.. => (0x7f, false),
            TO_BE_INDEXED.. => (0x3f, true),
            TABLE_SIZE.. => (0x1f, false),
            _ => (0x0f, true),
        };
        let is_line = byte & !0x1f != TABLE_SIZE;
        self.lines += u32::from(is_line);
        match byte & prefix {
            0 if byte == INDEXED => Step::Lost,
            index if index == prefix => Step::Index { text_follows: is_literal },
            0 if is_literal => Step::Text { value_follows: true },
            index => {
                // RFC 7541, appendix A: `:authority` to `:status`.
                self.pseudo |= is_line && index <= 14;
                if is_literal { Step::Text { value_follows: false } } else { Step::Line }
            }
        }
    }
}

fn skip(left: u32, value_follows: bool) -> Step {
    match (left, value_follows) {
        (1.., _) => Step::Skip { left, value_follows },
        (0, true) => Step::Text { value_follows: false },
        (0, false) => Step::Line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counted as a whole, and cut at each byte.
    fn lines(block: &[u8]) -> u32 {
        let mut whole = Fields::default();
        whole.feed(block);
        for at in 0..block.len() {
            let mut cut = Fields::default();
            cut.feed(&block[..at]);
            cut.feed(&block[at..]);
            assert_eq!(cut.lines(), whole.lines(), "cut at {at}");
        }
        whole.lines()
    }

    /// RFC 7541, appendices C.3 and C.4.
    #[test]
    fn the_examples_of_the_standard_have_as_many_lines_as_it_says() {
        assert_eq!(lines(b"\x82\x86\x84\x41\x0fwww.example.com"), 4);
        assert_eq!(lines(b"\x82\x86\x84\xbe\x58\x08no-cache"), 5);
        assert_eq!(lines(b"\x82\x87\x85\xbf\x40\x0acustom-key\x0ccustom-value"), 5);
        assert_eq!(lines(b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"), 4);
    }

    #[test]
    fn each_form_of_a_line_is_one() {
        for line in [
            &b"\xff\x80\x01"[..],
            b"\x00\x01a\x01b",
            b"\x10\x01a\x00",
            b"\x40\x00\x00",
            b"\x0f\x2f\x01b",
            b"\x7f\x01\x01b",
        ] {
            assert_eq!(lines(&line.repeat(3)), 3, "{line:?}");
        }
        let long = [b"\x00\x7f\x81\x01".to_vec(), vec![b'a'; 0x7f + 0x81], b"\x00".to_vec()].concat();
        assert_eq!(lines(&long.repeat(2)), 2);
        assert_eq!(lines(b"\x20\x3f\xe1\x1f\x82"), 1, "a change of the table's size is no line");
    }

    #[test]
    fn what_is_not_whole_or_begins_with_a_colon_is_seen() {
        let read = |block: &[u8]| {
            let mut fields = Fields::default();
            fields.feed(block);
            (fields.is_whole(), fields.has_pseudo())
        };
        assert_eq!(read(b"\x40"), (false, false));
        assert_eq!(read(b"\x80"), (false, false));
        assert_eq!(read(b"\x00\x01a\x02b"), (false, false));
        assert_eq!(read(b"\x00\x01a\x01b\x90\x2e"), (true, false));
        for pseudo in [&b"\x81"[..], b"\x8e", b"\x41\x01x", b"\x01\x01x", b"\x1e\x01x"] {
            assert_eq!(read(pseudo), (true, true), "{pseudo:?}");
        }
    }

    #[test]
    fn a_length_without_an_end_is_no_length() {
        let mut fields = Fields::default();
        fields.feed(b"\x00\x7f");
        fields.feed(&[0xff; 100]);
        fields.feed(b"\x82\x82");
        assert_eq!(fields.lines(), 1);
    }
}
