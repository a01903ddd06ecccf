//! What a section found: lines with a target beside what was measured, and what went badly among them.

use std::fmt::Write;

use anyhow::Result;
use serde_json::{Value, json};

use crate::noise::NOISY;
use crate::summary::{Summary, percent};

/// One section of the report.
#[derive(Debug)]
pub struct Findings {
    pub id: String,
    pub title: &'static str,
    /// How it was measured and why so; for a reader of the figures.
    pub about: String,
    pub rows: Vec<Row>,
    /// The share of the machine that others used meanwhile.
    pub others: f64,
}

/// One figure.
#[derive(Debug)]
pub struct Row {
    what: String,
    unit: &'static str,
    /// Of each round; none when it failed.
    values: Vec<f64>,
    /// The most that the median may be.
    target: Option<f64>,
    /// Why there is no figure.
    failure: Option<String>,
}

impl Row {
    pub fn new(what: impl Into<String>, unit: &'static str, values: Vec<f64>) -> Self {
        let failure = values.is_empty().then(|| "nothing was measured".to_owned());
        Self { what: what.into(), unit, values, target: None, failure }
    }

    pub fn one(what: impl Into<String>, unit: &'static str, value: f64) -> Self {
        Self::new(what, unit, vec![value])
    }

    pub fn failed(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), unit: "", values: Vec::new(), target: None, failure: Some(why.into()) }
    }

    /// With the most that the median may be.
    pub fn at_most(mut self, target: f64) -> Self {
        self.target = Some(target);
        self
    }

    /// Whether the target is met; none without one, and none without a figure.
    fn holds(&self) -> Option<bool> {
        let target = self.target?;
        (!self.values.is_empty()).then(|| Summary::of(self.values.iter().copied()).median <= target)
    }

    pub fn markdown(&self) -> String {
        let target = self.target.map(|target| format!("<= {} {}", shown(target), self.unit)).unwrap_or_default();
        if let Some(why) = &self.failure {
            return format!("| {} | **{}** | {} | no figure | |", self.what, why.replace('\n', " "), target.trim_end());
        }
        let found = Summary::of(self.values.iter().copied());
        let verdict = match self.holds() {
            None => "",
            Some(true) => "met",
            Some(false) => "**missed**",
        };
        let spread = if self.values.len() > 1 { percent(found.spread) } else { String::new() };
        let measured = format!("{} {}", shown(found.median), self.unit);
        format!("| {} | {} | {} | {verdict} | {spread} |", self.what, measured.trim_end(), target.trim_end())
    }

    pub fn json(&self) -> Value {
        let median = (!self.values.is_empty()).then(|| Summary::of(self.values.iter().copied()).median);
        json!({
            "what": self.what,
            "unit": self.unit,
            "median": median,
            "rounds": self.values,
            "target_at_most": self.target,
            "met": self.holds(),
            "failure": self.failure,
        })
    }
}

impl Findings {
    pub fn new(id: String, title: &'static str) -> Self {
        Self { id, title, about: String::new(), rows: Vec::new(), others: 0.0 }
    }

    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// What `measure` answers; when it fails, a row that says so.
    pub fn attempt<T>(&mut self, what: &str, measure: impl FnOnce() -> Result<T>) -> Option<T> {
        match measure() {
            Ok(found) => Some(found),
            Err(error) => {
                crate::say(&format!("  FAILED {what}: {error:#}"));
                self.add(Row::failed(what, format!("FAILED: {error:#}")));
                None
            }
        }
    }

    pub fn skip(&mut self, what: &str, reason: &str) {
        crate::say(&format!("compare: SKIPPED {what}: {reason}"));
        self.add(Row::failed(what, format!("SKIPPED: {reason}")));
    }

    pub fn markdown(&self) -> String {
        let mut text = format!("\n## {}\n\n{}", self.title, self.about);
        let warning = if self.others > NOISY { " **That is much: take the figures as hints.**" } else { "" };
        let _ = writeln!(text, " Others used {} of the machine meanwhile.{warning}\n", percent(self.others));
        text += &table(&self.rows);
        text
    }

    pub fn json(&self) -> Value {
        json!({
            "section": self.id,
            "others_cpu_share": self.others,
            "rows": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
        })
    }
}

pub fn table(rows: &[Row]) -> String {
    let mut text = "| | measured | target | | spread |\n|---|--:|--:|---|--:|\n".to_owned();
    for row in rows {
        let _ = writeln!(text, "{}", row.markdown());
    }
    text
}

/// Three digits that say something.
fn shown(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_stands_beside_what_was_measured_and_a_failure_in_its_place() {
        let met = Row::new("a ratio", "x", vec![1.0, 1.1, 1.05]).at_most(1.05);
        assert_eq!(met.markdown(), "| a ratio | 1.05 x | <= 1.05 x | met | 10 % |");
        let missed = Row::one("a size", "KB", 12.5).at_most(12.0);
        assert_eq!(missed.markdown(), "| a size | 12.5 KB | <= 12.0 KB | **missed** |  |");
        let mut findings = Findings::new("s".into(), "S");
        assert!(findings.attempt("a thing", || anyhow::bail!("it broke") as Result<()>).is_none());
        assert_eq!(findings.rows[0].markdown(), "| a thing | **FAILED: it broke** |  | no figure | |");
        assert_eq!(findings.rows[0].holds(), None);
    }
}
