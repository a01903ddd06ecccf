//! From JSON to nodes, for defaults, and from nodes to JSON, for what plugins are told.

use serde_json::Value as Json;

use super::{Entry, Node, Text, Value};
use crate::config::problem::Place;

impl Node {
    /// The tree of a JSON value, all of it at one place.
    pub(in crate::config) fn from_json(json: &Json, place: &Place) -> Self {
        let value = match json {
            Json::Null => Value::Broken,
            Json::Bool(boolean) => Value::Boolean(*boolean),
            Json::Number(number) => match number.as_i64() {
                Some(integer) => Value::Integer(integer),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::Text(Text { value: text.clone(), place: place.clone(), interpolated: None }),
            Json::Array(list) => Value::List(list.iter().map(|json| Self::from_json(json, place)).collect()),
            Json::Object(members) => Value::Table(
                members
                    .iter()
                    .map(|(key, json)| Entry {
                        key: key.clone(),
                        place: place.clone(),
                        node: Self::from_json(json, place),
                    })
                    .collect(),
            ),
        };
        Self { place: place.clone(), value }
    }

    /// The value as JSON. A date or time becomes a string; `nan` and `inf`, which JSON does not have, too.
    pub(in crate::config) fn to_json(&self) -> Json {
        match &self.value {
            Value::Text(text) => text.value.clone().into(),
            Value::Integer(integer) => (*integer).into(),
            Value::Float(float) => match serde_json::Number::from_f64(*float) {
                Some(number) => Json::Number(number),
                None => float.to_string().to_lowercase().into(),
            },
            Value::Boolean(boolean) => (*boolean).into(),
            Value::Datetime(written) => written.clone().into(),
            Value::List(list) => list.iter().map(Self::to_json).collect(),
            Value::Table(entries) => {
                Json::Object(entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect())
            }
            Value::Broken => Json::Null,
        }
    }
}
