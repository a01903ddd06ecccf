//! What a request takes from the quotas: as much as any other, or what a header says.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};
use std::fmt;
use tollgate_plugin_sdk::prelude::*;

/// As it is configured: `1`, or `{ header = "x-cost", default = 1, most = 100 }`.
pub enum Form {
    Fixed(u64),
    Header(HeaderForm),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)] // behind a visitor, the SDK cannot see which fields there are
pub struct HeaderForm {
    header: config::HeaderName,
    #[serde(default = "one")]
    default: u64,
    most: Option<u64>,
}

fn one() -> u64 {
    1
}

pub enum Cost {
    Fixed(u64),
    Header { name: config::HeaderName, default: u64, most: u64 },
}

impl Cost {
    /// The units that a request costs, or why its header says none.
    pub fn of(&self, request: &Request) -> Result<u64, String> {
        match self {
            Self::Fixed(cost) => Ok(*cost),
            Self::Header { name, default, most } => match request.header(name) {
                None => Ok(*default),
                Some(value) => {
                    let cost = str::from_utf8(value.as_bytes()).ok().and_then(|text| text.parse().ok());
                    let cost = cost.filter(|cost| (1..=*most).contains(cost));
                    cost.ok_or_else(|| format!("`{name}` is not a whole number from 1 to {most}"))
                }
            },
        }
    }

    /// `room` is what the smallest quota has, so that every cost could pass at some time.
    pub fn check(form: Form, room: u64, error: &mut ConfigError) -> Self {
        let mut within = |pointer: &str, units: u64, most: u64| {
            if !(1..=most).contains(&units) {
                error.add(pointer, format_args!("a cost of {units} is not from 1 to {most}"));
            }
        };
        match form {
            Form::Fixed(cost) => {
                within("/cost", cost, room);
                Self::Fixed(cost)
            }
            Form::Header(HeaderForm { header, default, most }) => {
                let most = most.unwrap_or(room);
                within("/cost/most", most, room);
                within("/cost/default", default, most.min(room));
                Self::Header { name: header, default, most }
            }
        }
    }
}

impl Default for Form {
    fn default() -> Self {
        Self::Fixed(1)
    }
}

impl<'de> Deserialize<'de> for Form {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrTable;
        impl<'de> Visitor<'de> for NumberOrTable {
            type Value = Form;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of units, or `{ header = \"..\" }`")
            }

            fn visit_u64<E: Error>(self, units: u64) -> Result<Form, E> {
                Ok(Form::Fixed(units))
            }

            fn visit_i64<E: Error>(self, units: i64) -> Result<Form, E> {
                Err(E::invalid_value(Unexpected::Signed(units), &self))
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Form, A::Error> {
                HeaderForm::deserialize(MapAccessDeserializer::new(table)).map(Form::Header)
            }
        }
        deserializer.deserialize_any(NumberOrTable)
    }
}
