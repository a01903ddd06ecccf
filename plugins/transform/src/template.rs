//! Text with values of the request in it: `v1/{param.id}`. `{{` and `}}` stand for braces.

use crate::config::Missing;
use std::borrow::Cow;
use tollgate_plugin_sdk::prelude::*;

mod value;
pub use value::Value;

/// Text with values in it, taken apart once.
pub struct Template(Vec<Part>);

pub enum Part {
    Text(String),
    Value(Value),
}

impl Template {
    /// Takes a text apart, or answers what is wrong with it and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((text, brace)) = rest.find(['{', '}']).and_then(|at| rest.split_at_checked(at)) {
            plain.push_str(text);
            rest = brace;
            if let Some(behind) = rest.strip_prefix("{{") {
                plain.push('{');
                rest = behind;
            } else if let Some(behind) = rest.strip_prefix("}}") {
                plain.push('}');
                rest = behind;
            } else if let Some(inside) = rest.strip_prefix('{') {
                let (name, behind) = inside.split_once('}').ok_or("`{` without a `}`; write `{{` for a brace")?;
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Value(Value::parse(name)?));
                rest = behind;
            } else {
                return Err("`}` without a `{`; write `}}` for a brace".to_owned());
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() || parts.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self(parts))
    }

    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The text, if it is the same for every request.
    pub fn constant(&self) -> Option<&str> {
        match &*self.0 {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text with its values; `None` when one is missing and the field is to be skipped.
    pub fn render(&self, request: &Request, missing: Missing) -> Option<Cow<'_, str>> {
        if let Some(text) = self.constant() {
            return Some(Cow::Borrowed(text));
        }
        let mut rendered = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => rendered.push_str(text),
                Part::Value(value) => match value.read(request) {
                    Some(text) => rendered.push_str(&text),
                    None if missing == Missing::Skip => return None,
                    None => {}
                },
            }
        }
        Some(Cow::Owned(rendered))
    }
}
