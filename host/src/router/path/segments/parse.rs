//! From what the operator wrote to [`Segments`].

use super::{Segment, Segments};
use crate::router::regex::RegexError;
use crate::wire::path::{encode, is_plain};

/// What is wrong with a path pattern, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("a path is empty; write `/` for the root, `/**` for every path")]
    Empty,
    #[error("`{0}` does not begin with `/`; write `/{0}`")]
    NoSlash(String),
    #[error("`{0}` does not begin with `/`; a regular expression begins with `~`: `~{0}`")]
    Caret(String),
    #[error(transparent)]
    Regex(#[from] RegexError),
    #[error(
        "`{0}` matches no path: it is held against the one form in which paths are routed and forwarded, where `;` is \
         `%3B`, `+` is `%2B`, hex digits are in upper case, and `//`, dot segments and an encoded `/` never are"
    )]
    Unreachable(String),
    #[error("`{0}` matches no path: it is held against the whole path, and every path begins with `/`")]
    NeverSlash(String),
    #[error("`{0}`: `**` stands at the end, as a whole segment, as in `/users/**`")]
    Rest(String),
    #[error("`{0}`: `*` is no pattern; write `{{name}}` for one segment, `/**` at the end for all that follows")]
    Star(String),
    #[error("`{0}`: a param is a whole segment, as in `/users/{{id}}`")]
    PartOfSegment(String),
    #[error("`{{{0}}}`: a param's name is made of letters, digits, `_` and `-`, as in `{{id}}`")]
    Name(String),
    #[error("param `{0}` comes twice; give each its own name")]
    Twice(String),
    #[error("param `rest` is what `**` captures; give `{{rest}}` another name")]
    NamedRest,
    #[error("`{0}` has an empty segment; write one `/` between segments")]
    EmptySegment(String),
    #[error("`{0}`: requests never have `.` and `..` segments; write the path without them")]
    DotSegment(String),
    #[error("`{0}`: a path ends before `?` or `#`; match parameters with `query`")]
    Query(String),
    #[error("`{path}`: {wrong:?} must be percent-encoded: `{encoded}`{}", of_expressions(*wrong))]
    Character { path: String, wrong: char, encoded: String },
    #[error("`{0}`: requests never have an encoded `/`, `\\` or NUL, the gateway refuses them; take it out")]
    Refused(String),
    #[error("`{0}`: `%` is followed by two hex digits; a percent sign itself is `%25`")]
    Percent(String),
}

impl Segments {
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        let Some(inner) = text.strip_prefix('/') else {
            let wrong = if text.starts_with('^') { PathError::Caret } else { PathError::NoSlash };
            return Err(wrong(text.to_owned()));
        };
        if text.contains(['?', '#']) {
            return Err(PathError::Query(text.to_owned()));
        }
        let (inner, rest) = match inner.strip_suffix("**") {
            Some("") => (None, true),
            Some(before) => match before.strip_suffix('/') {
                Some(before) => (Some(before), true),
                None => return Err(PathError::Rest(text.to_owned())),
            },
            None => (Some(inner), false),
        };
        let mut pattern = Self { segments: Vec::new(), rest, params: Vec::new() };
        let mut pieces = inner.into_iter().flat_map(|inner| inner.split('/')).peekable();
        while let Some(piece) = pieces.next() {
            if piece.is_empty() && (pieces.peek().is_some() || rest) {
                return Err(PathError::EmptySegment(text.to_owned()));
            }
            pattern.push(piece, text)?;
        }
        if rest {
            if pattern.params.iter().any(|name| &**name == "rest") {
                return Err(PathError::NamedRest);
            }
            pattern.params.push("rest".into());
        }
        Ok(pattern)
    }

    fn push(&mut self, piece: &str, text: &str) -> Result<(), PathError> {
        if let Some(name) = piece.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
            if !is_name(name) {
                return Err(PathError::Name(name.to_owned()));
            }
            if self.params.iter().any(|param| &**param == name) {
                return Err(PathError::Twice(name.to_owned()));
            }
            self.params.push(name.into());
            self.segments.push(Segment::Param);
            return Ok(());
        }
        self.segments.push(Segment::Literal(literal(piece, text)?));
        Ok(())
    }
}

/// What else a character in a path may mean.
fn of_expressions(wrong: char) -> &'static str {
    match wrong {
        '[' | ']' | '^' | '|' | '\\' => "; a regular expression begins with `~`",
        _ => "",
    }
}

/// Whether a param can be called so.
pub(in crate::router::path) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// A literal segment in the normal form of requests' paths ([`crate::wire::path`]).
fn literal(piece: &str, text: &str) -> Result<Box<str>, PathError> {
    let path = || text.to_owned();
    match piece {
        "." | ".." => return Err(PathError::DotSegment(path())),
        _ if piece.contains("**") => return Err(PathError::Rest(path())),
        _ if piece.contains('*') => return Err(PathError::Star(path())),
        _ if piece.contains(['{', '}']) => return Err(PathError::PartOfSegment(path())),
        _ => {}
    }
    let mut literal = String::with_capacity(piece.len());
    let mut characters = piece.chars();
    while let Some(character) = characters.next() {
        match character {
            '%' => {
                let mut digit = || characters.next()?.to_digit(16);
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err(PathError::Percent(path()));
                };
                match u8::try_from(high * 16 + low).expect("two hex digits are a byte") {
                    b'/' | b'\\' | 0 => return Err(PathError::Refused(path())),
                    plain if is_plain(plain) => literal.push(char::from(plain)),
                    other => encode(other, &mut literal),
                }
            }
            '+' => encode(b'+', &mut literal),
            ';' => encode(b';', &mut literal),
            _ if u8::try_from(character).is_ok_and(is_plain) => literal.push(character),
            wrong => {
                let mut utf8 = [0; 4];
                let encoded = wrong.encode_utf8(&mut utf8).bytes().map(|byte| format!("%{byte:02X}")).collect();
                return Err(PathError::Character { path: path(), wrong, encoded });
            }
        }
    }
    match literal.as_str() {
        "." | ".." => Err(PathError::DotSegment(path())),
        _ => Ok(literal.into()),
    }
}
