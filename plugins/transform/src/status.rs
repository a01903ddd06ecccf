//! Which status becomes which.

use std::ops::RangeInclusive;
use tollgate_plugin_sdk::prelude::*;

/// From statuses to another one. The narrowest entry wins: `404` before `4xx` before `*`.
#[derive(Default)]
pub struct Map(Vec<(RangeInclusive<u16>, StatusCode)>);

impl Map {
    /// Adds an entry: from `404`, `4xx` or `*` to a status.
    pub fn add(&mut self, from: &str, to: u16) -> Result<(), String> {
        let from = range(from)?;
        let to = StatusCode::from_u16(to).ok().filter(|_| (200..600).contains(&to));
        let to = to.ok_or("a status is 200 to 599")?;
        let place = self.0.partition_point(|(other, _)| other.len() <= from.len());
        self.0.insert(place, (from, to));
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn apply(&self, response: &mut Response) {
        if self.0.is_empty() {
            return;
        }
        let status = response.status();
        let entry = self.0.iter().find(|(from, _)| from.contains(&status.as_u16()));
        if let Some((_, to)) = entry
            && *to != status
        {
            response.set_status(*to);
        }
    }
}

fn range(text: &str) -> Result<RangeInclusive<u16>, String> {
    let number = match text {
        "*" => return Ok(200..=599),
        _ => text.strip_suffix("xx").unwrap_or(text).parse().ok(),
    };
    match number {
        Some(class @ 2..=5) if text.ends_with("xx") => Ok(class * 100..=class * 100 + 99),
        Some(status @ 200..=599) => Ok(status..=status),
        _ => Err(format!("`{text}` is no status, expected one such as `404`, `5xx` for a class, or `*` for all")),
    }
}
