//! What is wrong with a message.

use std::io;

/// Why a head is refused. Its connection is closed: where the next message begins is not known.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    #[error("it does not parse: {0}")]
    Syntax(httparse::Error),
    #[error("it is plain HTTP, and this listener speaks TLS")]
    WithoutTls,
    #[error("a line ends without CR")]
    BareLineFeed,
    #[error("the request target holds a byte that may not stand there")]
    Target,
    #[error("its version is not HTTP/1.0 or HTTP/1.1")]
    Version,
    #[error("the request target is longer than {0} bytes")]
    TargetTooLong(usize),
    #[error("the head is longer than {0} bytes")]
    TooLong(usize),
    #[error("it has more than {0} header fields")]
    TooManyFields(usize),
    #[error("it did not arrive in time")]
    Late,
    #[error("more than one content-length, or one that is no number")]
    ContentLength,
    #[error("content-length beside transfer-encoding")]
    TwoFramings,
    #[error("a transfer-encoding that does not end where `chunked` does")]
    TransferEncoding,
    #[error("a transfer-encoding other than `chunked`")]
    UnknownCoding,
    #[error("a body with a status that has none")]
    UnexpectedBody,
    #[error("bytes past the end of its body")]
    Surplus,
    #[error("its first chunk is not framed as one")]
    FirstChunk,
    #[error("it switches protocols, which nobody asked for")]
    UnaskedUpgrade,
    #[error("it switches to another protocol than was asked for")]
    OtherProtocol,
    #[error("it expects something else than `100-continue`")]
    Expectation,
    #[error("more than {0} interim responses")]
    InterimResponses(usize),
}

/// Why a body has no end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("the connection ended in its middle")]
    Cut,
    #[error("the connection failed")]
    Io(#[from] io::Error),
    #[error("a chunk is not framed as one")]
    Chunk,
    #[error("its trailers are no header fields, too many, or none that may be trailers")]
    Trailers,
    #[error("too little of it came for too long")]
    Late,
}
