//! What does not fit, in the words of the gateway's own problems: nobody who writes a configuration knows serde's.
//!
//! Cold, and never copied into a caller: a component has each once, and small.

use super::node::Fields;
use serde::de::{Expected, Unexpected};

/// A number of any width.
pub(super) const WHOLE: &str = "a whole number";

/// What a type wants, whatever the value.
#[cold]
#[inline(never)]
pub(super) fn expected(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    let words = match text.as_bytes() {
        [b'u' | b'i', b'0'..=b'9', ..] => WHOLE,
        [b'f', b'0'..=b'9', ..] => "a number",
        b"a sequence" => "an array",
        b"a map" => "a table",
        [b's', b't', b'r', b'u', b'c', b't', b' ', ..] => "a table",
        [b'e', b'n', b'u', b'm', b' ', ..] => "a string",
        _ => return text,
    };
    words.into()
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

/// That nobody knows a word, with the one that was probably meant.
#[cold]
#[inline(never)]
pub(super) fn unknown(what: &str, word: &str, known: Fields) -> String {
    let mut message = String::new();
    message.extend(["unknown ", what, " `", word]);
    match meant(word, known) {
        Some(meant) => message.extend(["`: did you mean `", meant, "`?"]),
        None => {
            let mut before = "`: there are `";
            for name in known {
                message.extend([before, name]);
                before = "`, `";
            }
            message.extend(["`"]);
        }
    }
    message
}

/// The word that is one slip away: a letter too many, too few, wrong, or two that changed places.
#[cold]
#[inline(never)]
pub(super) fn meant(word: &str, known: Fields) -> Option<&'static str> {
    // Short words are near to anything.
    known.iter().copied().find(|other| word.len() > 2 && is_near(word.as_bytes(), other.as_bytes(), 1))
}

#[inline(never)]
fn is_near(mut a: &[u8], mut b: &[u8], slips: u32) -> bool {
    while let ([x, more_a @ ..], [y, more_b @ ..]) = (a, b)
        && x == y
    {
        (a, b) = (more_a, more_b);
    }
    match (a, b) {
        ([], []) => true,
        _ if slips == 0 => false,
        ([x1, x2, a @ ..], [y1, y2, b @ ..]) if x1 == y2 && x2 == y1 && is_near(a, b, 0) => true,
        ([_, more_a @ ..], [_, more_b @ ..]) => {
            is_near(more_a, more_b, 0) || is_near(more_a, b, 0) || is_near(a, more_b, 0)
        }
        ([_, more @ ..], []) | ([], [_, more @ ..]) => more.is_empty(),
    }
}
