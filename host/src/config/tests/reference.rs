//! `config/reference.toml` and the JSON Schema tell the same as the file form.

use std::path::Path;

use serde_json::Value;

use super::surroundings;
use crate::config::{load, schema};

fn reference() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/reference.toml")
}

#[test]
fn the_reference_loads() {
    if let Err(problems) = load(&reference(), &surroundings()) {
        panic!("{problems}");
    }
}

/// The reference with the lines that have to do with files which are not there.
fn whole_reference() -> String {
    let text = std::fs::read_to_string(reference()).expect("the reference is in the repository");
    text.lines().map(|line| line.strip_prefix("#> ").unwrap_or(line).to_owned() + "\n").collect()
}

#[test]
fn the_reference_loads_with_all_of_its_lines() {
    assert_eq!(super::config(&whole_reference()).listeners.len(), 4);
}

#[test]
fn the_reference_has_every_key_with_its_default() {
    let text = whole_reference();
    let table: toml::Table = text.parse().expect("it is TOML");
    let written = serde_json::to_value(table).expect("it fits JSON");
    let mut missing = Vec::new();
    compare("", &schema(), &[&written], &mut missing);
    assert_eq!(missing, Vec::<String>::new(), "reference.toml");
}

/// Every property must be in one of `values`, and its default too.
fn compare(path: &str, schema: &Value, values: &[&Value], missing: &mut Vec<String>) {
    for alternative in schema["anyOf"].as_array().into_iter().flatten() {
        compare(path, alternative, values, missing);
    }
    if let Some(items) = schema.get("items") {
        let elements: Vec<&Value> = values.iter().filter_map(|value| value.as_array()).flatten().collect();
        compare(path, items, &elements, missing);
    }
    for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        let found: Vec<&Value> = values.iter().filter_map(|value| value.get(key)).collect();
        // A plugin inside a chain has the keys of [[plugin]].
        if found.is_empty() && !path.contains(".plugins.") {
            missing.push(path.clone());
        }
        // Of arrays of tables an example says more than their absence.
        let of_tables = schema["items"].get("properties").is_some();
        if let Some(default) = schema.get("default")
            && !of_tables
            && !path.contains(".plugins.")
            && !found.contains(&default)
        {
            missing.push(format!("{path} = {default}"));
        }
        compare(&path, schema, &found, missing);
    }
}

#[test]
fn the_schema_describes_every_key() {
    fn undescribed(path: &str, schema: &Value, found: &mut Vec<String>) {
        for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
            if schema["description"].as_str().is_none_or(str::is_empty) {
                found.push(format!("{path}.{key}"));
            }
            undescribed(&format!("{path}.{key}"), schema, found);
        }
        undescribed_in(path, schema, found);
    }
    fn undescribed_in(path: &str, schema: &Value, found: &mut Vec<String>) {
        let inner = schema.get("items").into_iter().chain(schema["anyOf"].as_array().into_iter().flatten());
        inner.for_each(|schema| undescribed(path, schema, found));
    }
    let mut found = Vec::new();
    undescribed("", &schema(), &mut found);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_schema_of_a_listener_reads() {
    let listener = &schema()["properties"]["listener"]["items"]["properties"]["limits"]["properties"];
    let text = serde_json::to_string_pretty(&listener["header-timeout"]).expect("JSON has a text");
    insta::assert_snapshot!(text, @r#"
    {
      "default": "10s",
      "description": "From the first byte of a request to the end of its headers.",
      "examples": [
        "200ms",
        "30s",
        "5m"
      ],
      "pattern": "^(\\d+(\\.\\d+)?(us|ms|s|m|h|d)|.*\\$\\{.+\\}.*)$",
      "type": "string"
    }
    "#);
}
