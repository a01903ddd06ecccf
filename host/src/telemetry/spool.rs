//! Lines on their way to a stream: bounded buffers that many threads fill and one thread empties.
//!
//! A producer never waits for the stream: its lane is locked only while a line is appended or the buffer is swapped
//! for an empty one. When the reader is stuck the lanes fill, and further lines are dropped and counted.
//! (`tracing-appender` does this with an allocation and a channel send per line, and one write(2) each.)

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use super::timestamp::Timestamp;

/// Bytes that one lane may hold. At 250 bytes a line and a batch every 20 ms: 200,000 lines/s and worker.
const LANE_CAPACITY: usize = 1 << 20;

/// How long the end of the process waits for a stuck reader to take the last lines.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// The writing thread. Dropping it writes what is left, for at most a second.
pub(super) struct Spool {
    shared: Arc<Shared>,
    writer: Thread,
    ended: Receiver<()>,
}

impl Spool {
    /// `linger` is how long the writer lets lines gather after the first one before it writes them together.
    ///
    /// Fails when no thread can be started.
    pub(super) fn start(name: &str, linger: Duration, sink: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (ending, ended) = channel();
        let thread = thread::Builder::new().name(name.to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                let _ending = ending; // dropped, and so seen by `ended`, however this thread ends
                write_until_closed(&shared, linger, sink);
            }
        })?;
        Ok(Self { shared, writer: thread.thread().clone(), ended })
    }

    /// A buffer of one's own. Lines keep their order within a lane, not between lanes.
    pub(super) fn lane(&self) -> Lane {
        let queue = Arc::new(Queue::default());
        locked(&self.shared.queues).push(Arc::clone(&queue));
        Lane { queue, writer: self.writer.clone() }
    }

    pub(super) fn drops(&self) -> Drops {
        Drops(Arc::clone(&self.shared))
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.shared.closing.store(true, Relaxed);
        self.writer.unpark();
        // A timeout means a stuck reader: what it did not take is lost, as it would be without a gateway.
        let _ = self.ended.recv_timeout(FLUSH_LIMIT);
    }
}

/// Where one producer, usually a worker, leaves its lines.
pub(super) struct Lane {
    queue: Arc<Queue>,
    writer: Thread,
}

impl Lane {
    /// Lets `format` append one line, newline included, unless the lane is full. `format` runs under the lane's lock:
    /// it must be quick and must not log.
    pub(super) fn append(&self, format: impl FnOnce(&mut Vec<u8>, &mut Timestamp)) {
        let mut pending = locked(&self.queue.pending);
        if pending.bytes.len() >= LANE_CAPACITY {
            drop(pending);
            self.queue.dropped.fetch_add(1, Relaxed);
            return;
        }
        let first = pending.bytes.is_empty();
        let Pending { bytes, timestamp } = &mut *pending;
        format(bytes, timestamp);
        drop(pending);
        if first {
            self.writer.unpark();
        }
    }
}

/// How many lines of a stream were lost: to a full buffer, or to a stream that refused them.
#[derive(Clone)]
pub struct Drops(Arc<Shared>);

impl Drops {
    pub fn count(&self) -> u64 {
        let full: u64 = locked(&self.0.queues).iter().map(|queue| queue.dropped.load(Relaxed)).sum();
        full + self.0.refused.load(Relaxed)
    }
}

#[derive(Default)]
struct Shared {
    queues: Mutex<Vec<Arc<Queue>>>,
    /// Lines that the stream did not take.
    refused: AtomicU64,
    closing: AtomicBool,
}

#[derive(Default)]
#[repr(align(128))] // a queue per worker: no cache line between two of them
struct Queue {
    pending: Mutex<Pending>,
    dropped: AtomicU64,
}

struct Pending {
    bytes: Vec<u8>,
    timestamp: Timestamp,
}

impl Default for Pending {
    fn default() -> Self {
        Self { bytes: Vec::new(), timestamp: Timestamp::new() }
    }
}

fn write_until_closed(shared: &Shared, linger: Duration, mut sink: impl Write) {
    let (mut batch, mut torn) = (Vec::new(), false);
    loop {
        let closing = shared.closing.load(Relaxed);
        let mut idle = true;
        let queues = locked(&shared.queues).clone();
        for queue in queues {
            std::mem::swap(&mut batch, &mut locked(&queue.pending).bytes);
            if !batch.is_empty() {
                idle = false;
                write_batch(&mut sink, &batch, &mut torn, shared);
                batch.clear();
            }
        }
        if idle && closing {
            return;
        }
        if idle {
            thread::park(); // a lane's first line unparks; one that came since the swap left its token
        }
        if !closing {
            thread::sleep(linger);
        }
    }
}

/// `torn` says that the stream ends in the middle of a line, of which it took no more: a disk was full. That line ends
/// where it was torn, so that the next one is whole, once there is room for both.
fn write_batch(sink: &mut impl Write, batch: &[u8], torn: &mut bool, shared: &Shared) {
    if *torn {
        *torn = write_some(sink, b"\n") == 0;
    }
    let written = if *torn { 0 } else { write_some(sink, batch) };
    let (taken, lost) = batch.split_at(written);
    *torn |= taken.last().is_some_and(|byte| *byte != b'\n');
    // One that was torn is lost, and its end is among the rest.
    let lost = lost.iter().filter(|byte| **byte == b'\n').count();
    shared.refused.fetch_add(lost as u64, Relaxed);
    // Flushing fails only where writing would have failed.
    let _ = sink.flush();
}

/// Answers how many bytes the stream took: all, unless it fails.
fn write_some(sink: &mut impl Write, bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while !rest.is_empty() {
        match sink.write(rest) {
            Ok(written) if written > 0 => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The stream was handed to us non-blocking: its reader is slow, not gone.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(5)),
            Ok(_) | Err(_) => break,
        }
    }
    bytes.len() - rest.len()
}

/// A panic while a lane was locked leaves at worst half a line.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
