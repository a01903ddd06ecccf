//! The tokens of JSON (RFC 8259). The gateway wrote the text, so what is not JSON gets one message.

use super::Fault;
use serde::de::Error;

pub(super) struct Reader<'j> {
    /// What is still to be read.
    rest: &'j str,
}

/// A number as it is written.
pub(super) enum Number<'j> {
    Unsigned(u64),
    Signed(i64),
    Float(&'j str),
}

impl<'j> Reader<'j> {
    pub(super) fn new(json: &'j str) -> Self {
        Self { rest: json }
    }

    /// The first byte of the next token; 0 at the end.
    pub(super) fn peek(&mut self) -> u8 {
        self.rest = self.rest.trim_ascii_start();
        self.rest.bytes().next().unwrap_or(0)
    }

    /// Takes the next token if it is this one.
    pub(super) fn take(&mut self, token: &str) -> bool {
        self.peek();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    pub(super) fn expect(&mut self, token: &str) -> Result<(), Fault> {
        if self.take(token) { Ok(()) } else { Err(malformed()) }
    }

    pub(super) fn end(&mut self) -> Result<(), Fault> {
        if self.peek() == 0 { Ok(()) } else { Err(malformed()) }
    }

    pub(super) fn number(&mut self) -> Result<Number<'j>, Fault> {
        self.peek();
        let is_part = |part: char| part.is_ascii_alphanumeric() || matches!(part, '+' | '-' | '.');
        let end = self.rest.find(|part| !is_part(part)).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        if !digits.ends_with(|last: char| last.is_ascii_digit()) {
            return Err(malformed());
        }
        Ok(match (digits.parse(), digits.parse()) {
            (Ok(number), _) => Number::Unsigned(number),
            (_, Ok(number)) => Number::Signed(number),
            _ => Number::Float(digits),
        })
    }

    pub(super) fn string(&mut self) -> Result<String, Fault> {
        self.expect("\"")?;
        let mut out = String::new();
        loop {
            let end = self.rest.find(['"', '\\']).ok_or_else(malformed)?;
            let (plain, rest) = self.rest.split_at(end);
            out.push_str(plain);
            self.rest = &rest[1..];
            if rest.starts_with('"') {
                return Ok(out);
            }
            out.push(self.escape()?);
        }
    }

    /// Passes over a value of any form.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                b'"' => drop(self.string()?),
                b'[' | b'{' => {
                    self.advance();
                    depth += 1;
                }
                b']' | b'}' => {
                    self.advance();
                    depth = depth.checked_sub(1).ok_or_else(malformed)?;
                }
                b',' | b':' if depth > 0 => self.advance(),
                _ if self.take("true") || self.take("false") || self.take("null") => {}
                _ => {
                    self.number()?;
                }
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Result<char, Fault> {
        let kind = self.rest.bytes().next().ok_or_else(malformed)?;
        let escaped = match kind {
            b'"' | b'\\' | b'/' => kind.into(),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(malformed()),
        };
        self.advance();
        Ok(escaped)
    }

    /// `uXXXX`, and the `\uXXXX` of a second surrogate.
    fn unicode(&mut self) -> Result<char, Fault> {
        let first = self.unit("u")?;
        let second = if (0xd800..0xdc00).contains(&first) { Some(self.unit("\\u")?) } else { None };
        let units = [first].into_iter().chain(second);
        char::decode_utf16(units).next().and_then(Result::ok).ok_or_else(malformed)
    }

    fn unit(&mut self, prefix: &str) -> Result<u16, Fault> {
        let rest = self.rest.strip_prefix(prefix).ok_or_else(malformed)?;
        let (digits, rest) = rest.split_at_checked(4).ok_or_else(malformed)?;
        self.rest = rest;
        u16::from_str_radix(digits, 16).map_err(|_| malformed())
    }

    /// Passes over an ASCII byte.
    fn advance(&mut self) {
        self.rest = &self.rest[1..];
    }
}

pub(super) fn malformed() -> Fault {
    Fault::custom("this is not JSON")
}

#[cfg(test)]
mod tests {
    use super::Reader;

    fn string(json: &str) -> Option<String> {
        Reader::new(json).string().ok()
    }

    #[test]
    fn escapes_are_read() {
        assert_eq!(string(r#" "a\"b\\c\/\n\u00e9\ud83d\ude00 é""#).as_deref(), Some("a\"b\\c/\né😀 é"));
        for broken in ["\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\ud83d\"", "\"\\ud83dx\"", "\"\\u12é\"", "a"] {
            assert_eq!(string(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_value_is_passed_over_whole() {
        let mut reader = Reader::new(r#" {"a":[1,-2.5e3,"]}"],"b":{},"c":null} true"#);
        reader.skip().expect("it is a value");
        reader.skip().expect("it is a value");
        reader.end().expect("nothing is left");
        for broken in ["", "]", "[", "{\"a\"", "x", ","] {
            assert!(Reader::new(broken).skip().is_err(), "{broken}");
        }
    }
}
