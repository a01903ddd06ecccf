//! Calls the hooks of bodies as the gateway would.

use super::tester::{Tester, conclude, reach};
use super::world::{self, Piece};
use super::{Hooks, Outcome};
use crate::log::{Level, log};
use crate::{Action, Body, Chunk, ChunkAction};

impl<P: Hooks> Tester<P> {
    /// Calls `on_request_body` with the body of the current exchange's request. Without a [`request`](Self::request) before,
    /// it is that of `GET /`. Answers the body as it goes on; the exchange's request is what
    /// [`Gateway::request`](super::Gateway::request) answers.
    pub fn request_body(&self, body: impl Into<Vec<u8>>) -> Outcome<Vec<u8>> {
        self.whole(body.into(), || self.plugin.on_request_body(&mut crate::Request::new(), &mut Body::new()))
    }

    /// Calls `on_response_body` with the body of the current exchange's response, which was there before:
    /// [`respond`](Self::respond). Answers the body as it goes on.
    pub fn response_body(&self, body: impl Into<Vec<u8>>) -> Outcome<Vec<u8>> {
        self.whole(body.into(), || {
            self.plugin.on_response_body(&crate::Request::new(), &mut crate::Response::new(), &mut Body::new())
        })
    }

    /// Calls `on_request_chunk` with each of these pieces of a request's body; the last one is the end. Answers what goes
    /// on, and whether that is all of it: `false` when the hook stopped it, or failed.
    pub fn request_chunks(&self, chunks: &[impl AsRef<[u8]>]) -> (Vec<u8>, bool) {
        self.chunks(chunks, || self.plugin.on_request_chunk(&crate::Request::new(), &mut Chunk::new()))
    }

    /// As [`request_chunks`](Self::request_chunks), of the response.
    pub fn response_chunks(&self, chunks: &[impl AsRef<[u8]>]) -> (Vec<u8>, bool) {
        self.chunks(chunks, || {
            self.plugin.on_response_chunk(&crate::Request::new(), &crate::Response::new(), &mut Chunk::new())
        })
    }

    fn whole(&self, body: Vec<u8>, hook: impl FnOnce() -> Result<Action, String>) -> Outcome<Vec<u8>> {
        hand(body, true);
        let outcome = conclude(hook, |exchange, _| Ok(exchange.piece.as_ref().expect("it is there").bytes.clone()));
        world::with(|world| world.exchange().piece = None);
        outcome
    }

    fn chunks(&self, chunks: &[impl AsRef<[u8]>], hook: impl Fn() -> Result<ChunkAction, String>) -> (Vec<u8>, bool) {
        let mut passed = Vec::new();
        for (number, chunk) in chunks.iter().enumerate() {
            hand(chunk.as_ref().to_vec(), number + 1 == chunks.len());
            let answer = hook().inspect_err(|text| log(Level::Error, text));
            let piece = world::with(|world| world.exchange().piece.take()).expect("it was handed over");
            match answer {
                Ok(ChunkAction::Next) => passed.extend(piece.bytes),
                Ok(ChunkAction::Stop) | Err(_) => return (passed, false),
            }
        }
        (passed, true)
    }
}

/// Begins a call for a piece of a body.
fn hand(bytes: Vec<u8>, is_last: bool) {
    world::with(|world| {
        reach(world).piece = Some(Piece { bytes, is_last });
        world.calls = 1;
    });
}
