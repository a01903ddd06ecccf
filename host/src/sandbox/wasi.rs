//! The part of WASI 0.2 that plugins get.
//!
//! Clocks, random numbers, an empty environment and an empty filesystem come from `wasmtime-wasi`.
//! Streams, polls and stdio are ours: those of the library block on a runtime, which panics inside
//! a worker. What a guest prints becomes log lines; a blocking poll traps; standard input is at its
//! end. There are no sockets. Plugins that import `wasi:http` have the library's polls and streams besides, which wait on
//! their fibers.

mod http;
mod waiting;

use wasmtime::component::{HasData, HasSelf, Linker, Resource, ResourceTable};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksCtxView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::sync::io::{poll, streams};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, io, random, sync};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, StreamError, StreamResult};
use wasmtime_wasi::random::WasiRandom;

pub(super) use self::http::{Http, PROVIDED as HTTP};
use super::host::Host;

/// The interfaces that [`link`] provides, for the message about one that it does not.
pub(super) const PROVIDED: [&str; 6] =
    ["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:http", "wasi:io", "wasi:random"];

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    poll::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    streams::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    link_rest(linker)
}

/// The same for components that import `wasi:http`.
pub(super) fn link_with_http(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    http::link(linker)?;
    waiting::link(linker)?;
    link_rest(linker)
}

fn link_rest(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    clocks::wall_clock::add_to_linker::<Host, WasiClocks>(linker, clocks_of)?;
    clocks::monotonic_clock::add_to_linker::<Host, WasiClocks>(linker, clocks_of)?;
    random::random::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    random::insecure::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    filesystem::preopens::add_to_linker::<Host, WasiFilesystem>(linker, files_of)?;
    sync::filesystem::types::add_to_linker::<Host, WasiFilesystem>(linker, files_of)?;
    io::error::add_to_linker::<Host, HasTable>(linker, |host| &mut host.wasi.table)?;
    cli::exit::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    cli::stdin::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    cli::stdout::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    cli::stderr::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    link_start(linker)
}

/// What Rust's standard library calls before it does anything, and leaves no handle behind: the environment, whether
/// there are terminals, and the seed of hash maps.
pub(super) fn link_start(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    random::insecure_seed::add_to_linker::<Host, WasiRandom>(linker, |host| host.wasi.random())?;
    cli::environment::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    cli::terminal_input::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    cli::terminal_output::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    cli::terminal_stdin::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    cli::terminal_stdout::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    cli::terminal_stderr::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)
}

fn clocks_of(host: &mut Host) -> WasiClocksCtxView<'_> {
    host.wasi.clocks()
}

/// Bytes of random numbers in one answer. The library's own bound is what a whole call may move, 64 MiB.
const MOST_RANDOM_BYTES: u64 = 64 * 1024;

fn bounded(bytes: u64) -> wasmtime::Result<u64> {
    if bytes <= MOST_RANDOM_BYTES {
        return Ok(bytes);
    }
    Err(wasmtime::Error::msg(format!("asked for {bytes} random bytes; at most {MOST_RANDOM_BYTES} are given at once")))
}

impl random::random::Host for Host {
    fn get_random_bytes(&mut self, bytes: u64) -> wasmtime::Result<Vec<u8>> {
        random::random::Host::get_random_bytes(self.wasi.random(), bounded(bytes)?)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        random::random::Host::get_random_u64(self.wasi.random())
    }
}

impl random::insecure::Host for Host {
    fn get_insecure_random_bytes(&mut self, bytes: u64) -> wasmtime::Result<Vec<u8>> {
        random::insecure::Host::get_insecure_random_bytes(self.wasi.random(), bounded(bytes)?)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        random::insecure::Host::get_insecure_random_u64(self.wasi.random())
    }
}

fn files_of(host: &mut Host) -> WasiFilesystemCtxView<'_> {
    WasiFilesystemCtxView { ctx: &mut host.wasi.filesystem, table: &mut host.wasi.table }
}

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

/// Stream handles need no table: their number says which one they are.
const STDIN: u32 = 0;
const STDOUT: u32 = 1;
const STDERR: u32 = 2;

/// Keeps their numbers free in a table that has other streams.
pub(super) fn reserve_stdio(table: &mut ResourceTable) -> wasmtime::Result<()> {
    for number in STDIN..=STDERR {
        let reserved = table.push(())?;
        debug_assert_eq!(reserved.rep(), number, "nothing was in it before");
    }
    Ok(())
}

impl cli::stdin::Host for Host {
    fn get_stdin(&mut self) -> wasmtime::Result<Resource<DynInputStream>> {
        Ok(Resource::new_own(STDIN))
    }
}

impl cli::stdout::Host for Host {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        Ok(Resource::new_own(STDOUT))
    }
}

impl cli::stderr::Host for Host {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        Ok(Resource::new_own(STDERR))
    }
}

impl cli::environment::Host for Host {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }
}

impl cli::exit::Host for Host {
    fn exit(&mut self, _status: Result<(), ()>) -> wasmtime::Result<()> {
        Err(wasmtime::Error::msg("called exit"))
    }

    fn exit_with_code(&mut self, code: u8) -> wasmtime::Result<()> {
        Err(wasmtime::Error::msg(format!("called exit with code {code}")))
    }
}

impl cli::terminal_input::Host for Host {}
impl cli::terminal_output::Host for Host {}

