//! The rules of the wire that several layers share: pure functions over heads of messages.

pub mod headers;
pub mod path;
pub mod trailers;
