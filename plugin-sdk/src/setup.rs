//! Declares what the plugin owns and always reads. Only inside `configure`; needs no grant.

use crate::backend;
use crate::header::{self, AsHeaderName};
use http::HeaderName;
use std::cell::RefCell;

thread_local! {
    static DECLARED: RefCell<Declared> = const { RefCell::new(Declared::NOTHING) };
}

/// The headers whose values come with a call, in their order.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub(crate) request: Vec<HeaderName>,
    pub(crate) response: Vec<HeaderName>,
}

impl Declared {
    pub(crate) const NOTHING: Self = Self { request: Vec::new(), response: Vec::new() };
}

/// The plugin is the only one who may say this request header: the gateway strips every copy that
/// a client sends, in any case and with `_` or `.` for `-`, on every route, before any plugin runs.
///
/// # Panics
/// When the string is not a legal header name.
#[track_caller]
pub fn own_header(name: impl AsHeaderName) {
    backend::setup::own_header(header::name(&name).as_str());
}

/// The request header comes with every call of `on_request`: cheaper when most calls read it.
///
/// # Panics
/// When the string is not a legal header name.
#[track_caller]
pub fn read_header(name: impl AsHeaderName) {
    let name = header::name(&name);
    if request_position(&name).is_none() {
        backend::setup::read_header(name.as_str());
        DECLARED.with_borrow_mut(|declared| declared.request.push(name));
    }
}

/// The response header comes with every call of `on_response`.
///
/// # Panics
/// When the string is not a legal header name.
#[track_caller]
pub fn read_response_header(name: impl AsHeaderName) {
    let name = header::name(&name);
    if response_position(&name).is_none() {
        backend::setup::read_response_header(name.as_str());
        DECLARED.with_borrow_mut(|declared| declared.response.push(name));
    }
}

/// Where the value of a declared request header stands among those that come with a call.
pub(crate) fn request_position(name: &HeaderName) -> Option<usize> {
    DECLARED.with_borrow(|declared| declared.request.iter().position(|other| other == name))
}

/// Where the value of a declared response header stands among those that come with a call.
pub(crate) fn response_position(name: &HeaderName) -> Option<usize> {
    DECLARED.with_borrow(|declared| declared.response.iter().position(|other| other == name))
}

/// What the plugin that was just configured has declared.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn declared() -> Declared {
    DECLARED.with_borrow(Clone::clone)
}

/// Makes these the declarations: a test may have configured other plugins on this thread.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn restore(declared: &Declared) {
    DECLARED.set(declared.clone());
}
