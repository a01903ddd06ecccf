//! The response of the exchange.

use super::{all_bytes, bytes, exchange, raw, response};
use crate::Origin;
use crate::header::HeaderError;
use crate::request::WriteError;
use crate::setup::Edit;
use crate::testing::apply;
use crate::testing::message::Fields;

pub(crate) fn status() -> u16 {
    response(|response| response.status.as_u16())
}

pub(crate) fn header(name: &str) -> Option<Vec<u8>> {
    response(|response| bytes(&response.headers, name))
}

pub(crate) fn header_values(name: &str) -> Vec<Vec<u8>> {
    response(|response| all_bytes(&response.headers, name))
}

pub(crate) fn headers() -> Vec<(String, Vec<u8>)> {
    response(|response| raw(&response.headers))
}

pub(crate) fn set_header(name: &str, value: &[u8]) -> Result<(), HeaderError> {
    edit(Edit::set(name, value))
}

pub(crate) fn append_header(name: &str, value: &[u8]) -> Result<(), HeaderError> {
    edit(Edit::append(name, value))
}

pub(crate) fn remove_header(name: &str) -> Result<(), HeaderError> {
    edit(Edit::remove(name))
}

/// Now, or when there is a response.
fn edit(edit: Edit) -> Result<(), HeaderError> {
    exchange(|exchange| match &mut exchange.response {
        Some(response) => apply::edit(&mut response.headers, &edit),
        None => {
            apply::edit(&mut Fields::new(), &edit)?;
            exchange.staged.push(edit);
            Ok(())
        }
    })
}

pub(crate) fn set_status(status: u16) -> Result<(), WriteError> {
    let status = apply::status(status)?;
    response(|response| response.status = status);
    Ok(())
}

pub(crate) fn origin() -> Origin {
    response(|response| response.origin.clone())
}
