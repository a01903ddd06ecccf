//! `application/problem+json` (RFC 9457), written by hand: four members are not worth a library.

use http::StatusCode;

/// The members of a problem; without a `type` it is `about:blank`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Problem {
    pub(super) kind: Option<String>,
    pub(super) title: String,
    pub(super) detail: Option<String>,
}

impl Problem {
    pub(super) fn to_json(&self, status: StatusCode) -> String {
        let mut json = String::from("{");
        if let Some(kind) = &self.kind {
            member(&mut json, "type", kind);
            json.push(',');
        }
        member(&mut json, "title", &self.title);
        json.push_str(",\"status\":");
        json.push_str(status.as_str());
        if let Some(detail) = &self.detail {
            json.push(',');
            member(&mut json, "detail", detail);
        }
        json.push('}');
        json
    }
}

fn member(json: &mut String, name: &str, value: &str) {
    json.extend(["\"", name, "\":\""]);
    for letter in value.chars() {
        match letter {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            // No reader is told apart by other control characters, and none breaks at a space.
            control if control.is_ascii_control() => json.push(' '),
            plain => json.push(plain),
        }
    }
    json.push('"');
}
