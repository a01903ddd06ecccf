//! The hooks as traits. The `#[plugin]` macro implements one for each hook that a plugin writes;
//! only tests need to name them.

use crate::{Action, Body, Chunk, ChunkAction, LogEntry, Plugin, Reply, Request, Response};
use std::fmt::Display;

/// A plugin that sees requests.
pub trait OnRequest: Plugin {
    /// What the hook is written to answer.
    type Answer: IntoAction;

    /// Runs before the request goes to the upstream.
    fn on_request(&self, request: &mut Request) -> Self::Answer;
}

/// A plugin that sees responses.
pub trait OnResponse: Plugin {
    /// What the hook is written to answer.
    type Answer: IntoAction;

    /// Runs before the response goes to the client, whoever made it.
    fn on_response(&self, request: &Request, response: &mut Response) -> Self::Answer;
}

/// A plugin that sees whole bodies of requests.
pub trait OnRequestBody: Plugin {
    /// What the hook is written to answer.
    type Answer: IntoAction;

    /// Runs with the whole body, before the request goes to the upstream.
    fn on_request_body(&self, request: &mut Request, body: &mut Body) -> Self::Answer;
}

/// A plugin that sees whole bodies of responses.
pub trait OnResponseBody: Plugin {
    /// What the hook is written to answer.
    type Answer: IntoAction;

    /// Runs with the whole body, before the response goes to the client.
    fn on_response_body(&self, request: &Request, response: &mut Response, body: &mut Body) -> Self::Answer;
}

/// A plugin that sees bodies of requests piece by piece.
pub trait OnRequestChunk: Plugin {
    /// What the hook is written to answer.
    type Answer: IntoChunkAction;

    /// Runs with each piece on its way to the upstream.
    fn on_request_chunk(&self, request: &Request, chunk: &mut Chunk) -> Self::Answer;
}

/// A plugin that sees bodies of responses piece by piece.
pub trait OnResponseChunk: Plugin {
    /// What the hook is written to answer.
    type Answer: IntoChunkAction;

    /// Runs with each piece on its way to the client.
    fn on_response_chunk(&self, request: &Request, response: &Response, chunk: &mut Chunk) -> Self::Answer;
}

/// A plugin that sees what became of an exchange.
pub trait OnLog: Plugin {
    /// What the hook is written to answer.
    type Answer: IntoLogged;

    /// Runs once, after the last byte of the response.
    fn on_log(&self, entry: &LogEntry) -> Self::Answer;
}

/// What `on_request`, `on_response` and the hooks of whole bodies may answer.
#[diagnostic::on_unimplemented(
    message = "a hook cannot answer `{Self}`",
    label = "answer `Action`, `Reply`, or `Result` of one of them with an error that is `Display`"
)]
pub trait IntoAction {
    /// The action, or the text of the fault.
    fn into_action(self) -> Result<Action, String>;
}

impl IntoAction for Action {
    fn into_action(self) -> Result<Action, String> {
        Ok(self)
    }
}

impl IntoAction for Reply {
    fn into_action(self) -> Result<Action, String> {
        Ok(self.into())
    }
}

impl<A: Into<Action>, E: Display> IntoAction for Result<A, E> {
    fn into_action(self) -> Result<Action, String> {
        self.map(Into::into).map_err(|error| error.to_string())
    }
}

/// What the hooks of chunks may answer.
#[diagnostic::on_unimplemented(
    message = "a hook of chunks cannot answer `{Self}`",
    label = "answer `ChunkAction`, or a `Result` of it with an error that is `Display`"
)]
pub trait IntoChunkAction {
    /// The action, or the text of the fault.
    fn into_chunk_action(self) -> Result<ChunkAction, String>;
}

impl IntoChunkAction for ChunkAction {
    fn into_chunk_action(self) -> Result<ChunkAction, String> {
        Ok(self)
    }
}

impl<E: Display> IntoChunkAction for Result<ChunkAction, E> {
    fn into_chunk_action(self) -> Result<ChunkAction, String> {
        self.map_err(|error| error.to_string())
    }
}

/// What `on_log` may answer.
#[diagnostic::on_unimplemented(
    message = "`on_log` cannot answer `{Self}`",
    label = "answer nothing, or `Result<(), E>` with an error that is `Display`"
)]
pub trait IntoLogged {
    /// Nothing, or the text of the fault.
    fn into_logged(self) -> Result<(), String>;
}

impl IntoLogged for () {
    fn into_logged(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Display> IntoLogged for Result<(), E> {
    fn into_logged(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}
