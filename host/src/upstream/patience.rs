//! How long a response is waited for.
//!
//! What counts is silence: a long upload is no reason to give up as long as it moves. One timer per
//! exchange, none per frame; a timeout between the frames of a response would join here.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::request_body::BodyMeter;

/// Waits for `response`, but not longer than `silence` after the last piece of the request's body
/// was taken: then `None`.
pub(super) async fn within<F: Future>(silence: Duration, meter: &BodyMeter, response: F) -> Option<F::Output> {
    let mut response = pin!(response);
    let mut deadline = Instant::now() + silence;
    loop {
        if let Ok(output) = timeout_at(deadline, response.as_mut()).await {
            return Some(output);
        }
        deadline = meter.last().map(|last| last + silence).filter(|later| *later > deadline)?;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use super::*;
    use crate::upstream::tests::harness::worker;

    #[test]
    fn a_moving_upload_is_waited_for_and_silence_after_it_is_not() {
        worker(async {
            let (meter, silence, started) = (BodyMeter::new(None), Duration::from_millis(20), Instant::now());
            let mut pieces = 2;
            // Asked at the start and at each deadline.
            let upload = poll_fn(|_| {
                if pieces > 0 {
                    pieces -= 1;
                    meter.add(1).expect("no limit");
                }
                Poll::<()>::Pending
            });
            assert!(within(silence, &meter, upload).await.is_none());
            assert!(started.elapsed() >= 2 * silence);
        });
    }
}
