//! The rules of the wire that several layers share: pure functions over what is received, and who sent it.

pub mod alpn;
pub mod authority;
pub mod coding;
pub mod cookie;
pub mod encoding;
pub mod expect;
pub mod headers;
pub mod location;
pub mod origin;
pub mod path;
pub mod peer;
pub mod proxy_protocol;
pub mod reach;
pub mod trailers;
