//! Counts the field lines of a header block without decoding it (RFC 7541, section 6).
//!
//! A line may be one byte on the wire and a hundred in memory, so that they have to be counted before anything is made
//! of them. Pure, and of the table only a bit for each name: what a line says is not known here, and what only a table
//! can tell is wrong is the decoder's to refuse.

/// A header block as it arrives.
#[derive(Debug, Default)]
pub struct Fields {
    lines: u32,
    /// A line is a pseudo header field.
    pseudo: bool,
    /// Of the dynamic table, with what the lines so far have put there.
    names: Names,
    /// The current line goes into the dynamic table.
    is_kept: bool,
    /// The first byte of a name is the next one; it is Huffman coded, or not.
    name: Option<bool>,
    step: Step,
}

/// Which names in a connection's dynamic table are those of pseudo header fields, the newest in the lowest bit.
///
/// An index counts from the newest entry, so that nothing changes here when the oldest ones go. There are no more than
/// 128: each takes 32 bytes of 4,096, and those of its name and value (RFC 7541, section 4.1).
#[derive(Debug, Default, Clone, Copy)]
pub struct Names(u128);

impl Names {
    /// RFC 7541, section 2.3.3. The static table's are `:authority` to `:status` (appendix A).
    fn is_pseudo(self, index: u32) -> bool {
        const FIRST: u32 = 62;
        match index {
            1..=14 => true,
            0 | 15..FIRST => false,
            FIRST.. => self.0.checked_shr(index - FIRST).is_some_and(|names| names & 1 == 1),
        }
    }
}

/// What a line begins with (RFC 7541, section 6).
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Indexed,
    /// A value follows, and before it a name, if that has no index.
    Literal,
    /// No line: another size of the table.
    Size,
}

/// What the next byte belongs to.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Step {
    #[default]
    Line,
    /// The further bytes of an index, or of a size.
    Index {
        index: u32,
        shift: u32,
        form: Form,
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
    /// Of a connection with these names in its table.
    pub fn behind(names: Names) -> Self {
        Self { names, ..Self::default() }
    }

    pub fn feed(&mut self, mut bytes: &[u8]) {
        while let Some(byte) = bytes.first().copied() {
            let mut used = 1;
            self.step = match self.step {
                Step::Line => self.begin(byte),
                Step::Index { index, shift, form } => {
                    // What has more bits is the index of nothing.
                    let more = u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(u32::MAX);
                    let index = index.saturating_add(more);
                    match byte & 0x80 {
                        0 => self.indexed(index, form),
                        _ => Step::Index { index, shift: shift + 7, form },
                    }
                }
                Step::Text { value_follows } => {
                    self.name = value_follows.then_some(byte & 0x80 != 0);
                    match byte & 0x7f {
                        0x7f => Step::Length { length: 0x7f, shift: 0, value_follows },
                        length => self.text(u32::from(length), value_follows),
                    }
                }
                // Four bytes are 28 bits: more than a frame is long.
                Step::Length { shift: 28.., .. } => Step::Lost,
                Step::Length { length, shift, value_follows } => {
                    let length = length + (u32::from(byte & 0x7f) << shift);
                    match byte & 0x80 {
                        0 => self.text(length, value_follows),
                        _ => Step::Length { length, shift: shift + 7, value_follows },
                    }
                }
                Step::Skip { left, value_follows } => {
                    if let Some(is_coded) = self.name.take() {
                        self.named(begins_with_colon(byte, is_coded));
                    }
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

    /// The names of the dynamic table behind it.
    pub fn names(&self) -> Names {
        self.names
    }

    /// Whether a line is a pseudo header field, whichever way its name is said.
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
        let (prefix, form) = match byte {
            INDEXED.. => (0x7f, Form::Indexed),
            TO_BE_INDEXED.. => (0x3f, Form::Literal),
            TABLE_SIZE.. => (0x1f, Form::Size),
            _ => (0x0f, Form::Literal),
        };
        self.lines += u32::from(form != Form::Size);
        self.is_kept = form == Form::Literal && byte >= TO_BE_INDEXED;
        match byte & prefix {
            0 if form == Form::Indexed => Step::Lost,
            0 if form == Form::Literal => Step::Text { value_follows: true },
            index if index == prefix => Step::Index { index: u32::from(index), shift: 0, form },
            index => self.indexed(u32::from(index), form),
        }
    }

    /// An index is there, or a size.
    fn indexed(&mut self, index: u32, form: Form) -> Step {
        let is_pseudo = self.names.is_pseudo(index);
        match form {
            Form::Indexed => {
                self.pseudo |= is_pseudo;
                Step::Line
            }
            Form::Literal => {
                self.named(is_pseudo);
                Step::Text { value_follows: false }
            }
            Form::Size => Step::Line,
        }
    }

    /// The length of a text is there.
    fn text(&mut self, length: u32, value_follows: bool) -> Step {
        if length == 0 && self.name.take().is_some() {
            self.named(false);
        }
        skip(length, value_follows)
    }

    /// The name of a literal line is known.
    fn named(&mut self, is_pseudo: bool) {
        self.pseudo |= is_pseudo;
        if self.is_kept {
            self.names.0 = self.names.0 << 1 | u128::from(is_pseudo);
        }
    }
}

/// RFC 7541, appendix B: a colon is `1011100`.
fn begins_with_colon(byte: u8, is_coded: bool) -> bool {
    if is_coded { byte >> 1 == 0b101_1100 } else { byte == b':' }
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
    fn a_pseudo_header_field_is_one_whichever_way_its_name_is_said() {
        let mut names = Names::default();
        let mut read = |block: &[u8]| {
            let mut fields = Fields::behind(names);
            fields.feed(block);
            let mut cut = Fields::behind(names);
            block.chunks(1).for_each(|byte| cut.feed(byte));
            assert_eq!((cut.has_pseudo(), cut.names().0), (fields.has_pseudo(), fields.names().0), "{block:?}");
            names = fields.names();
            fields.has_pseudo()
        };
        // Spelled out, and Huffman coded: `:path` and `path`.
        assert!(read(b"\x00\x05:path\x01/") && read(b"\x10\x05:path\x01/"));
        assert!(read(b"\x00\x84\xb9\x58\xd3\x3f\x01/") && !read(b"\x00\x83\xac\x69\x9f\x01/"));
        assert!(!read(b"\x00\x00\x01:") && !read(b"\x00\x01a\x01:") && !read(b"\x40\x00\x01:"));
        // From the dynamic table, where it moves back as others come.
        assert!(read(b"\x40\x05:path\x01/") && read(b"\xbe") && read(b"\x7e\x01/"));
        assert!(!read(b"\x40\x01a\x01b") && !read(b"\xbe") && read(b"\xbf") && read(b"\xc0") && !read(b"\xc1"));
        for _ in 0..100 {
            assert!(!read(b"\x40\x01a\x01b"));
        }
        assert!(!read(b"\xff\x23") && read(b"\xff\x24") && read(b"\x0f\x94\x01\x01/"), "163 is the older one's");
        assert!(!read(b"\xff\xff\xff\xff\xff\xff\x01") && !read(b"\x3f\xe1\x1f"));
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
