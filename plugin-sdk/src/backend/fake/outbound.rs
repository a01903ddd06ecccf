//! Answers that the test has prepared, and a record of what was sent. An answer is the last one: no redirect is followed.

use super::counted;
use crate::outbound::{Request, Response, SendError};

/// As in the gateway.
const MOST_REDIRECTS: u8 = 10;

pub(crate) fn send(request: Request) -> Result<Response, SendError> {
    counted(|world| {
        if world.configuring || world.exchange.as_ref().is_none_or(|exchange| exchange.entry.is_some()) {
            return Err(SendError::Unavailable);
        }
        if request.redirects > MOST_REDIRECTS {
            return Err(SendError::Invalid(format!("more than {MOST_REDIRECTS} redirects are not followed")));
        }
        let answer = world.answers.pop_front();
        let answer = answer.unwrap_or_else(|| panic!("no answer is left for {:?}", request.target));
        world.sent.push(request);
        answer
    })
}

pub(crate) fn send_all(requests: Vec<Request>) -> Vec<Result<Response, SendError>> {
    assert!(requests.len() <= 16, "at most 16 requests are sent at once: it traps in the gateway");
    requests.into_iter().map(send).collect()
}
