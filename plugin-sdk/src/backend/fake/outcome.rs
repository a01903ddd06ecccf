//! What became of the exchange.

use super::exchange;
use crate::testing::Entry;

pub(crate) fn status() -> Option<u16> {
    entry(|entry| entry.status())
}

pub(crate) fn duration() -> u64 {
    entry(|entry| entry.duration())
}

pub(crate) fn request_bytes() -> u64 {
    entry(|entry| entry.request_bytes())
}

pub(crate) fn response_bytes() -> u64 {
    entry(|entry| entry.response_bytes())
}

pub(crate) fn completed() -> bool {
    entry(|entry| entry.completed())
}

pub(crate) fn endpoint() -> Option<String> {
    entry(|entry| entry.endpoint())
}

pub(crate) fn problem() -> Option<String> {
    entry(|entry| entry.problem())
}

fn entry<T>(read: impl FnOnce(&Entry) -> T) -> T {
    exchange(|exchange| read(exchange.entry.as_ref().expect("the exchange is not over yet")))
}
