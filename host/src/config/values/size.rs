//! Sizes in bytes: `64KiB`, `1.5MB`, 4096.

use serde_json::{Value as Json, json};

use super::{number_and_unit, pattern};
use crate::config::node::{Node, Value};
use crate::config::problem::Problem;
use crate::config::read::{Form, Reading, Wrong};

/// Bytes, at least `LEAST` and at most `MOST`.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Size<const LEAST: u64 = 0, const MOST: u64 = { u64::MAX }>(pub(in crate::config) u64);

pub(in crate::config) const KIB: u64 = 1 << 10;
pub(in crate::config) const MIB: u64 = 1 << 20;
pub(in crate::config) const GIB: u64 = 1 << 30;

impl<const LEAST: u64, const MOST: u64> Form for Size<LEAST, MOST> {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        let bytes = match node.value {
            Value::Integer(bytes) => match u64::try_from(bytes) {
                Ok(bytes) => bytes,
                Err(_) => {
                    reading.note(Problem::new(&node.place, "a size is not below 0"));
                    return None;
                }
            },
            _ => reading.parse(node, "a string with a size, such as \"64KiB\"", size)?,
        };
        if !(LEAST..=MOST).contains(&bytes) {
            let message = match MOST {
                u64::MAX => format!("a size of at least {} is possible here", shown(LEAST)),
                most => format!("a size from {} to {} is possible here", shown(LEAST), shown(most)),
            };
            reading.note(Problem::new(&node.place, message));
            return None;
        }
        Some(Self(bytes))
    }

    fn schema() -> Json {
        let text = json!({
            "type": "string", "pattern": pattern(r"\d+(\.\d+)?(B|[kKMGT]B|[KMGT]iB)"), "examples": ["64KiB", "10MiB"],
        });
        json!({ "anyOf": [text, { "type": "integer", "minimum": LEAST }] })
    }
}

fn size(text: &str) -> Result<u64, Wrong> {
    let wrong = || Wrong::help("is not a size", "a number and `B`, `KiB`, `MiB` or `GiB`: `64KiB`, `10MiB`");
    let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let unit = match unit {
        "B" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "KiB" => KIB as f64,
        "MiB" => MIB as f64,
        "GiB" => GIB as f64,
        "TiB" => (1_u64 << 40) as f64,
        _ => return Err(wrong()),
    };
    // Saturates; whole bytes are exact up to 8 PiB.
    Ok((number * unit).round() as u64)
}

/// A number of bytes as a person writes it.
pub(in crate::config) fn shown(bytes: u64) -> String {
    let units = [(1 << 40, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")];
    match units.iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes}B"),
    }
}
