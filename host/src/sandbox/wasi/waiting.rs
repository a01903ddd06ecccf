//! Polls and streams of plugins that speak `wasi:http`, whose calls wait on fibers: those that the library keeps in a table,
//! beside those of every plugin, whose handles are numbers of their own.

use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::io::{poll, streams};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, StreamError, StreamResult};

use super::{READY, STDERR, ready};
use crate::sandbox::host::Host;

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    poll::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    streams::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)
}

/// Whether a stream is one that every plugin has.
fn is_stdio<T: 'static>(stream: &Resource<T>) -> bool {
    stream.rep() <= STDERR
}

impl poll::Host for Host {
    async fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        let ready = ready(&pollables);
        if !ready.is_empty() {
            return Ok(ready);
        }
        self.waiting(async |table: &mut ResourceTable| poll::Host::poll(table, pollables).await).await?
    }
}

impl poll::HostPollable for Host {
    async fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        match pollable.rep() {
            READY => Ok(true),
            _ => poll::HostPollable::ready(&mut self.wasi.table, pollable).await,
        }
    }

    async fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        if pollable.rep() == READY {
            return Ok(());
        }
        self.waiting(async |table: &mut ResourceTable| poll::HostPollable::block(table, pollable).await).await?
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        match pollable.rep() {
            READY => Ok(()),
            _ => poll::HostPollable::drop(&mut self.wasi.table, pollable),
        }
    }
}

impl streams::Host for Host {
    fn convert_stream_error(&mut self, error: StreamError) -> wasmtime::Result<streams::StreamError> {
        streams::Host::convert_stream_error(&mut self.wasi.table, error)
    }
}

/// Standard input is at its end.
impl streams::HostInputStream for Host {
    fn read(&mut self, stream: Resource<DynInputStream>, most: u64) -> StreamResult<Vec<u8>> {
        match is_stdio(&stream) {
            true => Err(StreamError::Closed),
            false => streams::HostInputStream::read(&mut self.wasi.table, stream, most),
        }
    }

    async fn blocking_read(&mut self, stream: Resource<DynInputStream>, most: u64) -> StreamResult<Vec<u8>> {
        if is_stdio(&stream) {
            return Err(StreamError::Closed);
        }
        let wait_for =
            async |table: &mut ResourceTable| streams::HostInputStream::blocking_read(table, stream, most).await;
        self.waiting(wait_for).await.map_err(StreamError::Trap)?
    }

    fn skip(&mut self, stream: Resource<DynInputStream>, most: u64) -> StreamResult<u64> {
        match is_stdio(&stream) {
            true => Err(StreamError::Closed),
            false => streams::HostInputStream::skip(&mut self.wasi.table, stream, most),
        }
    }

    async fn blocking_skip(&mut self, stream: Resource<DynInputStream>, most: u64) -> StreamResult<u64> {
        if is_stdio(&stream) {
            return Err(StreamError::Closed);
        }
        let wait_for =
            async |table: &mut ResourceTable| streams::HostInputStream::blocking_skip(table, stream, most).await;
        self.waiting(wait_for).await.map_err(StreamError::Trap)?
    }

    fn subscribe(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        match is_stdio(&stream) {
            true => Ok(Resource::new_own(READY)),
            false => streams::HostInputStream::subscribe(&mut self.wasi.table, stream),
        }
    }

    async fn drop(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<()> {
        match is_stdio(&stream) {
            true => Ok(()),
            false => streams::HostInputStream::drop(&mut self.wasi.table, stream).await,
        }
    }
}

/// What is printed is a line of the log.
impl streams::HostOutputStream for Host {
    fn check_write(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<u64> {
        match is_stdio(&stream) {
            true => Ok(super::MOST_WRITE_BYTES),
            false => streams::HostOutputStream::check_write(&mut self.wasi.table, stream),
        }
    }

    fn write(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        match is_stdio(&stream) {
            true => self.print(&bytes),
            false => streams::HostOutputStream::write(&mut self.wasi.table, stream, bytes),
        }
    }

    async fn blocking_write_and_flush(
        &mut self,
        stream: Resource<DynOutputStream>,
        bytes: Vec<u8>,
    ) -> StreamResult<()> {
        if is_stdio(&stream) {
            return self.print(&bytes);
        }
        let wait_for = async |table: &mut ResourceTable| {
            streams::HostOutputStream::blocking_write_and_flush(table, stream, bytes).await
        };
        self.waiting(wait_for).await.map_err(StreamError::Trap)?
    }

    fn flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        match is_stdio(&stream) {
            true => Ok(()),
            false => streams::HostOutputStream::flush(&mut self.wasi.table, stream),
        }
    }

    async fn blocking_flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        if is_stdio(&stream) {
            return Ok(());
        }
        let wait_for = async |table: &mut ResourceTable| streams::HostOutputStream::blocking_flush(table, stream).await;
        self.waiting(wait_for).await.map_err(StreamError::Trap)?
    }

    fn subscribe(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        match is_stdio(&stream) {
            true => Ok(Resource::new_own(READY)),
            false => streams::HostOutputStream::subscribe(&mut self.wasi.table, stream),
        }
    }

    fn write_zeroes(&mut self, _stream: Resource<DynOutputStream>, _count: u64) -> StreamResult<()> {
        Err(StreamError::Closed)
    }

    async fn blocking_write_zeroes_and_flush(
        &mut self,
        _stream: Resource<DynOutputStream>,
        _count: u64,
    ) -> StreamResult<()> {
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

    async fn blocking_splice(
        &mut self,
        _stream: Resource<DynOutputStream>,
        _from: Resource<DynInputStream>,
        _most: u64,
    ) -> StreamResult<u64> {
        Err(StreamError::Closed)
    }

    async fn drop(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<()> {
        match is_stdio(&stream) {
            true => Ok(()),
            false => streams::HostOutputStream::drop(&mut self.wasi.table, stream).await,
        }
    }
}
