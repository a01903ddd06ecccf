//! What came of a call.

use super::Response;
use std::fmt::Debug;

/// What came of a call of a hook.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an outcome is there to be checked"]
pub enum Outcome<T> {
    /// It goes on, edited like this.
    Next(T),
    /// The plugin answered the client.
    Reply(Response),
    /// The hook answered an error, or something that the gateway refuses: `on-error` applies.
    Fault(String),
}

impl<T: Debug> Outcome<T> {
    /// What goes on; fails the test if nothing does.
    #[track_caller]
    pub fn next(self) -> T {
        match self {
            Self::Next(message) => message,
            other => panic!("expected that it goes on, but: {other:?}"),
        }
    }

    /// The reply; fails the test if there is none.
    #[track_caller]
    pub fn reply(self) -> Response {
        match self {
            Self::Reply(reply) => reply,
            other => panic!("expected a reply, but: {other:?}"),
        }
    }

    /// The text of the fault; fails the test if there is none.
    #[track_caller]
    pub fn fault(self) -> String {
        match self {
            Self::Fault(text) => text,
            other => panic!("expected a fault, but: {other:?}"),
        }
    }
}
