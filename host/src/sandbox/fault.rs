//! What can go wrong in a call into a guest.

use thiserror::Error;

use super::deadline::Overrun;
use crate::telemetry::metrics::FaultKind;

/// A call into a plugin failed. The instance is gone; the next call gets another.
#[derive(Debug, Error)]
pub enum Fault {
    /// The guest trapped: a panic, an access out of bounds, a call that is not allowed there.
    #[error("trapped: {0}")]
    Trap(String),
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
            Self::Trap(_) => FaultKind::Trap,
            Self::Deadline(_) => FaultKind::Deadline,
            Self::Memory { .. } => FaultKind::Memory,
            Self::IllegalAnswer(_) => FaultKind::IllegalAnswer,
            Self::Configure(_) | Self::Instantiate(_) | Self::Resting(_) => FaultKind::Instantiation,
            Self::Busy(_) => FaultKind::NoInstance,
        }
    }

    /// Makes a fault of the error that a call ended with.
    pub(super) fn of_call(error: wasmtime::Error, memory_denied: Option<u64>) -> Self {
        if let Some(overrun) = error.downcast_ref::<Overrun>() {
            return Self::Deadline(overrun.to_string());
        }
        if let Some(limit) = memory_denied {
            return Self::Memory { limit };
        }
        Self::Trap(one_line(&error))
    }
}

/// Bytes of a fault's text: a guest names its functions, and a backtrace has many.
const MOST_TEXT: usize = 4 * 1024;

/// The chain of causes, outermost last (wasmtime puts the backtrace outermost).
fn one_line(error: &wasmtime::Error) -> String {
    let causes: Vec<String> = error.chain().map(|cause| cause.to_string()).collect();
    let words = causes.iter().rev().enumerate().flat_map(|(place, cause)| {
        let before = (place > 0).then_some(";");
        before.into_iter().chain(cause.split_whitespace())
    });
    let mut line = String::new();
    for word in words {
        if !line.is_empty() && word != ";" {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > MOST_TEXT {
            line.truncate(line.floor_char_boundary(MOST_TEXT));
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
        let error = wasmtime::Error::msg("out of  bounds\n").context("backtrace:\n  0: f\n");
        assert_eq!(one_line(&error), "out of bounds; backtrace: 0: f");
        let long = wasmtime::Error::msg("x".repeat(1_800_000)).context("\u{e9}".repeat(MOST_TEXT));
        assert_eq!(one_line(&long).len(), MOST_TEXT + 3);
        let many = wasmtime::Error::msg("trap").context("a ".repeat(1_000_000));
        assert!(one_line(&many).len() <= MOST_TEXT + 3);
    }
}
