//! How the tasks of a connection's requests give the connection itself a turn.

use std::cell::RefCell;
use std::task::{Context, Waker};

#[derive(Debug, Default)]
pub(super) struct Bell(RefCell<Option<Waker>>);

impl Bell {
    /// The connection had a turn.
    pub(super) fn hang(&self, context: &Context<'_>) {
        let mut waker = self.0.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
    }

    pub(super) fn ring(&self) {
        if let Some(waker) = &*self.0.borrow() {
            waker.wake_by_ref();
        }
    }
}
