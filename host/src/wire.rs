//! The rules of the wire that several layers share: pure functions over heads of messages.

pub mod authority;
pub mod headers;
pub mod path;
