//! Path patterns: `/users`, `/users/{id}`, `/users/**`, and regular expressions: `~/v[0-9]+/.*`.

mod reach;
mod segments;
#[cfg(test)]
mod tests;

use std::fmt;

pub use self::segments::PathError;
pub(super) use self::segments::{Segment, Segments, cut};
use super::regex::Regex;

/// Which paths a rule wants. They are compared in their normal form (see [`super::Target::path`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPattern {
    Segments(Segments),
    /// Of the whole path; what its named groups match are params.
    Regex {
        regex: Regex,
        params: Box<[Box<str>]>,
    },
}

impl PathPattern {
    /// `text` is a path of segments, or `~` and a regular expression.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let Some(written) = text.strip_prefix('~') else { return Segments::parse(text).map(Self::Segments) };
        let regex = Regex::parse(written)?;
        if regex.step(regex.start(), b'/').is_none() {
            return Err(PathError::NeverSlash(text.to_owned()));
        }
        if !reach::matches_some_path(&regex) {
            return Err(PathError::Unreachable(text.to_owned()));
        }
        let params: Box<[Box<str>]> = regex.names().map(Box::from).collect();
        match params.iter().find(|name| !segments::is_name(name)) {
            Some(name) => Err(PathError::Name(name.to_string())),
            None => Ok(Self::Regex { regex, params }),
        }
    }

    /// Names of what it captures, from left to right; `rest`, for `**`, is the last.
    pub fn params(&self) -> &[Box<str>] {
        match self {
            Self::Segments(segments) => segments.params(),
            Self::Regex { params, .. } => params,
        }
    }

    /// `path` is normalised.
    pub fn matches(&self, path: &str) -> bool {
        match self {
            Self::Segments(segments) => segments.matches(path),
            Self::Regex { regex, .. } => regex.matches(path.as_bytes()),
        }
    }

    /// What `name` stands for in `path`, raw: percent-encoding is left as it is. None when there is no
    /// such param or the path does not match.
    pub fn capture<'p>(&self, name: &str, path: &'p str) -> Option<&'p str> {
        match self {
            Self::Segments(segments) => segments.capture(name, path),
            Self::Regex { regex, .. } => regex.capture(name, path),
        }
    }

    /// Whether it takes every path.
    pub fn takes_all(&self) -> bool {
        matches!(self, Self::Segments(segments) if segments.rest && segments.segments.is_empty())
    }

    pub fn is_regex(&self) -> bool {
        matches!(self, Self::Regex { .. })
    }

    /// Same paths, whatever the params are called.
    pub(super) fn same_shape(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Segments(one), Self::Segments(other)) => one.same_shape(other),
            (one, other) => one == other,
        }
    }

    /// Equal for patterns of [`PathPattern::same_shape`].
    pub(super) fn shape(&self) -> String {
        match self {
            Self::Segments(segments) => segments.shape(),
            Self::Regex { regex, .. } => regex.to_string(),
        }
    }

    /// Of two patterns that match one path, the one with the smaller sequence comes first.
    pub(super) fn ranks(&self) -> impl Iterator<Item = u8> {
        /// Behind every kind of segment.
        const REGEX: u8 = u8::MAX;
        let (segments, regex) = match self {
            Self::Segments(segments) => (Some(segments), None),
            Self::Regex { .. } => (None, Some(REGEX)),
        };
        segments.into_iter().flat_map(Segments::ranks).chain(regex)
    }
}

impl fmt::Display for PathPattern {
    /// As the operator wrote it, in normal form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segments(segments) => segments.fmt(f),
            Self::Regex { regex, .. } => regex.fmt(f),
        }
    }
}
