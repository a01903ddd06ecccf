//! What can go wrong in a call into a guest.

use thiserror::Error;

use super::deadline::Overrun;
use crate::telemetry::metrics::FaultKind;

/// A call into a plugin failed. The instance is gone; the next call gets another.
#[derive(Debug, Error)]
pub enum Fault {
    /// The guest trapped: an access out of bounds, a call that is not allowed there.
    #[error("trapped: {0}")]
    Trap(String),
    #[error("panicked at {0}")]
    Panic(String),
    /// A hook answered an error.
    #[error("failed: {0}")]
    Error(String),
    #[error("passed its deadline: {0}")]
    Deadline(String),
    #[error("wanted more memory than its limit of {limit} bytes")]
    Memory { limit: u64 },
    #[error("answered with something illegal: {0}")]
    IllegalAnswer(String),
    #[error("refused, in a new instance, the configuration that it had accepted: {0}")]
    Configure(String),
    #[error("no instance could be made: {0}")]
    Instantiate(String),
    /// The last attempt failed a moment ago, and another is not made yet.
    #[error("no instance is made again so soon: {0}")]
    Resting(String),
    /// Every instance is in use and the queue is full, or the wait took too long.
    #[error("all of its {0} instances are in use")]
    Busy(usize),
}

impl Fault {
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Trap(_) | Self::Panic(_) => FaultKind::Trap,
            Self::Error(_) => FaultKind::Error,
            Self::Deadline(_) => FaultKind::Deadline,
            Self::Memory { .. } => FaultKind::Memory,
            Self::IllegalAnswer(_) => FaultKind::IllegalAnswer,
            Self::Configure(_) | Self::Instantiate(_) | Self::Resting(_) => FaultKind::Instantiation,
            Self::Busy(_) => FaultKind::NoInstance,
        }
    }

    /// Makes a fault of the error that a call ended with.
    pub(super) fn of_call(error: &wasmtime::Error, memory_denied: Option<u64>) -> Self {
        if let Some(overrun) = error.downcast_ref::<Overrun>() {
            return Self::Deadline(overrun.to_string());
        }
        if let Some(limit) = memory_denied {
            return Self::Memory { limit };
        }
        match error.downcast_ref::<Failed>() {
            Some(Failed::Error(text)) => Self::Error(text.clone()),
            Some(Failed::Panic(text)) => Self::Panic(text.clone()),
            None => Self::Trap(one_line(error)),
        }
    }
}

/// A guest ended the call itself.
#[derive(Debug, Error)]
pub(super) enum Failed {
    #[error("failed")]
    Error(String),
    #[error("panicked")]
    Panic(String),
}

/// How wasmtime begins a backtrace, which is for the author of the plugin.
const BACKTRACE: &str = "error while executing at wasm backtrace";

/// The chain of causes, outermost last, without the backtrace.
fn one_line(error: &wasmtime::Error) -> String {
    let causes = error.chain().map(|cause| cause.to_string()).filter(|cause| !cause.starts_with(BACKTRACE));
    let causes: Vec<String> = causes.collect();
    cut(&causes.iter().rev().map(|cause| cause.trim()).collect::<Vec<_>>().join("; "))
}

/// Where in the guest's code a call ended, if that is known.
pub(super) fn backtrace(error: &wasmtime::Error) -> Option<String> {
    let cause = error.chain().map(|cause| cause.to_string()).find(|cause| cause.starts_with(BACKTRACE))?;
    Some(cut(&cause))
}

/// A text as one line of at most 4 KiB: a guest names its functions, and a backtrace has many.
fn cut(text: &str) -> String {
    const MOST: usize = 4 * 1024;
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > MOST {
            line.truncate(line.floor_char_boundary(MOST));
            line.push_str(" ..");
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_one_line_of_bounded_length() {
        let error = wasmtime::Error::msg("out of  bounds\n").context("the call ended");
        assert_eq!(one_line(&error), "out of bounds; the call ended");
        for long in ["x".repeat(1_800_000), "\u{e9}".repeat(1_000_000), "a ".repeat(1_000_000)] {
            assert!(one_line(&wasmtime::Error::msg(long)).len() <= 4 * 1024 + 3);
        }
    }
}
