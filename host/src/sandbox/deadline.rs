//! Deadlines of guest calls: a thread that ticks, and the account of one call.
//!
//! The thread advances wasmtime's epoch; compiled code notices at its next loop head or function
//! entry and asks [`Deadline::check`]. Reading the thread's CPU clock is a system call, so a call
//! pays for it only when it lives to see a tick.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::EngineWeak;

/// Advances the epoch of its engines until they or this handle are gone.
pub(super) struct Ticker {
    stop: Arc<AtomicBool>,
    /// One, or two when there are snapshots.
    engines: Arc<Mutex<Vec<EngineWeak>>>,
}

impl Ticker {
    pub(super) fn start(engine: EngineWeak, tick: Duration) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let engines = Arc::new(Mutex::new(vec![engine]));
        let (stopped, ticked) = (stop.clone(), engines.clone());
        thread::Builder::new().name("deadlines".into()).stack_size(64 * 1024).spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                thread::sleep(tick);
                let engines = lock(&ticked);
                let alive = engines.iter().filter_map(EngineWeak::upgrade);
                if alive.map(|engine| engine.increment_epoch()).count() == 0 {
                    return;
                }
            }
        })?;
        Ok(Self { stop, engines })
    }

    /// Advances the epoch of one more engine.
    pub(super) fn tick(&self, engine: EngineWeak) {
        lock(&self.engines).push(engine);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn lock(engines: &Mutex<Vec<EngineWeak>>) -> MutexGuard<'_, Vec<EngineWeak>> {
    engines.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time that one call may take.
#[derive(Debug)]
pub(super) struct Deadline {
    /// CPU time of this thread. An oversubscribed machine takes none of it away.
    cpu: Duration,
    /// Hard limit in wall time.
    wall: Duration,
    configure: bool,
    /// Clocks at the first tick that this call saw, or at the end of its last wait.
    first_tick: Option<(Duration, Instant)>,
    /// What it took before its last wait, on both clocks.
    spent: (Duration, Duration),
}

/// CPU time that `configure` has at least: a thousand entries of configuration take well under 1 ms.
const CONFIGURE_CPU: Duration = Duration::from_millis(50);

/// Why a call was ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Overrun {
    #[error("ran for more than {0:?} of CPU time")]
    Cpu(Duration),
    #[error("ran for more than {0:?}")]
    Wall(Duration),
    #[error("waited for more than {0:?}")]
    Waiting(Duration),
}

impl Deadline {
    pub(super) fn new(cpu: Duration, wall: Duration) -> Self {
        Self { cpu, wall, configure: false, first_tick: None, spent: Default::default() }
    }

    /// A new call begins. `configure` has more time: it may build tables, and it runs seldom.
    pub(super) fn rearm(&mut self, configure: bool) {
        self.first_tick = None;
        self.configure = configure;
        self.spent = Default::default();
    }

    /// The call waits, and the worker's time is that of others.
    pub(super) fn pause(&mut self) {
        if let Some((cpu, clock)) = self.first_tick.take() {
            self.spent.0 += thread_cpu_time().saturating_sub(cpu);
            self.spent.1 += clock.elapsed();
        }
    }

    /// The call goes on. Counts from now on, and not from the next tick: calls that wait again and again may see none.
    pub(super) fn resume(&mut self) {
        self.first_tick = Some((thread_cpu_time(), Instant::now()));
    }

    /// A tick passed during the call.
    pub(super) fn check(&mut self) -> Result<(), Overrun> {
        let cpu = thread_cpu_time();
        let Some((first_cpu, first)) = self.first_tick else {
            self.first_tick = Some((cpu, Instant::now()));
            return Ok(());
        };
        let budget = if self.configure { self.cpu.max(CONFIGURE_CPU) } else { self.cpu };
        if self.spent.0 + cpu.saturating_sub(first_cpu) >= budget {
            return Err(Overrun::Cpu(budget));
        }
        if self.spent.1 + first.elapsed() >= self.wall {
            return Err(Overrun::Wall(self.wall));
        }
        Ok(())
    }
}

fn thread_cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
