//! An event as a line.

use std::error::Error;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::findings::Findings;
use crate::telemetry::escape::{Escaping, Quotes, json_string, text_value};
use crate::telemetry::spool::Lane;
use crate::telemetry::timestamp::Timestamp;
use crate::telemetry::{CurrentStyle, Style};

pub(super) struct LogLayer {
    lane: Lane,
    style: Arc<CurrentStyle>,
}

impl LogLayer {
    pub(super) fn new(lane: Lane, style: Arc<CurrentStyle>) -> Self {
        Self { lane, style }
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // Not under the lane's lock: the fields' `Debug` is foreign code, which may log itself.
        let line = line(event, self.style.get(), SystemTime::now());
        self.lane.append(|out, _| out.extend_from_slice(&line));
    }
}

pub(super) fn line(event: &Event<'_>, style: Style, now: SystemTime) -> Vec<u8> {
    let mut fields = Fields { style, message: Vec::new(), rest: Vec::new(), below: Vec::new() };
    event.record(&mut fields);
    let mut out = Vec::with_capacity(96 + fields.message.len() + fields.rest.len() + fields.below.len());
    match style {
        Style::Json => json(&mut out, event, &fields, now),
        Style::Text { colour } => text(&mut out, event, &fields, now, colour),
    }
    out
}

fn json(out: &mut Vec<u8>, event: &Event<'_>, fields: &Fields, now: SystemTime) {
    let level = match *event.metadata().level() {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    };
    out.extend_from_slice(b"{\"time\":\"");
    Timestamp::new().rfc3339(now, out);
    out.extend_from_slice(b"\",\"type\":\"log\",\"level\":");
    json_string(out, level);
    out.extend_from_slice(b",\"target\":");
    json_string(out, event.metadata().target());
    out.extend_from_slice(b",\"message\":\"");
    out.extend_from_slice(&fields.message);
    out.push(b'"');
    out.extend_from_slice(&fields.rest);
    out.extend_from_slice(b"}\n");
}

/// `12:00:01.123 WARN message key=value`; a library's line names it: `12:00:01.123 WARN h2::proto: message`.
fn text(out: &mut Vec<u8>, event: &Event<'_>, fields: &Fields, now: SystemTime, colour: bool) {
    let (ansi, level) = match *event.metadata().level() {
        Level::ERROR => ("\x1b[31m", "ERROR"),
        Level::WARN => ("\x1b[33m", "WARN "),
        Level::INFO => ("\x1b[32m", "INFO "),
        Level::DEBUG => ("\x1b[34m", "DEBUG"),
        Level::TRACE => ("\x1b[35m", "TRACE"),
    };
    let (ansi, reset) = if colour { (ansi, "\x1b[0m") } else { ("", "") };
    Timestamp::new().time_of_day(now, out);
    for part in [" ", ansi, level, reset, " "] {
        out.extend_from_slice(part.as_bytes());
    }
    let target = event.metadata().target();
    if !target.starts_with("tollgate") {
        out.extend_from_slice(target.as_bytes());
        out.extend_from_slice(b": ");
    }
    out.extend_from_slice(&fields.message);
    out.extend_from_slice(&fields.rest);
    out.push(b'\n');
    out.extend_from_slice(&fields.below);
}

/// An event's fields, escaped and in the line's style: the message without quotes, the others ready to be appended.
struct Fields {
    style: Style,
    message: Vec<u8>,
    rest: Vec<u8>,
    /// Whole lines, in text only.
    below: Vec<u8>,
}

impl Fields {
    fn key(&mut self, name: &str) {
        match self.style {
            Style::Json => {
                self.rest.push(b',');
                if matches!(name, "time" | "type" | "level" | "target") {
                    json_string(&mut self.rest, &format!("field_{name}")); // a key must not appear twice
                } else {
                    json_string(&mut self.rest, name);
                }
                self.rest.push(b':');
            }
            Style::Text { .. } => {
                self.rest.push(b' ');
                self.rest.extend_from_slice(name.as_bytes());
                self.rest.push(b'=');
            }
        }
    }

    /// Numbers and truth values, which need no escapes.
    fn bare(&mut self, name: &str, value: fmt::Arguments<'_>) {
        self.key(name);
        io_write(&mut self.rest, value);
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            return self.record_debug(field, &format_args!("{value}"));
        }
        self.key(field.name());
        match self.style {
            Style::Json => json_string(&mut self.rest, value),
            Style::Text { .. } => text_value(&mut self.rest, value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let quotes = if self.style == Style::Json { Quotes::Escaped } else { Quotes::Kept };
            // An error here is the value's own; the line then holds what it wrote before.
            let _ = write!(Escaping { out: &mut self.message, quotes }, "{value:?}");
        } else {
            self.record_str(field, &format!("{value:?}"));
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        match (value.downcast_ref::<Findings>(), self.style) {
            (Some(findings), Style::Json) => {
                self.key(field.name());
                findings.json(&mut self.rest);
            }
            (Some(findings), Style::Text { .. }) => findings.text(&mut self.below),
            (None, _) => self.record_debug(field, &format_args!("{value}")),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field.name(), format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field.name(), format_args!("{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.bare(field.name(), format_args!("{value}"));
        } else {
            self.record_str(field, &value.to_string()); // JSON has no NaN
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field.name(), format_args!("{value}"));
    }
}

fn io_write(out: &mut Vec<u8>, value: fmt::Arguments<'_>) {
    std::io::Write::write_fmt(out, value).expect("a Vec takes every write");
}
