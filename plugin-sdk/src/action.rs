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

impl From<Reply> for Action {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}
