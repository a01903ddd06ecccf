//! Problems as the log tells them: lines below the event's own in text, a list of objects in JSON.

use std::error::Error;
use std::fmt;

use crate::telemetry::escape::{Quotes, decimal, escaped, json_string};

/// A fault in what the operator wrote, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub file: String,
    /// From 1; `None` stands for the file as a whole.
    pub line: Option<u32>,
    /// From 1, in characters.
    pub column: Option<u32>,
    pub message: String,
    pub help: Option<String>,
}

/// Findings as the value of a field: `problems = findings.value()`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// As a field takes it: what is recorded as an error reaches the log as it is.
    pub fn value(&self) -> &(dyn Error + 'static) {
        self
    }

    /// ` key=".."` would be one endless line: each has its own, and none can pass for another or for a line of the log.
    pub(super) fn text(&self, out: &mut Vec<u8>) {
        for Finding { file, line, column, message, help } in &self.0 {
            out.extend_from_slice(b"  ");
            escaped(out, file, Quotes::Kept);
            for number in line.iter().chain(column) {
                out.push(b':');
                decimal(out, u64::from(*number));
            }
            out.extend_from_slice(b": ");
            escaped(out, message, Quotes::Kept);
            out.push(b'\n');
            if let Some(help) = help {
                out.extend_from_slice(b"    help: ");
                escaped(out, help, Quotes::Kept);
                out.push(b'\n');
            }
        }
    }

    pub(super) fn json(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (at, Finding { file, line, column, message, help }) in self.0.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"{\"file\":" } else { b",{\"file\":" });
            json_string(out, file);
            for (key, number) in [(",\"line\":", line), (",\"column\":", column)] {
                if let Some(number) = number {
                    out.extend_from_slice(key.as_bytes());
                    decimal(out, u64::from(*number));
                }
            }
            out.extend_from_slice(b",\"message\":");
            json_string(out, message);
            if let Some(help) = help {
                out.extend_from_slice(b",\"help\":");
                json_string(out, help);
            }
            out.push(b'}');
        }
        out.push(b']');
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages: Vec<&str> = self.0.iter().map(|finding| finding.message.as_str()).collect();
        f.write_str(&messages.join("; "))
    }
}

impl Error for Findings {}
