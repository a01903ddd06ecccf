//! Waiting for a condition instead of sleeping.

use std::time::{Duration, Instant};

/// How long anything that has to happen may take, on a machine that does other things as well.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often a condition is looked at that cannot tell by itself.
const LOOK: Duration = Duration::from_millis(5);

/// Returns what `look` finds, as soon as it finds something.
///
/// # Panics
/// When [`PATIENCE`] is over; `what` says what was waited for.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain for {what}");
        std::thread::sleep(LOOK);
    }
}
