//! The shapes of `guests/wit/hook-form.wit` on the host's side.
#![expect(dead_code, reason = "the works need not all that the shapes have")]

use wasmtime::component::{ComponentType, Lift, Lower, WasmList, WasmStr};

#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) value: Vec<u8>,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Vec<u8>,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub(crate) enum Action {
    #[component(name = "next")]
    Next,
    #[component(name = "reply")]
    Reply(Reply),
}

#[derive(Clone, Copy, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum Flow {
    #[component(name = "next")]
    Next,
    #[component(name = "replied")]
    Replied,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub(crate) enum Edit {
    #[component(name = "set-header")]
    SetHeader(Header),
    #[component(name = "append-header")]
    AppendHeader(Header),
    #[component(name = "remove-header")]
    RemoveHeader(String),
    #[component(name = "set-path")]
    SetPath(String),
    #[component(name = "set-query")]
    SetQuery(Option<String>),
    #[component(name = "set-status")]
    SetStatus(u16),
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Answer {
    pub(crate) edits: Vec<Edit>,
    pub(crate) action: Action,
}

/// [`Header`] that stays in the guest's memory: right for an argument, which the guest cannot
/// change during the call, wrong for a result, which the guest has freed by the time it is read.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct LentHeader {
    pub(crate) name: WasmStr,
    pub(crate) value: WasmList<u8>,
}

/// [`Edit`] that stays in the guest's memory.
#[derive(ComponentType, Lift)]
#[component(variant)]
pub(crate) enum LentEdit {
    #[component(name = "set-header")]
    SetHeader(LentHeader),
    #[component(name = "append-header")]
    AppendHeader(LentHeader),
    #[component(name = "remove-header")]
    RemoveHeader(WasmStr),
    #[component(name = "set-path")]
    SetPath(WasmStr),
    #[component(name = "set-query")]
    SetQuery(Option<WasmStr>),
    #[component(name = "set-status")]
    SetStatus(u16),
}

#[derive(Clone, Copy, ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum HeaderError {
    #[component(name = "name")]
    Name,
    #[component(name = "value")]
    Value,
    #[component(name = "forbidden")]
    Forbidden,
}

#[derive(Clone, Copy, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum Algorithm {
    #[component(name = "token-bucket")]
    TokenBucket,
    #[component(name = "sliding-window")]
    SlidingWindow,
}

#[derive(Clone, Copy, ComponentType, Lift)]
#[component(record)]
pub(crate) struct Quota {
    pub(crate) limit: u64,
    pub(crate) window: u64,
    pub(crate) burst: u64,
    pub(crate) algorithm: Algorithm,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct Standing {
    pub(crate) remaining: u64,
    pub(crate) reset: u64,
    #[component(name = "retry-after")]
    pub(crate) retry_after: u64,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct Decision {
    pub(crate) allowed: bool,
    pub(crate) standings: Vec<Standing>,
}
