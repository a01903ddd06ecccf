//! The two macros that say a shape once, for reading and for JSON Schema: `form!` for tables,
//! `words!` for a choice among a few words.

use serde_json::{Map, Value as Json, json};

/// A table. Keys are the field names in kebab-case. The word before a field says what its absence means:
/// `required` a problem, `optional` nothing, `preset` the default behind `=`, `table` a table in which
/// everything has its own default.
macro_rules! form {
    (
        $(#[doc = $doc:literal])*
        struct $name:ident $(as $label:literal)? {
            $( $(#[doc = $note:literal])* $kind:ident $field:ident: $type:ty $(= $default:tt)?, )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug)]
        pub(in crate::config) struct $name {
            #[allow(dead_code, reason = "not every table is spoken of as a whole")]
            pub(in crate::config) place: $crate::config::Place,
            /// Whether everything in it could be read.
            #[allow(dead_code, reason = "matters where elements are compared")]
            pub(in crate::config) sound: bool,
            $( $(#[doc = $note])* pub(in crate::config) $field: form!(@holds $kind $type), )*
        }

        impl $crate::config::read::Form for $name {
            $( const LABEL: Option<&'static str> = Some($label); )?

            fn read(
                node: &$crate::config::node::Node,
                reading: &mut $crate::config::read::Reading<'_>,
            ) -> Option<Self> {
                let known = [$( form!(@key $field) ),*];
                let fields = $crate::config::read::Fields::of(node, Self::LABEL, &known, reading)?;
                let mut form = Self {
                    place: node.place.clone(),
                    sound: true,
                    $( $field: form!(@read $kind fields, &form!(@key $field), reading $(, $default)?), )*
                };
                form.sound = fields.finish(reading);
                Some(form)
            }

            fn schema() -> serde_json::Value {
                use $crate::config::read::{Kind, Property, object_schema};
                object_schema(concat!($($doc, "\n"),*), vec![$(
                    Property {
                        key: form!(@key $field),
                        kind: Kind::$kind,
                        schema: <$type as $crate::config::read::Form>::schema(),
                        note: concat!($($note, "\n"),*),
                        default: form!(@default $($default)?),
                    },
                )*])
            }
        }
    };
    (@key $field:ident) => { stringify!($field).trim_start_matches("r#").replace('_', "-") };
    (@holds required $type:ty) => { Option<$type> };
    (@holds optional $type:ty) => { Option<$type> };
    (@holds preset $type:ty) => { $type };
    (@holds table $type:ty) => { $type };
    (@read required $fields:ident, $key:expr, $reading:ident) => { $fields.required($key, $reading) };
    (@read optional $fields:ident, $key:expr, $reading:ident) => { $fields.optional($key, $reading) };
    (@read preset $fields:ident, $key:expr, $reading:ident, $default:tt) => {
        $fields.preset($key, || serde_json::json!($default), $reading)
    };
    (@read table $fields:ident, $key:expr, $reading:ident) => {
        $fields.preset($key, || serde_json::json!({}), $reading)
    };
    (@default $default:tt) => { Some(serde_json::json!($default)) };
    (@default) => { None };
}
pub(in crate::config) use form;

/// A choice among a few words that stand for values of a type.
macro_rules! words {
    ($( $type:ty { $( $word:literal = $value:expr, )* } )*) => {$(
        impl $crate::config::read::Form for $type {
            fn read(
                node: &$crate::config::node::Node,
                reading: &mut $crate::config::read::Reading<'_>,
            ) -> Option<Self> {
                reading.word(node, &[$( ($word, $value) ),*])
            }

            fn schema() -> serde_json::Value {
                // The second: known only when an interpolation is put in.
                serde_json::json!({ "anyOf": [
                    { "enum": [$( $word ),*] },
                    { "type": "string", "pattern": r"\$\{.+\}" },
                ] })
            }
        }
    )*};
}
pub(in crate::config) use words;

/// One key of a table, for its schema.
pub(in crate::config) struct Property {
    pub(in crate::config) key: String,
    pub(in crate::config) kind: Kind,
    pub(in crate::config) schema: Json,
    pub(in crate::config) note: &'static str,
    pub(in crate::config) default: Option<Json>,
}

/// What the absence of a key means; written as in `form!`.
#[derive(PartialEq, Eq)]
#[allow(non_camel_case_types, reason = "the words of `form!`")]
pub(in crate::config) enum Kind {
    required,
    optional,
    preset,
    table,
}

/// The schema of a table.
pub(in crate::config) fn object_schema(doc: &str, properties: Vec<Property>) -> Json {
    let required: Vec<_> = properties.iter().filter(|it| it.kind == Kind::required).map(|it| it.key.clone()).collect();
    let mut members = Map::new();
    for Property { key, mut schema, note, default, .. } in properties {
        schema["description"] = text(note).into();
        if let Some(default) = default {
            schema["default"] = default;
        }
        members.insert(key, schema);
    }
    let mut object = json!({
        "type": "object",
        "description": text(doc),
        "properties": members,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        object["required"] = required.into();
    }
    object
}

/// A doc comment as one line.
fn text(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}
