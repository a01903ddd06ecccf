//! `outbound`: requests of the plugin's own.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use tokio::sync::oneshot::Receiver;
use wasmtime::{Error, Result};

use crate::sandbox::bindings::http::Field;
use crate::sandbox::bindings::outbound as wit;
use crate::sandbox::host::Host;
use crate::sandbox::outbound::{Answer, Asked, Incoming, MOST_AT_ONCE, Outgoing, Said, SendError};

impl wit::Host for Host {
    async fn send(&mut self, request: wit::Request) -> Result<Result<wit::Response, wit::SendError>> {
        let mut answers = self.send_and_wait(vec![request]).await?;
        Ok(answers.pop().expect("there is one answer to one request"))
    }

    async fn send_all(&mut self, requests: Vec<wit::Request>) -> Result<Vec<Result<wit::Response, wit::SendError>>> {
        if requests.len() > MOST_AT_ONCE {
            return Err(Error::msg(format!("sends more than {MOST_AT_ONCE} requests at once")));
        }
        self.send_and_wait(requests).await
    }
}

impl Host {
    async fn send_and_wait(
        &mut self,
        requests: Vec<wit::Request>,
    ) -> Result<Vec<Result<wit::Response, wit::SendError>>> {
        let asked: Vec<Result<Receiver<Answer>, SendError>> = requests
            .into_iter()
            .map(|request| self.outgoing(request).map(|outgoing| self.mailbox.ask(outgoing)))
            .collect();
        // Without a wait its deadline goes on.
        let wait = if asked.iter().any(Result::is_ok) { Some(self.begin_wait()?) } else { None };
        let mut answers = Vec::with_capacity(asked.len());
        // All are under way: which one is waited for first makes no difference.
        for asked in asked {
            answers.push(match asked {
                Ok(answer) => answer.await.unwrap_or(Err(SendError::Timeout)),
                Err(error) => Err(error),
            });
        }
        if let Some(wait) = wait {
            self.end_wait(&wait);
        }
        Ok(answers.into_iter().map(|answer| self.told(answer)).collect())
    }

    /// Counts an answer, and puts it into the contract's form.
    fn told(&self, answer: Answer) -> Result<wit::Response, wit::SendError> {
        self.plugin.metrics.record_sent(self.worker, (&answer).into());
        answer.map(wit::Response::from).map_err(wit::SendError::from)
    }

    fn outgoing(&self, request: wit::Request) -> Result<Outgoing, SendError> {
        if !self.stage.may_wait() {
            return Err(SendError::Unavailable);
        }
        let (Some(policy), Some(exchange)) = (&self.plugin.outbound, &self.exchange) else {
            return Err(SendError::NotGranted);
        };
        let asked = Asked {
            target: request.target,
            method: &request.method,
            fields: request.headers.iter().map(|field| (field.name.as_str(), field.value.as_slice())),
            body: Bytes::from(request.body),
            timeout: request.timeout.map(|millis| Duration::from_millis(millis.into())),
            redirects: request.redirects,
        };
        asked.check(policy, &Said::of(exchange), policy.timeout.saturating_sub(self.waited))
    }
}

impl From<Incoming> for wit::Response {
    fn from(incoming: Incoming) -> Self {
        let field = |(name, value): (&HeaderName, &HeaderValue)| Field {
            name: name.as_str().to_owned(),
            value: value.as_bytes().to_owned(),
        };
        Self {
            status: incoming.status.as_u16(),
            headers: incoming.headers.iter().map(field).collect(),
            body: incoming.body.to_vec(),
        }
    }
}

impl From<SendError> for wit::SendError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Unavailable => Self::Unavailable,
            SendError::NotGranted => Self::NotGranted,
            SendError::Invalid(why) => Self::Invalid(why),
            SendError::NoEndpoint => Self::NoEndpoint,
            SendError::Connect => Self::Connect,
            SendError::Timeout => Self::Timeout,
            SendError::Broken => Self::Broken,
            SendError::TooLarge => Self::TooLarge,
            SendError::Busy => Self::Busy,
            SendError::Redirect(why) => Self::Redirect(why),
        }
    }
}
