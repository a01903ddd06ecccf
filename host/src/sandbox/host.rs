//! What the host keeps with each instance: the data of its store.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::clocks::{WasiClocksCtx, WasiClocksCtxView};
use wasmtime_wasi::filesystem::WasiFilesystemCtx;
use wasmtime_wasi::random::WasiRandomCtx;

use super::bindings::http as wit;
use super::condition::Condition;
use super::console::{Console, Speaker};
use super::deadline::Deadline;
use super::outbound::{Mailbox, OutboundPolicy};
use super::wasi::{self, Http};
use crate::config::PluginLimits;
use crate::crypto::Key;
use crate::exchange::{Edit, Exchange};
use crate::state::State;
use crate::telemetry::metrics::{Hook, OwnMetric, PluginMetrics, Series};

/// Data of one store: one instance of one plugin.
pub(super) struct Host {
    pub(super) plugin: Arc<Identity>,
    /// Lent for the time of a call.
    pub(super) exchange: Option<Box<Exchange>>,
    /// What the action `reply` of this call is.
    pub(super) reply: Option<wit::Reply>,
    /// The plugin's place in the chain of the exchange.
    pub(super) place: usize,
    /// Whose numbers it counts on.
    pub(super) worker: usize,
    pub(super) stage: Stage,
    pub(super) declarations: Declarations,
    /// Keys that `configure` has made.
    pub(super) keys: usize,
    /// Those of them that no instance made before.
    pub(super) new_keys: Vec<Key>,
    /// The name of an entry of the store or the limiter, written anew by each call.
    pub(super) entry: String,
    pub(super) deadline: Deadline,
    pub(super) mailbox: Mailbox,
    /// What the current call has waited for answers.
    pub(super) waited: Duration,
    pub(super) memory: MemoryLimit,
    pub(super) console: Console,
    pub(super) wasi: Wasi,
    /// Of an instance whose component imports it.
    pub(super) http: Option<Box<Http>>,
}

/// Who the plugin is and what it shares with its other instances.
#[derive(Debug)]
pub(super) struct Identity {
    /// Under what its state and limits are kept, and what it is called in the log.
    pub(super) scope: Arc<str>,
    pub(super) state: Arc<State>,
    pub(super) metrics: Arc<PluginMetrics>,
    pub(super) outbound: Option<Arc<OutboundPolicy>>,
    /// None while the plugin is loaded, and so of the instance that says what there is.
    pub(super) kept: Option<Kept>,
}

/// What the first `configure` declared that hooks name by a number.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) series: Vec<Arc<Series>>,
    pub(super) keys: Vec<Key>,
}

/// What the guest is being asked, which decides what it may ask back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Configure,
    Hook(Hook),
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Configure => "configure",
            Self::Hook(hook) => hook.name(),
        }
    }

    /// Whether the request's head is still here to be changed.
    pub(super) fn writes_request(self) -> bool {
        matches!(self, Self::Hook(Hook::Request | Hook::RequestBody))
    }

    /// Whether the response's head is still here to be changed.
    pub(super) fn writes_response(self) -> bool {
        matches!(self, Self::Hook(Hook::Response | Hook::ResponseBody))
    }
}

/// What a plugin said in `configure` through `setup`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Declarations {
    /// Request headers that only this plugin may say.
    pub owned: Vec<HeaderName>,
    /// Log hooks are wanted only for exchanges of which the response hook saw no response.
    pub log_unanswered_only: bool,
    /// Request headers that say who the caller is, once the plugin has identified it.
    pub told: Vec<(HeaderName, Fact)>,
    /// What is done to every request, after the request hook.
    pub request_edits: Vec<Edit>,
    /// What is done to every response, before the response hook.
    pub response_edits: Vec<Edit>,
    /// What it counts, in the order of their handles.
    pub metrics: Vec<OwnMetric>,
    /// When a hook is called, if not always.
    pub(super) request_when: Option<Vec<Condition>>,
    pub(super) response_when: Option<Vec<Condition>>,
}

/// What is known of a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    Name,
    Groups,
}

/// Bounds what an instance takes of memory and tables.
#[derive(Debug)]
pub(super) struct MemoryLimit {
    /// Bytes over all memories of the instance.
    most: usize,
    used: usize,
    /// Whether the current call was refused memory.
    denied: bool,
}

