//! What does not fit, in the words of the gateway's own problems: nobody who writes a configuration knows serde's.
//!
//! Cold, and never copied into a caller: a component has each once, and small.

use super::node::Fields;
use serde::de::{Expected, Unexpected};

/// What a type wants, whatever the value.
#[cold]
#[inline(never)]
pub(super) fn expected(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    match text.as_str() {
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "`true` or `false`".into(),
        "a sequence" => "an array".into(),
        "a map" | "unit" => "a table".into(),
        _ if text.starts_with("struct ") => "a table".into(),
        _ if text.starts_with("tuple ") => "an array".into(),
        _ if text.starts_with("enum ") || text == "variant identifier" => "a string".into(),
        _ => text,
    }
}

/// What a type wants of a value whose kind is right.
#[cold]
#[inline(never)]
pub(super) fn expected_value(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    let range = match text.as_str() {
        "u8" => "from 0 to 255",
        "u16" => "from 0 to 65535",
        "u32" => "from 0 to 4294967295",
        "u64" | "usize" => "from 0 on",
        "i8" => "from -128 to 127",
        "i16" => "from -32768 to 32767",
        "i32" => "from -2147483648 to 2147483647",
        _ => return self::expected(expected),
    };
    format!("a whole number {range}")
}

/// What stands there. The value is not shown: it may be a secret.
#[cold]
#[inline(never)]
pub(super) fn kind(seen: &Unexpected<'_>) -> &'static str {
    match seen {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a float",
        Unexpected::Str(_) | Unexpected::Char(_) => "a string",
        Unexpected::Seq => "an array",
        Unexpected::Map => "a table",
        _ => "something else",
    }
}

/// The same without its article.
#[cold]
#[inline(never)]
pub(super) fn bare_kind(seen: &Unexpected<'_>) -> &'static str {
    kind(seen).split_once(' ').map_or("", |(_, kind)| kind)
}

/// That nobody knows a word, with the one that was probably meant.
#[cold]
#[inline(never)]
pub(super) fn unknown(what: &str, word: &str, known: Fields) -> String {
    match meant(word, known) {
        Some(meant) => format!("unknown {what} `{word}`: did you mean `{meant}`?"),
        None if known.is_empty() => format!("unknown {what} `{word}`: there is none here"),
        None => format!("unknown {what} `{word}`: there are `{}`", known.join("`, `")),
    }
}

/// The word that is one slip away: a letter too many, too few, wrong, or two that changed places.
#[cold]
#[inline(never)]
pub(super) fn meant(word: &str, known: Fields) -> Option<&'static str> {
    known.iter().copied().find(|other| is_near(word.as_bytes(), other.as_bytes()))
}

#[cold]
#[inline(never)]
fn is_near(a: &[u8], b: &[u8]) -> bool {
    let same = |(a, b): &(&u8, &u8)| a.eq_ignore_ascii_case(b) || matches!((a, b), (b'_', b'-') | (b'-', b'_'));
    let prefix = a.iter().zip(b).take_while(same).count();
    let (a, b) = (a.get(prefix..).unwrap_or_default(), b.get(prefix..).unwrap_or_default());
    let suffix = a.iter().rev().zip(b.iter().rev()).take_while(same).count();
    let left = |word: &[u8]| word.len().saturating_sub(suffix);
    match (left(a), left(b)) {
        // Short words are near to anything.
        (0 | 1, 0 | 1) => prefix + suffix > 1 || (left(a), left(b)) == (0, 0),
        (2, 2) => a.first() == b.get(1) && b.first() == a.get(1),
        _ => false,
    }
}
