//! `request`, `response` and `outcome`: reading and writing the exchange that a call serves.

use http::HeaderMap;
use wasmtime::Result;

use crate::exchange::{self, Edit, Exchange, Origin, ResponseHead};
use crate::sandbox::bindings as wit;
use crate::sandbox::bindings::http::{HeaderError, WriteError};
use crate::sandbox::host::{Host, Stage};
use crate::telemetry::metrics::Hook;

impl wit::http::Host for Host {}

impl wit::request::Host for Host {
    fn method(&mut self) -> Result<String> {
        Ok(self.exchange()?.request.method.as_str().to_owned())
    }

    fn set_method(&mut self, method: String) -> Result<Result<(), WriteError>> {
        Ok(self.request_to_write()?.set_method(&method).map_err(WriteError::from))
    }

    fn scheme(&mut self) -> Result<String> {
        Ok(self.exchange()?.request.scheme.to_owned())
    }

    fn authority(&mut self) -> Result<String> {
        Ok(self.exchange()?.request.authority.to_string())
    }

    fn path(&mut self) -> Result<String> {
        Ok(self.exchange()?.path().to_owned())
    }

    fn set_path(&mut self, path: String) -> Result<Result<(), WriteError>> {
        Ok(self.request_to_write()?.set_path(&path).map_err(WriteError::from))
    }

    fn query(&mut self) -> Result<Option<String>> {
        Ok(self.exchange()?.request.target.query().map(str::to_owned))
    }

    fn set_query(&mut self, query: Option<String>) -> Result<Result<(), WriteError>> {
        Ok(self.request_to_write()?.set_query(query.as_deref()).map_err(WriteError::from))
    }

    fn header(&mut self, name: String) -> Result<Option<Vec<u8>>> {
        Ok(first(&self.exchange()?.request.headers, &name))
    }

    fn single_header(&mut self, name: String) -> Result<Result<Option<Vec<u8>>, ()>> {
        let mut values = self.exchange()?.request.headers.get_all(&name).iter();
        Ok(match (values.next(), values.next()) {
            (value, None) => Ok(value.map(|value| value.as_bytes().to_vec())),
            (_, Some(_)) => Err(()),
        })
    }

    fn header_values(&mut self, name: String) -> Result<Vec<Vec<u8>>> {
        Ok(values(&self.exchange()?.request.headers, &name))
    }

    fn headers(&mut self) -> Result<Vec<wit::http::Field>> {
        Ok(all(&self.exchange()?.request.headers))
    }

    fn set_header(&mut self, name: String, value: Vec<u8>) -> Result<Result<(), HeaderError>> {
        self.edit_request(Edit::set(&name, &value))
    }

    fn append_header(&mut self, name: String, value: Vec<u8>) -> Result<Result<(), HeaderError>> {
        self.edit_request(Edit::append(&name, &value))
    }

    fn remove_header(&mut self, name: String) -> Result<Result<(), HeaderError>> {
        self.edit_request(Edit::remove(&name))
    }

    fn param(&mut self, name: String) -> Result<Option<String>> {
        Ok(self.exchange()?.param(&name).map(str::to_owned))
    }

    fn client_address(&mut self) -> Result<String> {
        Ok(self.exchange()?.client.to_string())
    }

    fn route(&mut self) -> Result<String> {
        let exchange = self.exchange()?;
        Ok(exchange.directory.routes[exchange.route].name.to_string())
    }

    fn upstream(&mut self) -> Result<String> {
        Ok(self.exchange()?.upstream_name().to_owned())
    }

    fn steer(&mut self, upstream: String) -> Result<Result<(), WriteError>> {
        Ok(self.request_to_write()?.steer(&upstream).map_err(WriteError::from))
    }

    fn id(&mut self) -> Result<String> {
        Ok(self.exchange()?.id.to_string())
    }

    fn consumer(&mut self) -> Result<Option<String>> {
        Ok(self.exchange()?.caller().map(|consumer| consumer.name.clone()))
    }

    fn consumer_groups(&mut self) -> Result<Vec<String>> {
        Ok(self.exchange()?.caller().map(|consumer| consumer.groups.clone()).unwrap_or_default())
    }

    fn note(&mut self, key: String) -> Result<Option<Vec<u8>>> {
        let place = self.place;
        Ok(self.exchange()?.note(place, &key).map(<[u8]>::to_vec))
    }

    fn set_note(&mut self, key: String, value: Vec<u8>) -> Result<Result<(), WriteError>> {
        let place = self.place;
        Ok(self.exchange()?.set_note(place, &key, value).map_err(WriteError::from))
    }
}

impl wit::response::Host for Host {
    fn status(&mut self) -> Result<u16> {
        Ok(self.response()?.status.as_u16())
    }

    fn set_status(&mut self, status: u16) -> Result<Result<(), WriteError>> {
        let response = self.response_to_write()?;
        Ok(exchange::status(status).map(|status| response.status = status).map_err(WriteError::from))
    }

    fn header(&mut self, name: String) -> Result<Option<Vec<u8>>> {
        Ok(first(&self.response()?.headers, &name))
    }

    fn header_values(&mut self, name: String) -> Result<Vec<Vec<u8>>> {
        Ok(values(&self.response()?.headers, &name))
    }

    fn headers(&mut self) -> Result<Vec<wit::http::Field>> {
        Ok(all(&self.response()?.headers))
    }

