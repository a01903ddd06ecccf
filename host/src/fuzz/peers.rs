//! What a load balancer says of a connection's peer.

use crate::wire::proxy_protocol::{Header, parse};

/// Reading stops at the last byte of the header, whatever comes behind it.
pub(super) fn proxy_protocol(bytes: &[u8]) {
    let mut known = 0;
    let header = loop {
        let Some(begun) = bytes.get(..known) else { return };
        match parse(begun) {
            Ok(Header::Partial(more)) => {
                assert!(more > 0, "it waits for nothing");
                known += more;
                assert!(known <= 4096, "{known} bytes");
            }
            Ok(Header::Whole(_)) => break begun,
            Err(_) => return,
        }
    };
    for length in 0..header.len() {
        match parse(&header[..length]) {
            Ok(Header::Partial(more)) => assert!(length + more <= header.len(), "{length} and {more}"),
            other => panic!("{other:?} after {length} bytes of a header"),
        }
    }
    if let Some(longer) = bytes.get(..known + 1) {
        assert!(parse(longer).is_err(), "a header ends in two places");
    }
}
