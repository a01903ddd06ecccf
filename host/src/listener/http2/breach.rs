//! Why a connection is closed by the gateway, and what it is told.

use thiserror::Error;

/// ENHANCE_YOUR_CALM (RFC 9113, section 7).
pub const CALM: u32 = 0xb;

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Breach {
    #[error("more frames that ask for nothing than it has earned")]
    Flood,
    #[error("a header block with too many lines")]
    Lines,
    #[error("a header block that did not end in time")]
    Late,
    #[error("many responses, and no window for them")]
    Tiny,
    #[error("many heads that repeat what the table has")]
    Repeats,
    #[error("what was asked for is not taken")]
    Stalled,
    #[error("a frame of a length that its type cannot have")]
    Size,
    #[error("a window larger than any may be")]
    Window,
    #[error("a frame on a stream that the client has ended")]
    Ended,
    #[error("a header block that does not end where it should")]
    Block,
    #[error("a frame that no client may send")]
    Frame,
    #[error("pseudo header fields in trailers")]
    Trailers,
}

impl Breach {
    /// RFC 9113, section 7.
    pub fn code(self) -> u32 {
        match self {
            Self::Frame | Self::Trailers => 0x1,
            Self::Window => 0x3,
            Self::Ended => 0x5,
            Self::Size => 0x6,
            Self::Block => 0x9,
            Self::Flood | Self::Lines | Self::Late | Self::Tiny | Self::Repeats | Self::Stalled => CALM,
        }
    }
}