    fn set_header(&mut self, name: String, value: Vec<u8>) -> Result<Result<(), HeaderError>> {
        self.edit_response(Edit::set(&name, &value))
    }

    fn append_header(&mut self, name: String, value: Vec<u8>) -> Result<Result<(), HeaderError>> {
        self.edit_response(Edit::append(&name, &value))
    }

    fn remove_header(&mut self, name: String) -> Result<Result<(), HeaderError>> {
        self.edit_response(Edit::remove(&name))
    }

    fn origin(&mut self) -> Result<wit::response::ResponseOrigin> {
        Ok(match &self.response()?.origin {
            Origin::Upstream => wit::response::ResponseOrigin::Upstream,
            Origin::Plugin(name) => wit::response::ResponseOrigin::Plugin(name.to_string()),
            Origin::Gateway(kind) => wit::response::ResponseOrigin::Gateway((*kind).to_owned()),
        })
    }
}

impl wit::answer::Host for Host {
    fn reply_with(&mut self, reply: wit::http::Reply) -> Result<()> {
        if !self.stage.writes_request() && !self.stage.writes_response() {
            return Err(wasmtime::Error::msg("only a hook whose head was not sent yet can answer with a reply"));
        }
        self.reply = Some(reply);
        Ok(())
    }
}

impl wit::outcome::Host for Host {
    fn status(&mut self) -> Result<Option<u16>> {
        let exchange = self.ended()?;
        Ok(exchange.response.as_ref().map(|response| response.status.as_u16()))
    }

    fn duration(&mut self) -> Result<u64> {
        Ok(u64::try_from(self.ended()?.outcome.duration.as_micros()).unwrap_or(u64::MAX))
    }

    fn request_bytes(&mut self) -> Result<u64> {
        Ok(self.ended()?.outcome.request_bytes)
    }

    fn response_bytes(&mut self) -> Result<u64> {
        Ok(self.ended()?.outcome.response_bytes)
    }

    fn completed(&mut self) -> Result<bool> {
        Ok(self.ended()?.outcome.completed)
    }

    fn endpoint(&mut self) -> Result<Option<String>> {
        Ok(self.ended()?.outcome.endpoint.as_deref().map(str::to_owned))
    }

    fn problem(&mut self) -> Result<Option<String>> {
        Ok(self.ended()?.outcome.problem.map(str::to_owned))
    }
}

impl Host {
    fn request_to_write(&mut self) -> Result<&mut Exchange> {
        if !self.stage.writes_request() {
            return Err(wasmtime::Error::msg(
                "the request can be written only inside `on-request` and `on-request-body`",
            ));
        }
        self.exchange()
    }

    fn edit_request(&mut self, edit: Result<Edit, exchange::HeaderError>) -> Result<Result<(), HeaderError>> {
        let headers = &mut self.request_to_write()?.request.headers;
        Ok(edit.and_then(|edit| edit.apply(headers)).map_err(HeaderError::from))
    }

    /// Now, or when there is a response.
    fn edit_response(&mut self, edit: Result<Edit, exchange::HeaderError>) -> Result<Result<(), HeaderError>> {
        let done = if self.stage.writes_request() {
            let place = self.place;
            let exchange = self.exchange()?;
            edit.and_then(|edit| exchange.stage(place, edit))
        } else {
            let headers = &mut self.response_to_write()?.headers;
            edit.and_then(|edit| edit.apply(headers))
        };
        Ok(done.map_err(HeaderError::from))
    }

    fn response(&mut self) -> Result<&mut ResponseHead> {
        match &mut self.exchange()?.response {
            Some(response) => Ok(response),
            None => Err(wasmtime::Error::msg("there is no response yet")),
        }
    }

    fn response_to_write(&mut self) -> Result<&mut ResponseHead> {
        if !self.stage.writes_response() {
            let message = "the response can be written only inside `on-response` and `on-response-body`";
            return Err(wasmtime::Error::msg(message));
        }
        self.response()
    }

    fn ended(&mut self) -> Result<&Exchange> {
        if self.stage != Stage::Hook(Hook::Log) {
            return Err(wasmtime::Error::msg("the exchange has no outcome before `on-log`"));
        }
        Ok(self.exchange()?)
    }
}

fn first(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    headers.get(name).map(|value| value.as_bytes().to_vec())
}

fn values(headers: &HeaderMap, name: &str) -> Vec<Vec<u8>> {
    headers.get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect()
}

fn all(headers: &HeaderMap) -> Vec<wit::http::Field> {
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| wit::http::Field {
        name: name.as_str().to_owned(),
        value: value.as_bytes().to_vec(),
    };
    headers.iter().map(header).collect()
}

impl From<exchange::HeaderError> for HeaderError {
    fn from(error: exchange::HeaderError) -> Self {
        match error {
            exchange::HeaderError::InvalidName => Self::InvalidName,
            exchange::HeaderError::InvalidValue => Self::InvalidValue,
            exchange::HeaderError::Forbidden => Self::Forbidden,
            exchange::HeaderError::TooMany => Self::TooMany,
        }
    }
}

impl From<exchange::WriteError> for WriteError {
    fn from(error: exchange::WriteError) -> Self {
        match error {
            exchange::WriteError::Invalid => Self::Invalid,
            exchange::WriteError::Unknown => Self::Unknown,
            exchange::WriteError::Full => Self::Full,
        }
    }
}
