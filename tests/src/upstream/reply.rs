//! What an upstream does with one request, step by step.

use std::io::{BufReader, Read, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::wire::Wire;
use crate::PATIENCE;

/// Before each byte of what comes slowly.
pub const PAUSE: Duration = Duration::from_millis(20);

/// Steps that are done in their order. Afterwards the connection waits for the next request, unless it was closed.
pub struct Reply(Vec<Step>);

enum Step {
    Send(Vec<u8>),
    Wait(Gate),
    Slowly(Vec<u8>),
    Endlessly(Vec<u8>),
    Hang,
    Close,
    Reset,
}

impl Reply {
    /// 200 with a text and its length.
    pub fn ok(text: &str) -> Self {
        Self::raw(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()))
    }

    /// These bytes, whatever they mean.
    pub fn raw(bytes: impl AsRef<[u8]>) -> Self {
        Self(vec![Step::Send(bytes.as_ref().to_vec())])
    }

    /// Closes the connection without a word.
    pub fn close() -> Self {
        Self(vec![Step::Close])
    }

    /// Resets the connection without a word.
    pub fn reset() -> Self {
        Self(vec![Step::Reset])
    }

    /// These bytes, one after the other, with [`PAUSE`] before each.
    pub fn slowly(bytes: impl AsRef<[u8]>) -> Self {
        Self(Vec::new()).then_slowly(bytes)
    }

    /// Says nothing until the other side leaves.
    pub fn hang() -> Self {
        Self(vec![Step::Hang])
    }

    /// The same, when the gate is open.
    pub fn after(mut self, gate: &Gate) -> Self {
        self.0.insert(0, Step::Wait(gate.clone()));
        self
    }

    /// Further bytes, when the gate is open.
    pub fn then_after(mut self, gate: &Gate, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend([Step::Wait(gate.clone()), Step::Send(bytes.as_ref().to_vec())]);
        self
    }

    /// Closes the connection after it.
    pub fn then_close(mut self) -> Self {
        self.0.push(Step::Close);
        self
    }

    /// Resets the connection after it.
    pub fn then_reset(mut self) -> Self {
        self.0.push(Step::Reset);
        self
    }

    /// Further bytes, one after the other, with [`PAUSE`] before each.
    pub fn then_slowly(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.push(Step::Slowly(bytes.as_ref().to_vec()));
        self
    }

    /// Further bytes, again and again, until the other side leaves.
    pub fn then_endlessly(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.push(Step::Endlessly(bytes.as_ref().to_vec()));
        self
    }

    /// Falls silent after it, until the other side leaves.
    pub fn then_hang(mut self) -> Self {
        self.0.push(Step::Hang);
        self
    }

    /// Answers whether the connection goes on.
    pub(super) fn play(self, stream: &mut BufReader<Wire>) -> bool {
        for step in self.0 {
            let goes_on = match step {
                Step::Send(bytes) => stream.get_mut().write_all(&bytes).is_ok(),
                Step::Wait(gate) => gate.wait(),
                Step::Slowly(bytes) => bytes.chunks(1).all(|byte| {
                    thread::sleep(PAUSE);
                    stream.get_mut().write_all(byte).is_ok()
                }),
                Step::Endlessly(bytes) => {
                    while stream.get_mut().write_all(&bytes).is_ok() {}
                    false
                }
                Step::Hang => stream.read_to_end(&mut Vec::new()).is_err(),
                // It is the last to have the connection, and goes.
                Step::Reset => stream.get_ref().reset_at_end().is_err(),
                Step::Close => stream.get_ref().shutdown().is_err(),
            };
            if !goes_on {
                return false;
            }
        }
        true
    }
}

/// What holds an upstream back until the test lets it go. Clones are the same gate.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn closed() -> Self {
        Self::default()
    }

    pub fn open(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Answers whether it was opened in time.
    fn wait(&self) -> bool {
        let open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(open, PATIENCE, |open| !*open);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
