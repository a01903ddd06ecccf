//! A call that waits: the account of its deadline stops, and the time for waiting runs.

use std::time::Instant;

use crate::sandbox::host::{Host, Stage};
use crate::telemetry::metrics::Hook;

/// A wait that has begun.
pub(in crate::sandbox) struct Wait {
    began: Instant,
}

impl Host {
    /// From now on the worker's time is that of others.
    pub(in crate::sandbox) fn begin_wait(&mut self) -> Wait {
        self.deadline.pause();
        Wait { began: Instant::now() }
    }

    pub(in crate::sandbox) fn end_wait(&mut self, wait: &Wait) {
        let now = Instant::now();
        self.waited += now - wait.began;
        if let Some(exchange) = &mut self.exchange {
            exchange.now = now;
        }
        self.deadline.resume();
    }
}

impl Stage {
    /// Whether the chain waits for the call.
    pub(in crate::sandbox) fn may_wait(self) -> bool {
        match self {
            Self::Hook(Hook::Request | Hook::RequestBody | Hook::Response | Hook::ResponseBody) => true,
            Self::Configure | Self::Hook(Hook::RequestChunk | Hook::ResponseChunk | Hook::Log) => false,
        }
    }
}
