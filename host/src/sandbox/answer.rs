//! Checks what a hook answered: from the contract's types to ours, which cannot be wrong.

use bytes::Bytes;
use http::header::HeaderMap;

use super::bindings::http as wit;
use super::fault::Fault;
use crate::exchange::{Reply, append_header, status};

/// What a hook answers.
#[derive(Debug)]
pub enum Action {
    Next,
    Reply(Reply),
    /// Of a chunk hook: the exchange ends here.
    Stop,
}

impl From<wit::ChunkAction> for Action {
    fn from(action: wit::ChunkAction) -> Self {
        match action {
            wit::ChunkAction::Next => Self::Next,
            wit::ChunkAction::Stop => Self::Stop,
        }
    }
}

/// `reply` is what the guest has said in the call.
pub(super) fn check(action: wit::Action, reply: Option<wit::Reply>) -> Result<Action, Fault> {
    match (action, reply) {
        (wit::Action::Next, _) => Ok(Action::Next),
        (wit::Action::Reply, Some(reply)) => check_reply(reply).map(Action::Reply),
        (wit::Action::Reply, None) => Err(Fault::IllegalAnswer("`reply`, of which it has said nothing".into())),
    }
}

fn check_reply(reply: wit::Reply) -> Result<Reply, Fault> {
    let status = status(reply.status)
        .map_err(|_| Fault::IllegalAnswer(format!("status {} is outside 200 to 599", reply.status)))?;
    let mut headers = HeaderMap::with_capacity(reply.headers.len().min(64));
    for header in reply.headers {
        append_header(&mut headers, &header.name, &header.value)
            .map_err(|error| Fault::IllegalAnswer(format!("header `{}`: {error}", header.name.escape_debug())))?;
    }
    Ok(Reply { status, headers, body: Bytes::from(reply.body) })
}
