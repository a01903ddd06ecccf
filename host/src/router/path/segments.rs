//! Path patterns that name segments: `/users`, `/users/{id}`, `/users/**`.

mod parse;

use std::fmt;

pub use parse::PathError;
pub(super) use parse::is_name;

/// What a path has between its slashes.
///
/// - `/users` is that path alone, not `/users/`;
/// - `{id}` is one whole segment that is not empty, captured as `id`;
/// - `/**`, only at the end, is everything: `/users/**` wants `/users`, `/users/` and all below.
///   What follows `/users/` is captured as `rest`.
///
/// Literals are held in the form in which paths are compared (see [`crate::router::Target::path`]), and
/// compared as bytes: case matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    pub(in crate::router) segments: Vec<Segment>,
    /// `**` at the end.
    pub(in crate::router) rest: bool,
    params: Vec<Box<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Empty only at the end, for a final slash.
    Literal(Box<str>),
    Param,
}

impl Segments {
    /// Names of what it captures, from left to right; `rest`, for `**`, is the last.
    pub fn params(&self) -> &[Box<str>] {
        &self.params
    }

    /// `path` is normalised.
    pub fn matches(&self, path: &str) -> bool {
        self.walk(path, |_, _| {}).is_some()
    }

    /// What `name` stands for in `path`, raw: percent-encoding is left as it is. None when there is no
    /// such param or the path does not match.
    pub fn capture<'p>(&self, name: &str, path: &'p str) -> Option<&'p str> {
        let wanted = self.params.iter().position(|param| &**param == name)?;
        let mut found = None;
        self.walk(path, |param, value| {
            if param == wanted {
                found = Some(value);
            }
        })?;
        found
    }

    /// Same paths, whatever the params are called.
    pub(super) fn same_shape(&self, other: &Self) -> bool {
        self.rest == other.rest && self.segments == other.segments
    }

    /// Equal for patterns of [`Segments::same_shape`].
    pub(super) fn shape(&self) -> String {
        let mut shape = String::new();
        for segment in &self.segments {
            shape.push('/');
            match segment {
                Segment::Literal(literal) => shape.push_str(literal),
                Segment::Param => shape.push_str("{}"),
            }
        }
        if self.rest {
            shape.push_str("/**");
        }
        shape
    }

    /// Of two patterns that match one path, the one with the smaller sequence comes first.
    pub(super) fn ranks(&self) -> impl Iterator<Item = u8> {
        let segments = self.segments.iter().map(|segment| match segment {
            Segment::Literal(_) => 0,
            Segment::Param => 1,
        });
        segments.chain([if self.rest { 3 } else { 2 }])
    }

    /// Calls `capture` with the number and the value of each param. None when `path` does not match,
    /// perhaps after some calls.
    fn walk<'p>(&self, path: &'p str, mut capture: impl FnMut(usize, &'p str)) -> Option<()> {
        let mut left = Some(path.strip_prefix('/')?);
        let mut param = 0;
        for segment in &self.segments {
            let (piece, after) = cut(left?);
            match segment {
                Segment::Literal(literal) if piece == &**literal => {}
                Segment::Param if !piece.is_empty() => {
                    capture(param, piece);
                    param += 1;
                }
                _ => return None,
            }
            left = after;
        }
        match left {
            _ if self.rest => capture(param, left.unwrap_or("")),
            Some(_) => return None,
            None => {}
        }
        Some(())
    }
}

impl fmt::Display for Segments {
    /// As the operator wrote it, in normal form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut params = self.params.iter();
        for segment in &self.segments {
            match segment {
                Segment::Literal(literal) => write!(f, "/{literal}")?,
                Segment::Param => write!(f, "/{{{}}}", params.next().map_or("", |name| name))?,
            }
        }
        if self.rest { f.write_str("/**") } else { Ok(()) }
    }
}

/// The first segment of a path without its slash, and what follows the next slash if there is one.
pub(in crate::router) fn cut(path: &str) -> (&str, Option<&str>) {
    match path.as_bytes().iter().position(|&byte| byte == b'/') {
        Some(slash) => (&path[..slash], Some(&path[slash + 1..])),
        None => (path, None),
    }
}
