//! Changes of header fields as data: what a plugin declares once for every exchange, or says of a response
//! that is still to come.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::Exchange;
use super::write::{HeaderError, header_name, header_value, room_for};
use crate::wire::headers::MOST_FIELDS;

/// A change that a plugin may make: its names and values are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    Remove(HeaderName),
    /// From and to.
    Rename(HeaderName, HeaderName),
    /// In place of every value.
    Set(HeaderName, HeaderValue),
    /// Unless there is a value.
    Add(HeaderName, HeaderValue),
    /// Behind the values that there are.
    Append(HeaderName, HeaderValue),
}

/// What the plugin at this place does to the response when it comes back.
#[derive(Debug)]
pub struct Staged {
    pub plugin: usize,
    pub edit: Edit,
}

impl Edit {
    pub fn remove(name: &str) -> Result<Self, HeaderError> {
        header_name(name).map(Self::Remove)
    }

    pub fn rename(from: &str, to: &str) -> Result<Self, HeaderError> {
        Ok(Self::Rename(header_name(from)?, header_name(to)?))
    }

    pub fn set(name: &str, value: &[u8]) -> Result<Self, HeaderError> {
        Ok(Self::Set(header_name(name)?, header_value(value)?))
    }

    pub fn add(name: &str, value: &[u8]) -> Result<Self, HeaderError> {
        Ok(Self::Add(header_name(name)?, header_value(value)?))
    }

    pub fn append(name: &str, value: &[u8]) -> Result<Self, HeaderError> {
        Ok(Self::Append(header_name(name)?, header_value(value)?))
    }

    /// Changes the fields, or nothing.
    pub fn apply(self, fields: &mut HeaderMap) -> Result<(), HeaderError> {
        match self {
            Self::Remove(name) => drop(fields.remove(name)),
            Self::Rename(from, to) => rename(fields, &from, &to)?,
            Self::Set(name, value) => {
                room_for(fields, &name)?;
                fields.insert(name, value);
            }
            Self::Add(name, _) if fields.contains_key(&name) => {}
            Self::Add(name, value) | Self::Append(name, value) => {
                if fields.len() >= MOST_FIELDS {
                    return Err(HeaderError::TooMany);
                }
                fields.append(name, value);
            }
        }
        Ok(())
    }

    /// A copy on memory of its own: a clone would count its users on memory that workers share.
    #[must_use]
    pub fn copy(&self) -> Self {
        let name = |name: &HeaderName| HeaderName::from_bytes(name.as_str().as_bytes()).expect("it is a name");
        let value = |value: &HeaderValue| HeaderValue::from_bytes(value.as_bytes()).expect("it is a value");
        match self {
            Self::Remove(it) => Self::Remove(name(it)),
            Self::Rename(from, to) => Self::Rename(name(from), name(to)),
            Self::Set(it, is) => Self::Set(name(it), value(is)),
            Self::Add(it, is) => Self::Add(name(it), value(is)),
            Self::Append(it, is) => Self::Append(name(it), value(is)),
        }
    }
}

fn rename(fields: &mut HeaderMap, from: &HeaderName, to: &HeaderName) -> Result<(), HeaderError> {
    let values: Vec<HeaderValue> = fields.get_all(from).iter().cloned().collect();
    if from == to || values.is_empty() {
        return Ok(());
    }
    fields.remove(from);
    fields.remove(to);
    for value in values {
        fields.append(to.clone(), value);
    }
    Ok(())
}

impl Exchange {
    /// Keeps an edit of the response for when it comes back to the plugin at this place.
    pub fn stage(&mut self, plugin: usize, edit: Edit) -> Result<(), HeaderError> {
        if self.staged.len() >= MOST_FIELDS {
            return Err(HeaderError::TooMany);
        }
        self.staged.push(Staged { plugin, edit });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(edits: &[Result<Edit, HeaderError>]) -> String {
        let mut fields = HeaderMap::new();
        for (name, value) in [("a", "1"), ("a", "2"), ("b", "3")] {
            fields.append(name, HeaderValue::from_static(value));
        }
        for edit in edits {
            edit.clone().expect("good").copy().apply(&mut fields).expect("there is room");
        }
        let field = |(name, value): (&HeaderName, &HeaderValue)| format!("{name}={} ", value.to_str().expect("text"));
        fields.iter().map(field).collect()
    }

    #[test]
    fn each_edit_does_what_it_says() {
        assert_eq!(edited(&[Edit::remove("a")]), "b=3 ");
        assert_eq!(edited(&[Edit::rename("a", "b")]), "b=1 b=2 ");
        assert_eq!(edited(&[Edit::rename("c", "b")]), "a=1 a=2 b=3 ");
        assert_eq!(edited(&[Edit::set("a", b"4")]), "a=4 b=3 ");
        assert_eq!(edited(&[Edit::add("a", b"4"), Edit::add("c", b"5")]), "a=1 a=2 b=3 c=5 ");
        assert_eq!(edited(&[Edit::append("b", b"4")]), "a=1 a=2 b=3 b=4 ");
    }

    #[test]
    fn what_may_not_be_written_cannot_be_declared() {
        assert_eq!(Edit::set("content-length", b"1"), Err(HeaderError::Forbidden));
        assert_eq!(Edit::rename("a", "Host"), Err(HeaderError::InvalidName));
        assert_eq!(Edit::append("a", b"1\r\n"), Err(HeaderError::InvalidValue));
    }

    #[test]
    fn a_full_message_takes_a_value_in_place_of_another_only() {
        let mut fields = HeaderMap::new();
        for number in 0..MOST_FIELDS {
            fields.append(HeaderName::try_from(format!("x-{number}")).expect("a name"), HeaderValue::from_static("1"));
        }
        assert_eq!(Edit::set("x-1", b"2").expect("good").apply(&mut fields), Ok(()));
        assert_eq!(Edit::set("y", b"2").expect("good").apply(&mut fields), Err(HeaderError::TooMany));
        assert_eq!(Edit::append("x-1", b"2").expect("good").apply(&mut fields), Err(HeaderError::TooMany));
    }
}
