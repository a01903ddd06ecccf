//! Writes to an exchange, and what the gateway refuses of them.

use super::Response;
use super::message::Fields;
use crate::header::HeaderError;
use crate::request::WriteError;
use crate::setup::Edit;
use crate::{Origin, Reply};
use http::{HeaderName, HeaderValue, StatusCode};

/// Headers that are the gateway's: framing, hop-by-hop (RFC 9110, section 7.6.1), the authority.
const FORBIDDEN: [&str; 10] = [
    "connection",
    "content-length",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub(crate) fn set_header(fields: &mut Fields, name: &str, value: &[u8]) -> Result<(), HeaderError> {
    let field = field(name, value)?;
    fields.retain(|(other, _)| *other != field.0);
    fields.push(field);
    Ok(())
}

pub(crate) fn append_header(fields: &mut Fields, name: &str, value: &[u8]) -> Result<(), HeaderError> {
    fields.push(field(name, value)?);
    Ok(())
}

pub(crate) fn remove_header(fields: &mut Fields, name: &str) -> Result<(), HeaderError> {
    let name = header_name(name)?;
    fields.retain(|(other, _)| *other != name);
    Ok(())
}

/// What `setup` and writes to a response that is still to come ask for.
pub(crate) fn edit(fields: &mut Fields, edit: &Edit) -> Result<(), HeaderError> {
    let has = |fields: &Fields, name: &str| fields.iter().any(|(other, _)| other == name);
    match edit {
        Edit::Remove(name) => remove_header(fields, name),
        Edit::Rename(from, to) if !has(fields, from) || from == to => header_name(from).and(header_name(to)).map(drop),
        Edit::Rename(from, to) => {
            let (from, to) = (header_name(from)?, header_name(to)?);
            fields.retain(|(other, _)| *other != to);
            fields.iter_mut().filter(|(name, _)| *name == from).for_each(|(name, _)| *name = to.clone());
            Ok(())
        }
        Edit::Set(name, value) => set_header(fields, name, value),
        Edit::Add(name, value) if has(fields, name) => field(name, value).map(drop),
        Edit::Add(name, value) | Edit::Append(name, value) => append_header(fields, name, value),
    }
}

/// The path, if it is one. It is not brought into normal form.
pub(crate) fn path(path: &str) -> Result<String, WriteError> {
    let is_path = path.starts_with('/') && !path.contains('?') && is_uri_text(path) && path.len() <= MOST_TARGET_BYTES;
    if is_path { Ok(path.to_owned()) } else { Err(WriteError::Invalid) }
}

/// Of path and query together, in the gateway; here of each.
const MOST_TARGET_BYTES: usize = 65_534;

/// The query, if it is one.
pub(crate) fn query(query: &str) -> Result<String, WriteError> {
    if is_uri_text(query) && query.len() <= MOST_TARGET_BYTES { Ok(query.to_owned()) } else { Err(WriteError::Invalid) }
}

/// The status, if a plugin may set it.
pub(crate) fn status(status: u16) -> Result<StatusCode, WriteError> {
    let status = StatusCode::from_u16(status).ok();
    status.filter(|status| (200..600).contains(&status.as_u16())).ok_or(WriteError::Invalid)
}

/// The reply as it goes to the client, or why it is a fault.
pub(super) fn reply(reply: Reply) -> Result<Response, String> {
    let (code, headers, body) = reply.into_parts();
    let status = status(code.as_u16()).map_err(|_| format!("the status {code} is not a reply's"))?;
    let mut fields = Fields::new();
    for (name, value) in headers {
        append_header(&mut fields, &name, &value)
            .map_err(|error| format!("cannot write the header `{name}`: {error}"))?;
    }
    Ok(Response { status, headers: fields, body, origin: Origin::Plugin("plugin".to_owned()) })
}

fn field(name: &str, value: &[u8]) -> Result<(HeaderName, HeaderValue), HeaderError> {
    let name = header_name(name)?;
    let value = HeaderValue::from_bytes(value).map_err(|_| HeaderError::InvalidValue)?;
    Ok((name, value))
}

fn header_name(name: &str) -> Result<HeaderName, HeaderError> {
    if FORBIDDEN.contains(&name) {
        return Err(HeaderError::Forbidden);
    }
    HeaderName::from_lowercase(name.as_bytes()).map_err(|_| HeaderError::InvalidName)
}

fn is_uri_text(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}
