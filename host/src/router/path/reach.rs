//! Whether a regular expression matches any path that a request can have: one that asks for `;`, `%2f` or `//`
//! matches none, because in the normal form they are written in another way, or never there.
//!
//! Walks through the states of the expression and of the normal form at once. As both are finite it ends, with an
//! answer that is exact but for two rules on dots: see [`Written`].

use std::collections::HashSet;

use regex_automata::util::primitives::StateID;

use crate::router::regex::Regex;
use crate::wire::path::is_plain;

/// Where in a path that is in normal form ([`crate::wire::path`]) the next character stands. That `.;` is refused at
/// the start of a segment, and `..;` too, is left out.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Written {
    Nothing,
    Slash,
    /// Dots alone behind a slash, one or two: the whole of no segment.
    Dots(u8),
    Text,
    Percent,
    /// Behind the first digit of two.
    Digit(u8),
}

pub(super) fn matches_some_path(regex: &Regex) -> bool {
    let mut seen: HashSet<(StateID, Written)> = HashSet::new();
    let mut waiting = vec![(regex.start(), Written::Nothing)];
    while let Some((state, written)) = waiting.pop() {
        if !seen.insert((state, written)) {
            continue;
        }
        if written.is_path() && regex.is_match(state) {
            return true;
        }
        let graphic = b'!'..=b'~';
        waiting.extend(graphic.filter_map(|byte| Some((regex.step(state, byte)?, written.then(byte)?))));
    }
    false
}

impl Written {
    /// None: such a path is not in normal form.
    fn then(self, byte: u8) -> Option<Self> {
        let digit = || matches!(byte, b'0'..=b'9' | b'A'..=b'F').then(|| char::from(byte).to_digit(16)).flatten();
        match (self, byte) {
            (Self::Nothing, b'/') | (Self::Text, b'/') => Some(Self::Slash),
            (Self::Nothing, _) | (Self::Slash | Self::Dots(_), b'/') => None,
            (Self::Percent, _) => Some(Self::Digit(u8::try_from(digit()?).ok()?)),
            (Self::Digit(high), _) => {
                let byte = high << 4 | u8::try_from(digit()?).ok()?;
                (!is_plain(byte) && !matches!(byte, b'/' | b'\\' | 0)).then_some(Self::Text)
            }
            (Self::Slash | Self::Dots(_) | Self::Text, b'%') => Some(Self::Percent),
            (Self::Slash, b'.') => Some(Self::Dots(1)),
            (Self::Dots(1), b'.') => Some(Self::Dots(2)),
            (Self::Slash | Self::Dots(_) | Self::Text, _) => is_plain(byte).then_some(Self::Text),
        }
    }

    fn is_path(self) -> bool {
        matches!(self, Self::Slash | Self::Text)
    }
}
