//! Writing names and numbers that strangers chose into a line, so that nothing in them can end the line, forge a field
//! or command a terminal: C0 and C1 controls, DEL, line separators and bidirectional overrides are always escaped.

use std::fmt;
use std::net::IpAddr;

/// A JSON string, quotes included.
pub(crate) fn json_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escaped(out, text, Quotes::Escaped);
    out.push(b'"');
}

/// A value in a text line: bare when that is unambiguous, else as a JSON string.
pub(super) fn text_value(out: &mut Vec<u8>, text: &str) {
    let mistakable = |character: char| {
        character.is_whitespace() || matches!(character, '"' | '\\') || is_dangerous(character.into())
    };
    if !text.is_empty() && !text.contains(mistakable) {
        out.extend_from_slice(text.as_bytes());
    } else {
        json_string(out, text);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// `"` and `\` too, as inside a JSON string.
    Escaped,
    /// Prose, where quotes end nothing.
    Kept,
}

/// `text` without surrounding quotes, with JSON's escapes.
pub(super) fn escaped(out: &mut Vec<u8>, text: &str, quotes: Quotes) {
    // Nearly every name is plain ASCII: this scan halves the cost of a line.
    if text.bytes().all(|byte| matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b'\\')) {
        return out.extend_from_slice(text.as_bytes());
    }
    let mut clean_from = 0;
    for (place, character) in text.char_indices() {
        let code = u32::from(character);
        let plain = match code {
            0x22 | 0x5c => quotes == Quotes::Kept,
            0x20..=0x7e => true,
            _ => !is_dangerous(code),
        };
        if plain {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[clean_from..place]);
        clean_from = place + character.len_utf8();
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            _ => {
                // Everything dangerous is in the basic plane, so that one \uXXXX is enough.
                let hex = |shift: u32| b"0123456789abcdef"[(code >> shift & 0xf) as usize];
                out.extend_from_slice(&[b'\\', b'u', hex(12), hex(8), hex(4), hex(0)]);
            }
        }
    }
    out.extend_from_slice(&text.as_bytes()[clean_from..]);
}

fn is_dangerous(code: u32) -> bool {
    matches!(code, 0..=0x1f | 0x7f..=0x9f | 0x200e..=0x200f | 0x2028..=0x202e | 0x2066..=0x2069)
}

/// A sink for `write!` that escapes what passes.
pub(super) struct Escaping<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) quotes: Quotes,
}

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escaped(self.out, text, self.quotes);
        Ok(())
    }
}

pub(super) fn decimal(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

/// Microseconds with one decimal, cut and not rounded: 1_240_399 ns is `1240.3`.
pub(super) fn micros(out: &mut Vec<u8>, nanos: u64) {
    decimal(out, nanos / 1_000);
    out.extend_from_slice(&[b'.', b'0' + (nanos / 100 % 10) as u8]);
}

pub(super) fn address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => {
            for (index, octet) in v4.octets().into_iter().enumerate() {
                if index > 0 {
                    out.push(b'.');
                }
                decimal(out, u64::from(octet));
            }
        }
        IpAddr::V6(v6) => {
            use std::io::Write;
            write!(out, "{v6}").expect("a Vec takes every write");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("whole characters in, whole characters out")
    }

    #[test]
    fn every_character_survives_json_and_no_dangerous_one_is_written_raw() {
        let text: String = ('\0'..='\u{3000}').chain(['\u{ffff}', '\u{1f600}']).collect();
        let line = written(|out| json_string(out, &text));
        assert_eq!(serde_json::from_str::<String>(&line).expect("valid JSON"), text);
        assert!(!line.chars().any(|character| is_dangerous(u32::from(character))));
        assert!(!line.chars().any(char::is_control));
    }

    #[test]
    fn a_text_value_is_bare_only_when_it_cannot_be_mistaken() {
        for (value, expected) in [
            ("acme", "acme"),
            ("/users/7?a=b", "/users/7?a=b"),
            ("acme corp", r#""acme corp""#),
            ("", r#""""#),
            ("a\nb route=x", r#""a\nb route=x""#),
            ("a\"b", r#""a\"b""#),
            ("\u{1b}[31m", r#""\u001b[31m""#),
            ("żółw", "żółw"),
            ("8.95µs", "8.95µs"),
            ("a\u{a0}b", "\"a\u{a0}b\""),
        ] {
            assert_eq!(written(|out| text_value(out, value)), expected);
        }
    }

    #[test]
    fn prose_keeps_its_quotes_and_loses_its_newlines() {
        assert_eq!(written(|out| escaped(out, "say \"no\"\nINFO forged", Quotes::Kept)), r#"say "no"\nINFO forged"#);
    }

    #[test]
    fn numbers_and_addresses_read_as_the_standard_library_writes_them() {
        for value in [0, 9, 10, 1_240, u64::MAX] {
            assert_eq!(written(|out| decimal(out, value)), value.to_string());
        }
        assert_eq!(written(|out| micros(out, 1_240_399)), "1240.3");
        assert_eq!(written(|out| micros(out, 99)), "0.0");
        for ip in ["127.0.0.1", "255.10.0.9", "::1", "2001:db8::7"] {
            assert_eq!(written(|out| address(out, ip.parse().expect("an address"))), ip);
        }
    }
}
