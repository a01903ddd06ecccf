//! The rules of the wire that several layers share: pure functions over heads of messages.

pub mod encoding;
pub mod headers;
pub mod path;
