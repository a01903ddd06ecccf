//! How a test calls a hook that a plugin may or may not have.

use crate::{Action, Body, Chunk, ChunkAction, LogEntry, Plugin, Request, Response};

/// The hooks of a plugin; one that it does not write goes on. `#[plugin]` implements it.
pub trait Hooks: Plugin {
    /// Calls `on_request`, if there is one.
    #[doc(hidden)]
    fn on_request(&self, _request: &mut Request) -> Result<Action, String> {
        Ok(Action::Next)
    }

    /// Calls `on_response`, if there is one.
    #[doc(hidden)]
    fn on_response(&self, _request: &Request, _response: &mut Response) -> Result<Action, String> {
        Ok(Action::Next)
    }

    /// Calls `on_request_body`, if there is one.
    #[doc(hidden)]
    fn on_request_body(&self, _request: &mut Request, _body: &mut Body) -> Result<Action, String> {
        Ok(Action::Next)
    }

    /// Calls `on_response_body`, if there is one.
    #[doc(hidden)]
    fn on_response_body(
        &self,
        _request: &Request,
        _response: &mut Response,
        _body: &mut Body,
    ) -> Result<Action, String> {
        Ok(Action::Next)
    }

    /// Calls `on_request_chunk`, if there is one.
    #[doc(hidden)]
    fn on_request_chunk(&self, _request: &Request, _chunk: &mut Chunk) -> Result<ChunkAction, String> {
        Ok(ChunkAction::Next)
    }

    /// Calls `on_response_chunk`, if there is one.
    #[doc(hidden)]
    fn on_response_chunk(
        &self,
        _request: &Request,
        _response: &Response,
        _chunk: &mut Chunk,
    ) -> Result<ChunkAction, String> {
        Ok(ChunkAction::Next)
    }

    /// Calls `on_log`, if there is one.
    #[doc(hidden)]
    fn on_log(&self, _entry: &LogEntry) -> Result<(), String> {
        Ok(())
    }
}

/// One function of an `impl Hooks`.
#[doc(hidden)]
#[macro_export]
macro_rules! __testing_hook {
    (on_request) => {
        fn on_request(
            &self,
            request: &mut $crate::Request,
        ) -> ::core::result::Result<$crate::Action, ::std::string::String> {
            let answer = <Self as $crate::hook::OnRequest>::on_request(self, request);
            $crate::hook::IntoAction::into_action(answer)
        }
    };
    (on_response) => {
        fn on_response(
            &self,
            request: &$crate::Request,
            response: &mut $crate::Response,
        ) -> ::core::result::Result<$crate::Action, ::std::string::String> {
            let answer = <Self as $crate::hook::OnResponse>::on_response(self, request, response);
            $crate::hook::IntoAction::into_action(answer)
        }
    };
    (on_request_body) => {
        fn on_request_body(
            &self,
            request: &mut $crate::Request,
            body: &mut $crate::Body,
        ) -> ::core::result::Result<$crate::Action, ::std::string::String> {
            let answer = <Self as $crate::hook::OnRequestBody>::on_request_body(self, request, body);
            $crate::hook::IntoAction::into_action(answer)
        }
    };
    (on_response_body) => {
        fn on_response_body(
            &self,
            request: &$crate::Request,
            response: &mut $crate::Response,
            body: &mut $crate::Body,
        ) -> ::core::result::Result<$crate::Action, ::std::string::String> {
            let answer = <Self as $crate::hook::OnResponseBody>::on_response_body(self, request, response, body);
            $crate::hook::IntoAction::into_action(answer)
        }
    };
    (on_request_chunk) => {
        fn on_request_chunk(
            &self,
            request: &$crate::Request,
            chunk: &mut $crate::Chunk,
        ) -> ::core::result::Result<$crate::ChunkAction, ::std::string::String> {
            let answer = <Self as $crate::hook::OnRequestChunk>::on_request_chunk(self, request, chunk);
            $crate::hook::IntoChunkAction::into_chunk_action(answer)
        }
    };
    (on_response_chunk) => {
        fn on_response_chunk(
            &self,
            request: &$crate::Request,
            response: &$crate::Response,
            chunk: &mut $crate::Chunk,
        ) -> ::core::result::Result<$crate::ChunkAction, ::std::string::String> {
            let answer = <Self as $crate::hook::OnResponseChunk>::on_response_chunk(self, request, response, chunk);
            $crate::hook::IntoChunkAction::into_chunk_action(answer)
        }
    };
    (on_log) => {
        fn on_log(&self, entry: &$crate::LogEntry) -> ::core::result::Result<(), ::std::string::String> {
            let answer = <Self as $crate::hook::OnLog>::on_log(self, entry);
            $crate::hook::IntoLogged::into_logged(answer)
        }
    };
}
