use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use super::*;

/// A stream whose reader takes one write for each `()` it is sent, and everything once the sender is gone.
struct Stuck {
    go: Receiver<()>,
    taken: Arc<Mutex<Vec<u8>>>,
    started: Sender<()>,
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.started.send(());
        let _ = self.go.recv();
        locked(&self.taken).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The reader's side: `go` lets it read, `starts` tells that the spool is writing.
struct Reader {
    go: Sender<()>,
    starts: Receiver<()>,
    taken: Arc<Mutex<Vec<u8>>>,
}

fn stuck() -> (Spool, Reader) {
    let ((go, wait), (started, starts), taken) = (channel(), channel(), Arc::default());
    let sink = Stuck { go: wait, taken: Arc::clone(&taken), started };
    (Spool::start("test", Duration::ZERO, sink).expect("a thread"), Reader { go, starts, taken })
}

fn append(lane: &Lane, line: &[u8]) {
    lane.append(|out, _| out.extend_from_slice(line));
}

#[test]
fn a_stuck_reader_costs_lines_and_never_time_or_memory() {
    let (spool, Reader { go, starts, taken }) = stuck();
    let (lane, line) = (spool.lane(), [b'x'; 1_023].iter().chain(b"\n").copied().collect::<Vec<_>>());
    append(&lane, &line);
    starts.recv().expect("the writer is in write() and stays there");
    for _ in 0..4_096 {
        append(&lane, &line);
    }
    assert_eq!(spool.drops().count(), 4_096 - 1_024);
    drop(go);
    drop(spool);
    assert_eq!(locked(&taken).len(), 1_025 * 1_024);
}

#[test]
fn the_end_of_the_process_does_not_wait_for_a_stuck_reader_for_ever() {
    let (spool, reader) = stuck();
    append(&spool.lane(), b"line\n");
    reader.starts.recv().expect("the writer is in write() and stays there");
    let begun = Instant::now();
    drop(spool);
    assert!(begun.elapsed() < FLUSH_LIMIT * 3);
}

#[test]
fn lines_that_the_stream_refuses_are_counted() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let spool = Spool::start("test", Duration::ZERO, Full).expect("a thread");
    let (lane, drops) = (spool.lane(), spool.drops());
    append(&lane, b"one\ntwo\n");
    append(&lane, b"three\n");
    drop(spool);
    assert_eq!(drops.count(), 3);
}

/// A disk on which so many bytes are left.
struct Disk {
    left: usize,
    taken: Vec<u8>,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.left);
        if count == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.left -= count;
        self.taken.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_line_that_a_full_disk_tore_ends_there_and_the_next_is_whole() {
    let (mut disk, mut torn, shared) = (Disk { left: 0, taken: Vec::new() }, false, Shared::default());
    // The room that comes before each line, and how many are lost after it.
    for (room, line, lost) in [
        (6, "one\n", 0),
        (0, "two\n", 1),
        // No room but for the end of what was torn, and then none for more.
        (0, "three\n", 2),
        (1, "four\n", 3),
        (3, "five\n", 4),
        (99, "six\n", 4),
    ] {
        disk.left += room;
        write_batch(&mut disk, line.as_bytes(), &mut torn, &shared);
        assert_eq!(shared.refused.load(Relaxed), lost, "{line}");
    }
    assert_eq!(String::from_utf8_lossy(&disk.taken), "one\ntw\nfiv\nsix\n");
}
