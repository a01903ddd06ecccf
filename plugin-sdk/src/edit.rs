//! What a hook has changed: collected here, read through here, sent back with its answer.

use http::{HeaderName, HeaderValue, Method, StatusCode};

/// The header fields of a message in the order of the wire.
pub(crate) type Fields<V = HeaderValue> = Vec<(HeaderName, V)>;

/// One change to a request or a response.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    SetHeader(HeaderName, HeaderValue),
    AppendHeader(HeaderName, HeaderValue),
    RemoveHeader(HeaderName),
    SetMethod(Method),
    SetPath(String),
    SetQuery(Option<String>),
    Steer(String),
    SetStatus(StatusCode),
    SetNote(String, Vec<u8>),
}

/// The changes so far. Reads go through them, so that a hook reads what it wrote.
#[derive(Debug, Default)]
pub(crate) struct Edits(Vec<Edit>);

impl Edits {
    pub(crate) fn push(&mut self, edit: Edit) {
        self.0.push(edit);
    }

    pub(crate) fn into_vec(self) -> Vec<Edit> {
        self.0
    }

    /// The latest change that `pick` answers.
    pub(crate) fn latest<'e, T>(&'e self, pick: impl FnMut(&'e Edit) -> Option<T>) -> Option<T> {
        self.0.iter().rev().find_map(pick)
    }

    /// The first value of a header. `unedited` is asked only when the edits leave that open.
    pub(crate) fn header(
        &self,
        name: &HeaderName,
        unedited: impl FnOnce() -> Option<HeaderValue>,
    ) -> Option<HeaderValue> {
        let overwrites = |edit: &Edit| match edit {
            Edit::SetHeader(edited, _) | Edit::RemoveHeader(edited) => edited == name,
            _ => false,
        };
        let overwritten = self.0.iter().rposition(overwrites);
        let first = match overwritten.map(|index| &self.0[index]) {
            Some(Edit::SetHeader(_, value)) => Some(value.clone()),
            Some(_) => None,
            None => unedited(),
        };
        first.or_else(|| {
            let appended = &self.0[overwritten.map_or(0, |index| index + 1)..];
            appended.iter().find_map(|edit| match edit {
                Edit::AppendHeader(edited, value) if edited == name => Some(value.clone()),
                _ => None,
            })
        })
    }

    /// Every header, with the changes applied to the `unedited` ones.
    pub(crate) fn headers(&self, unedited: Fields) -> Fields {
        self.0.iter().fold(unedited, |mut headers, edit| {
            apply_to_headers(&mut headers, edit);
            headers
        })
    }

    /// What this call has kept under a key.
    pub(crate) fn note(&self, key: &str) -> Option<Vec<u8>> {
        self.latest(|edit| match edit {
            Edit::SetNote(edited, value) if edited == key => Some(value.clone()),
            _ => None,
        })
    }
}

/// Applies a change of headers; others leave the headers as they are.
pub(crate) fn apply_to_headers(headers: &mut Fields, edit: &Edit) {
    match edit {
        Edit::SetHeader(name, value) => {
            headers.retain(|(other, _)| other != name);
            headers.push((name.clone(), value.clone()));
        }
        Edit::AppendHeader(name, value) => headers.push((name.clone(), value.clone())),
        Edit::RemoveHeader(name) => headers.retain(|(other, _)| other != name),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{ACCEPT, VIA};

    fn value(text: &'static str) -> HeaderValue {
        HeaderValue::from_static(text)
    }

    #[test]
    fn a_header_reads_as_if_the_edits_were_applied() {
        let mut edits = Edits::default();
        let unedited = || Some(value("a"));
        edits.push(Edit::AppendHeader(VIA, value("b")));
        assert_eq!(edits.header(&VIA, unedited), Some(value("a")));
        assert_eq!(edits.header(&VIA, || None), Some(value("b")));
        edits.push(Edit::SetHeader(VIA, value("c")));
        edits.push(Edit::AppendHeader(VIA, value("d")));
        assert_eq!(edits.header(&VIA, || unreachable!("the edits say it all")), Some(value("c")));
        edits.push(Edit::RemoveHeader(VIA));
        assert_eq!(edits.header(&VIA, unedited), None);
        edits.push(Edit::AppendHeader(VIA, value("e")));
        assert_eq!(edits.header(&VIA, unedited), Some(value("e")));
        assert_eq!(edits.header(&ACCEPT, || None), None);
    }

    #[test]
    fn headers_are_edited_in_the_order_of_the_edits() {
        let mut edits = Edits::default();
        edits.push(Edit::AppendHeader(VIA, value("b")));
        edits.push(Edit::SetHeader(ACCEPT, value("c")));
        let headers = edits.headers(vec![(ACCEPT, value("x")), (VIA, value("a"))]);
        assert_eq!(headers, [(VIA, value("a")), (VIA, value("b")), (ACCEPT, value("c"))]);
    }
}
