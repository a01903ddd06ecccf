//! The settings of wasmtime, and what they are compared with.

use std::time::Duration;

use wasmtime::{Config, Engine, Inlining, PoolingAllocationConfig, Result, Store, UpdateDeadline};

use crate::host::Host;

/// One tick of the epoch.
const TICK: Duration = Duration::from_millis(1);

/// What happens at the deadline of a call.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Deadline {
    /// There is none: guests are compiled without epoch checks.
    None,
    Trap,
    /// A callback that goes on; it does not come to that in these short calls.
    Callback,
    /// The deadline of each call is past when the call begins, so that the callback runs once.
    Expired,
}

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) inlining: Inlining,
    pub(crate) deadline: Deadline,
    pub(crate) pooling: bool,
    /// Whether a handle to the exchange is an entry of the resource table for each call, or a
    /// constant, since the store serves one exchange at a time.
    pub(crate) handle_in_table: bool,
}

/// The settings of the gateway.
pub(crate) const SETTINGS: Settings =
    Settings { inlining: Inlining::No, deadline: Deadline::Callback, pooling: true, handle_in_table: true };

impl Settings {
    pub(crate) fn engine(&self) -> Result<Engine> {
        let mut config = Config::new();
        config
            .concurrency_support(false)
            .compiler_inlining(self.inlining)
            .epoch_interruption(self.deadline != Deadline::None)
            .memory_init_cow(true);
        if self.pooling {
            let mut pool = PoolingAllocationConfig::new();
            pool.total_component_instances(100).total_core_instances(400);
            pool.total_memories(100).total_tables(200).max_memory_size(16 << 20);
            config.allocation_strategy(pool);
        }
        let engine = Engine::new(&config)?;
        let ticking = engine.weak();
        std::thread::spawn(move || {
            while let Some(engine) = ticking.upgrade() {
                engine.increment_epoch();
                std::thread::sleep(TICK);
            }
        });
        Ok(engine)
    }

    pub(crate) fn store(&self, engine: &Engine) -> Store<Host> {
        let mut store = Store::new(engine, Host::new());
        store.limiter(|host| &mut host.limits);
        match self.deadline {
            Deadline::None => {}
            Deadline::Trap => store.epoch_deadline_trap(),
            Deadline::Callback | Deadline::Expired => {
                store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Continue(1_000)));
            }
        }
        self.arm(&mut store);
        store
    }

    /// Sets the deadline of the call to come.
    pub(crate) fn arm(&self, store: &mut Store<Host>) {
        match self.deadline {
            Deadline::None => {}
            Deadline::Trap | Deadline::Callback => store.set_epoch_deadline(1_000),
            Deadline::Expired => store.set_epoch_deadline(0),
        }
    }
}
