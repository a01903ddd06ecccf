//! The template of a path. Here a value must not change which resource is meant: what a client
//! sends fills its segment, and never adds or climbs one.

use crate::template::{Part, Template, Value};
use tollgate_plugin_sdk::prelude::*;

pub struct Path(Template);

/// Why there is no path.
pub enum Unfit {
    /// The client sent what cannot stand in a path. The text is for the client.
    Request(String),
    /// The route does not capture what the path needs: the operator's mistake.
    Route(String),
}

impl Path {
    /// Takes the text of a template apart, or answers why it is not one of a path.
    pub fn parse(text: &str) -> Result<Self, String> {
        let template = Template::parse(text)?;
        let mut shape = String::new();
        for part in template.parts() {
            match part {
                Part::Text(text) => shape.push_str(text),
                Part::Value(value) if value.is_path() => shape.push_str("/x"),
                Part::Value(_) => shape.push('x'),
            }
        }
        if !shape.starts_with('/') {
            return Err("a path starts with `/` or `{request.path}`".to_owned());
        }
        if let Some(char) = shape.chars().find(|char| !may_stand(*char)) {
            return Err(format!("a path cannot hold `{char}`; the query is changed under `query`"));
        }
        if climbs(&shape) {
            return Err("a path cannot hold `.` or `..` as a segment".to_owned());
        }
        Ok(Self(template))
    }

    pub fn render(&self, request: &Request) -> Result<String, Unfit> {
        let mut path = String::new();
        for part in self.0.parts() {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Value(value) => path.push_str(&segment(value, request)?),
            }
        }
        if climbs(&path) {
            return Err(Unfit::Request("The path would hold `.` or `..` as a segment.".to_owned()));
        }
        Ok(path)
    }
}

/// A value as it stands in a path, percent-encoded.
fn segment(value: &Value, request: &Request) -> Result<String, Unfit> {
    let needed = match value {
        value if value.is_path() => return Ok(request.path().to_owned()),
        Value::Param(name) => {
            let captured = request.param(name);
            return captured.ok_or_else(|| Unfit::Route(format!("route `{}` captures no `{name}`", request.route())));
        }
        Value::Named(named) => format!("`{}`", named.name),
        Value::Header(name) => format!("the header `{name}`"),
        Value::Query(name) => format!("the query parameter `{name}`"),
    };
    match value.read(request) {
        Some(text) if !text.is_empty() && !text.contains(['/', '\\', '\0']) => {
            Ok(percent::encode(&text, percent::is_unreserved))
        }
        _ => Err(Unfit::Request(format!("The path needs {needed}, without a slash in it."))),
    }
}

/// Whether a character may stand in a path as it is (RFC 3986, section 3.3).
fn may_stand(char: char) -> bool {
    char.is_ascii_alphanumeric() || char.is_ascii() && b"/-._~!$&'()*+,;=:@".contains(&(char as u8))
}

fn climbs(path: &str) -> bool {
    path.split('/').any(|segment| matches!(segment, "." | ".."))
}
