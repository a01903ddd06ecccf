//! What goes by on an HTTP/2 connection, in both directions.

use std::time::{Duration, Instant};

use crate::listener::http2::breach::Breach;
use crate::listener::http2::streams::Timeouts;
use crate::listener::http2::watch::{Limits, Watch};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const TIMEOUT: Duration = Duration::from_secs(10);

/// Neither the verdict nor what is known afterwards depends on how the bytes are cut, which the first byte says.
pub(super) fn frames(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let now = Instant::now();
    let (mut whole, mut pieces) = (watch(now), watch(now));
    let end = says(&mut whole, bytes, now);
    let ends = bytes.chunks(usize::from(*cut) + 1).try_for_each(|bytes| says(&mut pieces, bytes, now));
    assert_eq!(end, ends, "it depends on how the bytes are cut");
    assert_eq!((whole.highest(), whole.is_waiting()), (pieces.highest(), pieces.is_waiting()));
    // The other way they are as good as any.
    let _ = whole.sent(bytes, now);
    for seconds in 0..30 {
        let mut stalled = Vec::new();
        let _ = whole.look(seconds % 2 == 0, now + Duration::from_secs(seconds), &mut stalled);
        assert!(stalled.iter().all(|stalled| stalled.number <= whole.highest()), "{stalled:?}");
    }
}

fn watch(now: Instant) -> Watch {
    let timeouts = Timeouts { rate: 100, write: TIMEOUT, body: TIMEOUT };
    let mut watch = Watch::new(Limits { streams: 100, lines: 100, header_timeout: TIMEOUT, timeouts }, now);
    assert_eq!(watch.received(PREFACE, now), Ok(PREFACE.len()));
    watch
}

fn says(watch: &mut Watch, mut bytes: &[u8], now: Instant) -> Result<(), Breach> {
    while !bytes.is_empty() {
        let taken = watch.received(bytes, now)?;
        assert!((1..=bytes.len()).contains(&taken), "{taken} of {} bytes", bytes.len());
        assert!(watch.farewell().is_none_or(|at| at < taken && bytes[at] == 7), "{:?}", watch.farewell());
        bytes = &bytes[taken..];
    }
    Ok(())
}
