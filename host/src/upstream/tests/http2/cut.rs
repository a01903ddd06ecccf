//! Responses that an endpoint cuts, at every byte.

use std::rc::Rc;

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::endpoint::*;
use crate::upstream::tests::harness::*;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:status: 200`, with a length if it is told, and 20 pieces of a body.
fn response(tells_length: bool) -> Vec<u8> {
    // RFC 7541: an indexed field, and one with an indexed name and a literal value, without an entry in the table.
    let fields: &[u8] = if tells_length { b"\x88\x0f\x0d\x03200" } else { b"\x88" };
    let mut bytes = frame(HEADERS, END_HEADERS, 1, fields);
    for piece in 0..20 {
        let flags = if piece == 19 { END_STREAM } else { 0 };
        bytes.extend(frame(DATA, flags, 1, b"some text "));
    }
    bytes
}

/// Answers the first request with these bytes and what follows, and closes.
async fn answer(mut stream: TcpStream, bytes: &[u8]) {
    let mut preface = [0; 24];
    let mut head = [0; 9];
    if stream.read_exact(&mut preface).await.is_err() || stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.is_err() {
        return;
    }
    while stream.read_exact(&mut head).await.is_ok() {
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).await.expect("a whole frame");
        let said = match (head[3], head[4]) {
            (SETTINGS, 0) => frame(SETTINGS, 1, 0, &[]),
            (PING, 0) => frame(PING, 1, 0, &payload),
            (HEADERS, _) => {
                stream.write_all(bytes).await.expect("it is open");
                stream.shutdown().await.expect("it is open");
                // A reset would take with it what was not read yet.
                let _ = stream.read_to_end(&mut Vec::new()).await;
                return;
            }
            _ => continue,
        };
        stream.write_all(&said).await.expect("it is open");
    }
}

/// How the body of the response fails, in one word.
async fn problem(bytes: Vec<u8>) -> Option<&'static str> {
    let bytes: Rc<[u8]> = bytes.into();
    let endpoint = Endpoint::with(move |stream, _| {
        let bytes = Rc::clone(&bytes);
        async move { answer(stream, &bytes).await }
    })
    .await;
    let response = endpoint.worker().get("/").await.ok()?.response;
    response.into_body().collect().await.err()?.problem()
}

#[test]
fn a_cut_says_whether_what_came_was_not_valid() {
    worker(async {
        // The head and one piece.
        let begun = &response(true)[..16 + 19];
        let reset = frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]);
        assert_eq!(problem([begun, &reset].concat()).await, Some("upstream-reset"));
        // Fewer bytes than were told.
        let end = frame(DATA, END_STREAM, 1, b"");
        assert_eq!(problem([begun, &end].concat()).await, Some("upstream-malformed"));
    });
}

/// The body of the response, if it looks whole.
async fn body(bytes: Vec<u8>) -> Option<String> {
    let bytes: Rc<[u8]> = bytes.into();
    let endpoint = Endpoint::with(move |stream, _| {
        let bytes = Rc::clone(&bytes);
        async move { answer(stream, &bytes).await }
    })
    .await;
    text(endpoint.worker().get("/").await.ok()?.response).await.ok()
}

#[test]
fn no_response_that_is_cut_looks_whole() {
    for tells_length in [false, true] {
        worker(async {
            let whole = response(tells_length);
            assert_eq!(body(whole.clone()).await.as_deref(), Some("some text ".repeat(20).as_str()));
            for at in 0..whole.len() {
                assert_eq!(body(whole[..at].to_vec()).await, None, "{at} of {}", whole.len());
            }
        });
    }
}

#[test]
fn a_farewell_in_the_middle_makes_no_whole_response() {
    worker(async {
        let whole = response(false);
        for pieces in 0..20 {
            let begun = &whole[..10 + pieces * 19];
            for code in [0_u8, 2, 8] {
                let goaway = frame(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, code]);
                let reset = frame(RST_STREAM, 0, 1, &[0, 0, 0, code]);
                for farewell in [goaway, reset] {
                    assert_eq!(body([begun, &farewell].concat()).await, None, "{pieces} pieces, code {code}");
                }
            }
        }
    });
}
