//! What a hook answers.

use crate::Reply;

/// What a hook answers.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an action does something only when the hook answers it"]
pub enum Action {
    /// Go on along the chain, with the edits of this call.
    Next,
    /// Answer the client here and now. In `on_response`, replaces the response.
    Reply(Reply),
}

/// What a hook of chunks answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "an action does something only when the hook answers it"]
pub enum ChunkAction {
    /// The chunk goes on, or what was put in its place.
    Next,
    /// The exchange ends here: neither this chunk nor what follows it goes on. A client that has no response yet gets a
    /// 403, another one sees that its response was cut.
    Stop,
}

impl From<Reply> for Action {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}
