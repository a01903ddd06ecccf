//! Work that takes long, on a thread of its own. It must not know what the work is.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use thiserror::Error;
use tokio::sync::oneshot;

/// Why work was not done.
#[derive(Debug, Error)]
pub(super) enum NotDone {
    #[error("there is no thread for it: {0}")]
    NoThread(io::Error),
    #[error("it panicked: {0}")]
    Panicked(String),
}

/// Lends `tool` to a thread that does `work` with it. It comes back, whatever becomes of the work, unless who waits is
/// dropped; then nobody waits for the work any more, and neither does the end of the process.
///
/// Not tokio's `spawn_blocking`, which panics in its caller when the system has no thread to give.
pub(super) async fn with<T: Send + 'static, R: Send + 'static>(
    tool: T,
    work: impl FnOnce(&mut T) -> R + Send + 'static,
) -> (T, Result<R, NotDone>) {
    // Handed over when there is a thread: what moves into one that does not start is lost.
    let (hand_over, handed_over) = oneshot::channel::<T>();
    let (give_back, given_back) = oneshot::channel();
    let thread = thread::Builder::new().name("reload".to_owned()).spawn(move || {
        let Ok(mut tool) = handed_over.blocking_recv() else { return };
        let done = catch_unwind(AssertUnwindSafe(|| work(&mut tool)));
        let done = done.map_err(|panic| NotDone::Panicked(message(&*panic).to_owned()));
        let _ = give_back.send((tool, done));
    });
    if let Err(error) = thread {
        return (tool, Err(NotDone::NoThread(error)));
    }
    let _ = hand_over.send(tool);
    given_back.await.expect("the thread gives back what it was handed, also after a panic")
}

/// What a panic says.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<R: Send + 'static>(work: impl FnOnce(&mut Vec<u8>) -> R + Send + 'static) -> (Vec<u8>, Result<R, NotDone>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(with(vec![1], work))
    }

    #[test]
    fn what_was_lent_comes_back_with_what_was_made_of_it() {
        let (tool, done) = run(|tool| {
            tool.push(2);
            tool.len()
        });
        assert_eq!((tool, done.expect("it is done")), (vec![1, 2], 2));
    }

    #[test]
    fn a_panic_is_said_and_what_was_lent_comes_back() {
        let (tool, done) = run(|tool| {
            tool.push(2);
            assert!(tool.is_empty(), "{} of them", tool.len());
        });
        assert_eq!(tool, [1, 2]);
        assert_eq!(done.expect_err("it panicked").to_string(), "it panicked: 2 of them");
        let (_, done) = run(|_| std::panic::panic_any(1));
        assert_eq!(done.expect_err("it panicked").to_string(), "it panicked: without a word");
    }
}
