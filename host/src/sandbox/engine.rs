//! The wasmtime engine: its settings, its compile cache, its clock.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime::{Cache, CacheConfig, Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::component::{Component, LoadError};
use super::deadline::Ticker;
use super::host::Host;
use super::{imports, wasi};

/// How often deadlines are looked at. A guest may overrun its budget by one tick.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// What components are linked with.
type HostLinker = Arc<Linker<Host>>;

/// Sizes that are fixed when the process starts.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Instances that can live at once, over all plugins and workers.
    pub instances: u32,
    /// The most memory that one instance can be given, in bytes.
    pub memory: usize,
    /// Where compiled components are kept between runs; none compiles anew each time.
    pub cache: Option<PathBuf>,
}

/// Compiles components and makes instances of them. One for the life of the process; cloning it
/// is cheap.
#[derive(Clone)]
pub struct Engine {
    pub(super) wasmtime: wasmtime::Engine,
    linker: HostLinker,
    /// For components that import `wasi:http`, whose polls wait.
    http_linker: HostLinker,
    pub(super) settings: EngineSettings,
    ticker: Arc<Ticker>,
    /// The engine of snapshots; none before the first.
    uncached: Arc<Mutex<Option<Engine>>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A component larger than this is not compiled. Bundled plugins take 20 to 150 KB; compiling takes
/// time and memory in proportion.
const MOST_COMPONENT_BYTES: usize = 16 * 1024 * 1024;

impl Engine {
    /// Reserves the address space of all instances and starts the clock of the deadlines.
    pub fn new(settings: EngineSettings) -> Result<Self, LoadError> {
        let wasmtime = engine(&settings).map_err(LoadError::engine)?;
        let (linker, http_linker) = linkers(&wasmtime).map_err(LoadError::engine)?;
        let ticker = Arc::new(Ticker::start(wasmtime.weak(), TICK).map_err(LoadError::Ticker)?);
        Ok(Self { wasmtime, linker, http_linker, settings, ticker, uncached: Arc::default() })
    }

    /// An engine that keeps nothing on the disk, with as many slots again and the same clock. wasmtime has its cache
    /// per engine, and what is compiled there for a snapshot holds secrets.
    pub(super) fn uncached(&self) -> Result<Self, LoadError> {
        if self.settings.cache.is_none() {
            return Ok(self.clone());
        }
        let mut uncached = self.uncached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = &*uncached {
            return Ok(engine.clone());
        }
        let settings = EngineSettings { cache: None, ..self.settings.clone() };
        let wasmtime = engine(&settings).map_err(LoadError::engine)?;
        let (linker, http_linker) = linkers(&wasmtime).map_err(LoadError::engine)?;
        self.ticker.tick(wasmtime.weak());
        let ticker = Arc::clone(&self.ticker);
        let engine = Self { wasmtime, linker, http_linker, settings, ticker, uncached: Arc::default() };
        Ok(uncached.insert(engine).clone())
    }

    /// What a component is linked with.
    pub(super) fn linker(&self, speaks_http: bool) -> HostLinker {
        Arc::clone(if speaks_http { &self.http_linker } else { &self.linker })
    }

    /// Instances that can live at once.
    pub fn slots(&self) -> usize {
        self.settings.instances as usize
    }

    /// Compiles a component and looks at what it exports and imports. Takes 10 to 500 ms, or a few
    /// when the cache knows it: not for a worker's thread.
    pub fn compile(&self, bytes: &[u8]) -> Result<Component, LoadError> {
        if bytes.len() > MOST_COMPONENT_BYTES {
            return Err(LoadError::TooLarge { bytes: bytes.len(), most: MOST_COMPONENT_BYTES });
        }
        Component::compile(self, bytes)
    }
}

/// Without and with `wasi:http`.
fn linkers(engine: &wasmtime::Engine) -> wasmtime::Result<(HostLinker, HostLinker)> {
    let linker = |wasi: fn(&mut Linker<Host>) -> wasmtime::Result<()>| -> wasmtime::Result<_> {
        let mut linker = Linker::new(engine);
        imports::link(&mut linker)?;
        wasi(&mut linker)?;
        Ok(Arc::new(linker))
    };
    Ok((linker(wasi::link)?, linker(wasi::link_with_http)?))
}

fn engine(settings: &EngineSettings) -> wasmtime::Result<wasmtime::Engine> {
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(settings)))
        .memory_init_cow(true)
        .epoch_interruption(true)
        // Futures and streams of the component model: 0.5 us a call, and unused here.
        .concurrency_support(false)
        // A worker's stack has 2 MiB; guests nest on it. A fiber's has room for the host besides.
        .max_wasm_stack(512 * 1024)
        .async_stack_size(1024 * 1024)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(20));
    if let Some(folder) = &settings.cache {
        let mut cache = CacheConfig::new();
        cache.with_directory(folder);
        config.cache(Some(Cache::new(cache)?));
    }
    wasmtime::Engine::new(&config)
}

fn pooling(settings: &EngineSettings) -> PoolingAllocationConfig {
    // A component built from Rust has one core module with one memory and one or two tables, and a
    // few adapter modules without any.
    const CORE_INSTANCES_PER_COMPONENT: u32 = 8;
    const TABLES_PER_COMPONENT: u32 = 4;
    let mut pooling = PoolingAllocationConfig::new();
    pooling
        .total_component_instances(settings.instances)
        .total_core_instances(settings.instances.saturating_mul(3))
        .total_memories(settings.instances)
        .total_tables(settings.instances.saturating_mul(2))
        // Of calls that wait: address space, and what they have used.
        .total_stacks(settings.instances)
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_memories_per_component(1)
        .max_tables_per_component(TABLES_PER_COMPONENT)
        .max_memory_size(settings.memory)
        .table_elements(20_000)
        // What an instance wrote is copied back when it ends; beyond this, its pages go back to the system.
        .linear_memory_keep_resident(64 * 1024)
        .table_keep_resident(4 * 1024)
        // Linux 6.7 and later say which pages were written: that halves what a fresh instance costs.
        .pagemap_scan(Enabled::Auto);
    pooling
}
