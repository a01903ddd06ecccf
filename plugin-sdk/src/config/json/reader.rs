//! The tokens of JSON (RFC 8259). The gateway wrote the text, so what is not JSON gets one message.

use super::node::Fields;
use super::{Fault, words};
use crate::config::Problem;
use serde::de::Error;

pub(super) struct Reader<'j> {
    /// What is still to be read.
    rest: &'j str,
    /// The keys and indices that lead to what is read.
    pub(super) path: Vec<String>,
    /// Keys that nobody knows.
    pub(super) unknown: Vec<Problem>,
    /// What they were probably meant to be.
    pub(super) meant: Vec<&'static str>,
}

/// A number: an integer if it is written as one and fits.
#[derive(Debug, PartialEq)]
pub(super) enum Number {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl<'j> Reader<'j> {
    pub(super) fn new(json: &'j str) -> Self {
        Self { rest: json, path: Vec::new(), unknown: Vec::new(), meant: Vec::new() }
    }

    /// JSON Pointer to what is read.
    #[cold]
    #[inline(never)]
    pub(super) fn pointer(&self) -> String {
        self.path.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect()
    }

    /// Notes that nobody knows the key that is read.
    #[cold]
    #[inline(never)]
    pub(super) fn note_unknown(&mut self, known: Fields) {
        let key = self.path.last().map(String::as_str).unwrap_or_default();
        let message = words::unknown("key", key, known);
        self.meant.extend(words::meant(key, known));
        self.unknown.push(Problem { pointer: self.pointer(), message });
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

    pub(super) fn number(&mut self) -> Result<Number, Fault> {
        self.peek();
        let is_part = |part: char| part.is_ascii_alphanumeric() || matches!(part, '+' | '-' | '.');
        let digits = self.until(|part| !is_part(part)).unwrap_or_else(|| std::mem::take(&mut self.rest));
        if !digits.ends_with(|last: char| last.is_ascii_digit()) {
            return Err(malformed());
        }
        let (magnitude, is_negative) = digits.strip_prefix('-').map_or((digits, false), |digits| (digits, true));
        Ok(match magnitude.parse() {
            Ok(number) if !is_negative => Number::Unsigned(number),
            Ok(number) if number <= i64::MIN.unsigned_abs() => Number::Signed(0_i64.wrapping_sub_unsigned(number)),
            _ => {
                let number = float(magnitude).ok_or_else(malformed)?;
                Number::Float(if is_negative { -number } else { number })
            }
        })
    }

    pub(super) fn string(&mut self) -> Result<String, Fault> {
        self.expect("\"")?;
        let mut out = String::new();
        loop {
            out.push_str(self.until(|end| matches!(end, '"' | '\\')).ok_or_else(malformed)?);
            let is_end = self.rest.starts_with('"');
            self.advance();
            if is_end {
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

    /// Takes what stands before the next such character, if there is one.
    fn until(&mut self, is_end: impl Fn(char) -> bool) -> Option<&'j str> {
        let (before, rest) = self.rest.split_at_checked(self.rest.find(is_end)?)?;
        self.rest = rest;
        Some(before)
    }

    /// Passes over an ASCII byte. (Indexing a string would bring the code that tells why it cannot
    /// be indexed, three hundredths of a component.)
    fn advance(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }
}

/// A number without its sign. A decimal of at most 15 digits reads as the nearest float, as the compiler reads it, a longer one
/// as one of its neighbours: the tables that tell them apart would be a tenth of a component.
fn float(text: &str) -> Option<f64> {
    let (decimal, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let mut number = 0.0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        number = number * 10.0 + f64::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    let exponent: i32 = exponent.parse().ok()?;
    let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    // A power of ten is exact up to 22; below the least float and above the largest one there is no more to say.
    let power = (0..exponent.unsigned_abs().min(400)).fold(1.0, |power, _| power * 10.0);
    let number = if exponent < 0 { number / power } else { number * power };
    number.is_finite().then_some(number)
}

pub(super) fn malformed() -> Fault {
    Fault::custom("this is not JSON")
}

#[cfg(test)]
mod tests {
    use super::{Number, Reader};

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
    fn a_decimal_reads_as_the_compiler_reads_it() {
        let numbers =
            [("0.5", 0.5), ("-0.1", -0.1), ("1e3", 1e3), ("2.5E-7", 2.5e-7), ("123456.789012345", 123_456.789_012_345)];
        for (text, number) in numbers {
            assert_eq!(Reader::new(text).number().ok(), Some(Number::Float(number)), "{text}");
        }
        assert_eq!(
            Reader::new("18446744073709551616").number().ok(),
            Some(Number::Float(18_446_744_073_709_551_616.0))
        );
        assert_eq!(Reader::new("-9223372036854775808").number().ok(), Some(Number::Signed(i64::MIN)));
        for broken in ["1e999", "--1", "1.2.3", "1e", "1e1.5", "1x2", "-", "1-1"] {
            assert!(Reader::new(broken).number().is_err(), "{broken}");
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
