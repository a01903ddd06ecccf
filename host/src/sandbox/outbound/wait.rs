//! A call that waits: the account of its deadline stops, and the time for waiting runs.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use wasmtime::component::ResourceTable;

use crate::sandbox::deadline::Overrun;
use crate::sandbox::host::{Host, Stage};
use crate::telemetry::metrics::Hook;

/// A wait that has begun.
pub(in crate::sandbox) struct Wait {
    began: Instant,
    left: Duration,
    /// Of the whole call.
    most: Duration,
}

/// Requests end with what is left of the time, and who waits is to hear of that before it ends too.
const GRACE: Duration = Duration::from_millis(50);

impl Host {
    /// From now on the worker's time is that of others. An error if this hook cannot wait.
    pub(in crate::sandbox) fn begin_wait(&mut self) -> wasmtime::Result<Wait> {
        let most = match &self.plugin.outbound {
            Some(policy) if self.stage.may_wait() => policy.timeout,
            _ => return Err(wasmtime::Error::msg("tried to sleep or wait where nothing can be waited for")),
        };
        self.deadline.pause();
        Ok(Wait { began: Instant::now(), left: most.saturating_sub(self.waited) + GRACE, most })
    }

    /// The result of what waits for something that the library has in the table of the instance.
    pub(in crate::sandbox) async fn waiting<T>(
        &mut self,
        wait_for: impl AsyncFnOnce(&mut ResourceTable) -> T,
    ) -> wasmtime::Result<T> {
        let wait = self.begin_wait()?;
        let waited_for = wait.limit(wait_for(&mut self.wasi.table)).await;
        self.end_wait(&wait);
        waited_for
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

impl Wait {
    /// What is waited for, or the end of the call when its time is over.
    pub(in crate::sandbox) async fn limit<T>(&self, waited_for: impl Future<Output = T>) -> wasmtime::Result<T> {
        let most = self.most;
        timeout(self.left, waited_for).await.map_err(|_| Overrun::Waiting(most).into())
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