impl cli::terminal_input::HostTerminalInput for Host {
    fn drop(&mut self, _terminal: Resource<cli::terminal_input::TerminalInput>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl cli::terminal_output::HostTerminalOutput for Host {
    fn drop(&mut self, _terminal: Resource<cli::terminal_output::TerminalOutput>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl cli::terminal_stdin::Host for Host {
    fn get_terminal_stdin(&mut self) -> wasmtime::Result<Option<Resource<cli::terminal_input::TerminalInput>>> {
        Ok(None)
    }
}

impl cli::terminal_stdout::Host for Host {
    fn get_terminal_stdout(&mut self) -> wasmtime::Result<Option<Resource<cli::terminal_output::TerminalOutput>>> {
        Ok(None)
    }
}

impl cli::terminal_stderr::Host for Host {
    fn get_terminal_stderr(&mut self) -> wasmtime::Result<Option<Resource<cli::terminal_output::TerminalOutput>>> {
        Ok(None)
    }
}

/// The pollable of a stream, which is always ready. It needs no table either.
const READY: u32 = u32::MAX;

/// A poll would have to wait, and a worker serves all its connections on one thread.
fn would_wait<T>() -> wasmtime::Result<T> {
    Err(wasmtime::Error::msg("tried to sleep or wait; a hook answers at once"))
}

/// Those that are always ready.
fn ready(pollables: &[Resource<DynPollable>]) -> Vec<u32> {
    (0..).zip(pollables).filter(|(_, it)| it.rep() == READY).map(|(place, _)| place).collect()
}

impl poll::Host for Host {
    fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        let ready = ready(&pollables);
        if ready.is_empty() { would_wait() } else { Ok(ready) }
    }
}

impl poll::HostPollable for Host {
    fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        Ok(pollable.rep() == READY)
    }

    fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        if pollable.rep() == READY { Ok(()) } else { would_wait() }
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        if pollable.rep() != READY {
            self.wasi.table.delete(pollable)?;
        }
        Ok(())
    }
}

impl streams::Host for Host {
    fn convert_stream_error(&mut self, error: StreamError) -> wasmtime::Result<streams::StreamError> {
        match error {
            StreamError::Closed => Ok(streams::StreamError::Closed),
            StreamError::LastOperationFailed(error) | StreamError::Trap(error) => Err(error),
        }
    }
}

impl streams::HostInputStream for Host {
    fn read(&mut self, _stream: Resource<DynInputStream>, _most: u64) -> StreamResult<Vec<u8>> {
        Err(StreamError::Closed)
    }

    fn blocking_read(&mut self, _stream: Resource<DynInputStream>, _most: u64) -> StreamResult<Vec<u8>> {
        Err(StreamError::Closed)
    }

    fn skip(&mut self, _stream: Resource<DynInputStream>, _most: u64) -> StreamResult<u64> {
        Err(StreamError::Closed)
    }

    fn blocking_skip(&mut self, _stream: Resource<DynInputStream>, _most: u64) -> StreamResult<u64> {
        Err(StreamError::Closed)
    }

    fn subscribe(&mut self, _stream: Resource<DynInputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        Ok(Resource::new_own(READY))
    }

    fn drop(&mut self, _stream: Resource<DynInputStream>) -> wasmtime::Result<()> {
        Ok(())
    }
}

/// Bytes that one write to stdout or stderr may carry.
const MOST_WRITE_BYTES: u64 = 64 * 1024;

impl Host {
    fn print(&mut self, bytes: &[u8]) -> StreamResult<()> {
        if bytes.len() as u64 > MOST_WRITE_BYTES {
            return Err(StreamError::trap("a write of more bytes than `check-write` permits"));
        }
        let (console, speaker) = self.console();
        console.print(speaker, bytes);
        Ok(())
    }
}

impl streams::HostOutputStream for Host {
    fn check_write(&mut self, _stream: Resource<DynOutputStream>) -> StreamResult<u64> {
        Ok(MOST_WRITE_BYTES)
    }

    fn write(&mut self, _stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        self.print(&bytes)
    }

    fn blocking_write_and_flush(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        streams::HostOutputStream::write(self, stream, bytes)
    }

    fn flush(&mut self, _stream: Resource<DynOutputStream>) -> StreamResult<()> {
        Ok(())
    }

    fn blocking_flush(&mut self, _stream: Resource<DynOutputStream>) -> StreamResult<()> {
        Ok(())
    }

    fn subscribe(&mut self, _stream: Resource<DynOutputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        Ok(Resource::new_own(READY))
    }

    fn write_zeroes(&mut self, _stream: Resource<DynOutputStream>, _count: u64) -> StreamResult<()> {
        Err(StreamError::Closed)
    }

    fn blocking_write_zeroes_and_flush(&mut self, _stream: Resource<DynOutputStream>, _count: u64) -> StreamResult<()> {
        Err(StreamError::Closed)
    }

    fn splice(
        &mut self,
        _stream: Resource<DynOutputStream>,
        _from: Resource<DynInputStream>,
        _most: u64,
    ) -> StreamResult<u64> {
        Err(StreamError::Closed)
    }

    fn blocking_splice(
        &mut self,
        _stream: Resource<DynOutputStream>,
        _from: Resource<DynInputStream>,
        _most: u64,
    ) -> StreamResult<u64> {
        Err(StreamError::Closed)
    }

    fn drop(&mut self, _stream: Resource<DynOutputStream>) -> wasmtime::Result<()> {
        Ok(())
    }
}
