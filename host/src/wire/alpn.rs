//! Names of protocols that TLS handshakes agree on.

/// HTTP/2 (RFC 9113, section 3.2).
pub const HTTP2: &[u8] = b"h2";
/// HTTP/1.1 (RFC 7301, section 6).
pub const HTTP1: &[u8] = b"http/1.1";
