//! The request of the exchange.

use super::{all_bytes, bytes, counted, exchange, raw, single};
use crate::header::{HeaderError, SeveralValues};
use crate::request::WriteError;
use crate::testing::apply;

pub(crate) fn method() -> String {
    exchange(|exchange| exchange.request.method.to_string())
}

pub(crate) fn scheme() -> String {
    exchange(|exchange| exchange.request.scheme.clone())
}

pub(crate) fn authority() -> String {
    exchange(|exchange| exchange.request.authority.clone())
}

pub(crate) fn path() -> String {
    exchange(|exchange| exchange.request.path.clone())
}

pub(crate) fn query() -> Option<String> {
    exchange(|exchange| exchange.request.query.clone())
}

pub(crate) fn header(name: &str) -> Option<Vec<u8>> {
    exchange(|exchange| bytes(&exchange.request.headers, name))
}

pub(crate) fn single_header(name: &str) -> Result<Option<Vec<u8>>, SeveralValues> {
    exchange(|exchange| single(&exchange.request.headers, name))
}

pub(crate) fn header_values(name: &str) -> Vec<Vec<u8>> {
    exchange(|exchange| all_bytes(&exchange.request.headers, name))
}

pub(crate) fn headers() -> Vec<(String, Vec<u8>)> {
    exchange(|exchange| raw(&exchange.request.headers))
}

pub(crate) fn param(name: &str) -> Option<String> {
    exchange(|exchange| exchange.request.params.get(name).cloned())
}

pub(crate) fn client_address() -> String {
    exchange(|exchange| exchange.request.client_address.clone())
}

pub(crate) fn route() -> String {
    exchange(|exchange| exchange.request.route.clone())
}

pub(crate) fn upstream() -> String {
    exchange(|exchange| exchange.request.upstream.clone())
}

pub(crate) fn id() -> String {
    exchange(|exchange| exchange.request.id.clone())
}

pub(crate) fn consumer() -> Option<String> {
    exchange(|exchange| exchange.consumer.clone())
}

pub(crate) fn consumer_groups() -> Vec<String> {
    counted(|world| {
        let consumer = world.exchange().consumer.clone().unwrap_or_default();
        world.groups(&consumer)
    })
}

pub(crate) fn set_header(name: &str, value: &[u8]) -> Result<(), HeaderError> {
    exchange(|exchange| apply::set_header(&mut exchange.request.headers, name, value))
}

pub(crate) fn append_header(name: &str, value: &[u8]) -> Result<(), HeaderError> {
    exchange(|exchange| apply::append_header(&mut exchange.request.headers, name, value))
}

pub(crate) fn remove_header(name: &str) -> Result<(), HeaderError> {
    exchange(|exchange| apply::remove_header(&mut exchange.request.headers, name))
}

pub(crate) fn set_method(method: &str) -> Result<(), WriteError> {
    let method = method.parse().map_err(|_| WriteError::Invalid)?;
    exchange(|exchange| exchange.request.method = method);
    Ok(())
}

pub(crate) fn set_path(path: &str) -> Result<(), WriteError> {
    let path = apply::path(path)?;
    exchange(|exchange| exchange.request.path = path);
    Ok(())
}

pub(crate) fn set_query(query: Option<&str>) -> Result<(), WriteError> {
    let query = query.map(apply::query).transpose()?;
    exchange(|exchange| exchange.request.query = query);
    Ok(())
}

pub(crate) fn steer(upstream: &str) -> Result<(), WriteError> {
    counted(|world| {
        if !world.has_upstream(upstream) {
            return Err(WriteError::Unknown);
        }
        world.exchange().request.upstream = upstream.to_owned();
        Ok(())
    })
}

pub(crate) fn set_note(key: &str, value: &[u8]) -> Result<(), WriteError> {
    exchange(|exchange| exchange.keep(key, value))
}

pub(crate) fn note(key: &str) -> Option<Vec<u8>> {
    exchange(|exchange| exchange.notes.get(key).cloned())
}
