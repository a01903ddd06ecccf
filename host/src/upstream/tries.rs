//! The tries of one request at the endpoints of one upstream.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use http::Response;
use http::header::SET_COOKIE;
use http_body::Body;

use super::answer_body::UpstreamBody;
use super::error::UpstreamError;
use super::replay::Replay;
use super::request_body::RequestBody;
use super::retry::{Again, Retry};
use super::{Caller, UpstreamState, attempt};
use crate::http1::client::Request;

/// What became of a request on the way to its response.
#[derive(Clone, Debug, Default)]
pub struct Tries {
    /// Endpoints that it went to, one after the other.
    pub count: u32,
    /// There would have been another one, but for the budget.
    pub over_budget: bool,
    /// The upstream that stood in, if one did.
    pub failover: Option<usize>,
    /// Who answered, as logs show it.
    pub endpoint: Option<Arc<str>>,
}

impl UpstreamState {
    /// Sends a request until it has a response that is kept, or no try is left. `body` stays where it is as long as no
    /// endpoint got the whole head of it.
    pub(super) async fn try_all(
        &self,
        request: Request<'_>,
        body: &mut Option<RequestBody>,
        caller: &Caller<'_>,
        timeouts: attempt::Timeouts,
        tries: &mut Tries,
    ) -> Result<Response<UpstreamBody>, UpstreamError> {
        let mut index = self.choose(caller, &[])?;
        let (replay, timeouts) = match &self.retry {
            Some(retry) => (self.keep(retry, request, body), timeouts.of_one_try(retry)),
            None => (Replay::Impossible, timeouts),
        };
        let mut tried = Vec::new();
        let sent = loop {
            tries.count += 1;
            let sent = attempt::run(&self.endpoints[index], timeouts, request, caller.ends.as_ref(), body).await;
            let Some((retry, again)) = self.after(&sent, request, body, &replay) else { break sent };
            tried.push(index);
            let Some(next) = self.next(retry, caller, &tried, again, tries) else { break sent };
            // What is made good is no warning; who looks for the cause of many tries finds it here.
            let reason = sent.as_ref().map_or_else(UpstreamError::reason, |_| "status");
            tracing::debug!(endpoint = &*self.endpoints[index].text, reason, "a request is sent again");
            index = next;
            let pause = tried.contains(&index).then(|| retry.pause(tried.len()));
            // Boxed, so that requests that are sent once keep no room for it.
            Box::pin(between(sent, replay.is_complete(), pause)).await;
            if body.is_none() {
                *body = replay.again();
            }
        };
        let mut response = sent?;
        tries.endpoint = Some(Arc::clone(&self.endpoints[index].text));
        if let Some(cookie) = self.choice.cookie(index, caller) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// Whether what a try came to may be made good by another one.
    fn after(
        &self,
        sent: &Result<Response<UpstreamBody>, UpstreamError>,
        request: Request<'_>,
        body: &Option<RequestBody>,
        replay: &Replay,
    ) -> Option<(&Retry, Again)> {
        let retry = self.retry.as_ref()?;
        let again = retry.after(sent, request.method, body.is_some())?;
        (body.is_some() || replay.is_possible()).then_some((retry, again))
    }

    /// Keeps the body for further tries, if it may have to be sent again.
    fn keep(&self, retry: &Retry, request: Request<'_>, body: &mut Option<RequestBody>) -> Replay {
        self.budget.deposit(retry.budget);
        Replay::of(body, if retry.keeps(request.method) { retry.buffer } else { 0 })
    }

    /// Where the request goes next, if it may.
    fn next(
        &self,
        retry: &Retry,
        caller: &Caller<'_>,
        tried: &[usize],
        again: Again,
        tries: &mut Tries,
    ) -> Option<usize> {
        if tried.len() >= retry.attempts {
            return None;
        }
        let next = match (self.choose(caller, tried), again) {
            (Ok(other), _) => other,
            (Err(_), Again::Elsewhere) => return None,
            (Err(_), Again::Anywhere) => self.choose(caller, &[]).ok()?,
        };
        if again == Again::Anywhere && !self.budget.withdraw(Instant::now()) {
            tries.over_budget = true;
            return None;
        }
        Some(next)
    }
}

/// Lets go of what a try came to, and waits before the next one.
async fn between(sent: Result<Response<UpstreamBody>, UpstreamError>, complete: bool, pause: Option<Duration>) {
    match sent {
        Ok(unwanted) if complete => discard(unwanted.into_body()).await,
        // What the client still sends would go on being sent there.
        sent => drop(sent),
    }
    if let Some(pause) = pause {
        tokio::time::sleep(pause).await;
    }
}

/// Reads what is there of a response that nobody gets, so that its connection may serve again. What is still to come is
/// not waited for.
async fn discard(mut body: UpstreamBody) {
    let mut left = MOST_DISCARDED;
    poll_fn(|context| {
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(context) {
            let bytes = frame.data_ref().map_or(0, bytes::Bytes::len);
            match left.checked_sub(bytes) {
                Some(rest) => left = rest,
                None => break,
            }
        }
        Poll::Ready(())
    })
    .await;
}

/// Bytes of such a response: a page that says what is wrong.
const MOST_DISCARDED: usize = 64 * 1024;
