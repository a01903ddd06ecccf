//! Writes Prometheus' text format: families in the order of the calls, label values escaped, seconds from nanoseconds.

use std::borrow::Cow;
use std::fmt::{Display, Write};

#[derive(Default)]
pub(super) struct Exposition {
    text: String,
    family: Cow<'static, str>,
}

impl Exposition {
    /// Begins a family; the samples that follow are its. `help` is one line.
    pub(super) fn family(&mut self, name: impl Into<Cow<'static, str>>, kind: &'static str, help: &str) {
        self.family = name.into();
        let (name, help) = (&self.family, help.replace('\\', "\\\\"));
        let head = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
        self.text.push_str(&head);
    }

    /// `suffix` is `_bucket`, `_sum`, `_count` or nothing.
    pub(super) fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(&self.family);
        self.text.push_str(suffix);
        for (index, (name, value)) in labels.iter().enumerate() {
            self.text.push(if index == 0 { '{' } else { ',' });
            self.text.push_str(name);
            self.text.push_str("=\"");
            self.label_value(value);
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        self.write(format_args!(" {value}\n"));
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    fn label_value(&mut self, value: &str) {
        for character in value.chars() {
            match character {
                '\\' => self.text.push_str("\\\\"),
                '"' => self.text.push_str("\\\""),
                '\n' => self.text.push_str("\\n"),
                _ => self.text.push(character),
            }
        }
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("a String takes every write");
    }
}

/// Nanoseconds shown as seconds, exactly: a float would round sums that have grown large.
pub(super) struct Seconds(pub(super) u64);

impl Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SECOND: u64 = 1_000_000_000;
        let (whole, nanos) = (self.0 / SECOND, self.0 % SECOND);
        if nanos == 0 {
            return write!(f, "{whole}");
        }
        let fraction = format!("{nanos:09}");
        write!(f, "{whole}.{}", fraction.trim_end_matches('0'))
    }
}