impl MemoryLimit {
    /// From now on the memory grows by the host's doing.
    pub(super) fn unbounded(&mut self) {
        self.most = usize::MAX;
    }

    /// The limit in bytes, if the current call ran into it.
    pub(super) fn denied(&self) -> Option<u64> {
        self.denied.then_some(self.most as u64)
    }
}

/// Elements a table may grow to; a component built from Rust has one per function that is called
/// through a pointer.
const MOST_TABLE_ELEMENTS: usize = 20_000;

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, current: usize, desired: usize, _most: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.most {
            self.denied = true;
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _most: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MOST_TABLE_ELEMENTS)
    }
}

/// What WASI keeps for an instance.
pub(super) struct Wasi {
    pub(super) table: ResourceTable,
    pub(super) filesystem: WasiFilesystemCtx,
    clocks: Option<WasiClocksCtx>,
    random: Option<WasiRandomCtx>,
}

impl Wasi {
    /// Made when it is first asked for: most instances never do.
    pub(super) fn random(&mut self) -> &mut WasiRandomCtx {
        self.random.get_or_insert_with(WasiRandomCtx::default)
    }

    pub(super) fn clocks(&mut self) -> WasiClocksCtxView<'_> {
        WasiClocksCtxView { ctx: self.clocks.get_or_insert_with(WasiClocksCtx::default), table: &mut self.table }
    }
}

/// Handles of clocks and streams that a guest can hold; Rust's standard library needs four.
const MOST_WASI_HANDLES: usize = 64;
/// With requests, responses, their headers, bodies and streams.
const MOST_HTTP_HANDLES: usize = 512;

impl Host {
    pub(super) fn new(plugin: Arc<Identity>, limits: &PluginLimits) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MOST_WASI_HANDLES);
        Self {
            plugin,
            exchange: None,
            reply: None,
            place: 0,
            worker: 0,
            stage: Stage::Configure,
            declarations: Declarations::default(),
            keys: 0,
            new_keys: Vec::new(),
            entry: String::new(),
            deadline: Deadline::new(limits.deadline, limits.wall),
            mailbox: Mailbox::default(),
            waited: Duration::ZERO,
            memory: MemoryLimit { most: usize::try_from(limits.memory).unwrap_or(usize::MAX), used: 0, denied: false },
            console: Console::default(),
            wasi: Wasi { table, filesystem: WasiFilesystemCtx::default(), clocks: None, random: None },
            http: None,
        }
    }

    /// Prepares for a component that imports `wasi:http`.
    pub(super) fn speak_http(&mut self) -> wasmtime::Result<()> {
        self.http = Some(Box::new(Http::new(Arc::clone(&self.plugin), self.mailbox.clone())));
        self.wasi.table.set_max_capacity(MOST_HTTP_HANDLES);
        wasi::reserve_stdio(&mut self.wasi.table)
    }

    /// A call begins: fresh deadline, fresh budget of log lines.
    pub(super) fn begin(&mut self, stage: Stage, place: usize, exchange: Option<Box<Exchange>>) {
        self.stage = stage;
        self.place = place;
        self.exchange = exchange;
        self.reply = None;
        self.deadline.rearm(stage == Stage::Configure);
        self.waited = Duration::ZERO;
        if let Some(http) = &mut self.http {
            http.begin(self.worker, self.exchange.as_deref().filter(|_| stage.may_wait()));
        }
        self.memory.denied = false;
        self.console.begin_call();
    }

    /// The console, and who writes to it now.
    pub(super) fn console(&mut self) -> (&mut Console, Speaker<'_>) {
        let exchange = self.exchange.as_deref();
        let speaker = Speaker {
            plugin: &self.plugin.scope,
            hook: self.stage.name(),
            route: exchange.map(Exchange::route_name),
            id: exchange.map(|exchange| &*exchange.id),
        };
        (&mut self.console, speaker)
    }

    /// The exchange that this call serves, or a trap when it serves none.
    pub(super) fn exchange(&mut self) -> wasmtime::Result<&mut Exchange> {
        match self.exchange.as_deref_mut() {
            Some(exchange) => Ok(exchange),
            None => Err(wasmtime::Error::msg("there is no exchange to ask about outside a hook")),
        }
    }
}
