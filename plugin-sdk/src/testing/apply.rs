//! Applies the answer of a hook, all or none, and refuses what the gateway refuses.

use super::Response;
use super::world::Exchange;
use crate::edit::{Edit, apply_to_headers};
use crate::{Origin, Reply};
use http::{HeaderName, StatusCode};

/// Hop-by-hop and framing headers: they are the gateway's (RFC 9110, section 7.6.1).
const FORBIDDEN: [&str; 9] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// Applies the edits of one call, or none of them with the reason.
pub(super) fn edits(exchange: &mut Exchange, edits: Vec<Edit>) -> Result<(), String> {
    edits.iter().try_for_each(check)?;
    for edit in edits {
        apply(exchange, edit);
    }
    Ok(())
}

/// The reply as it goes to the client.
pub(super) fn reply(reply: Reply, origin: Origin) -> Result<Response, String> {
    let (status, headers, body) = reply.into_parts();
    check_status(status)?;
    headers.iter().try_for_each(|(name, _)| check_header(name))?;
    Ok(Response { status, headers, body, origin })
}

fn apply(exchange: &mut Exchange, edit: Edit) {
    let request = &mut exchange.request;
    match edit {
        Edit::SetHeader(..) | Edit::AppendHeader(..) | Edit::RemoveHeader(_) => {
            let headers = match &mut exchange.response {
                Some(response) => &mut response.headers,
                None => &mut request.headers,
            };
            apply_to_headers(headers, &edit);
        }
        Edit::SetMethod(method) => request.method = method,
        Edit::SetPath(path) => request.path = path,
        Edit::SetQuery(query) => request.query = query,
        Edit::Steer(upstream) => request.upstream = upstream,
        Edit::SetStatus(status) => {
            if let Some(response) = &mut exchange.response {
                response.status = status;
            }
        }
        Edit::SetNote(key, value) => {
            exchange.notes.insert(key, value);
        }
    }
}

fn check(edit: &Edit) -> Result<(), String> {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    match edit {
        Edit::SetHeader(name, _) | Edit::AppendHeader(name, _) | Edit::RemoveHeader(name) => {
            check_header(name)
        }
        Edit::SetPath(path) if !path.starts_with('/') || path.contains('?') || !plain(path) => {
            Err(format!("`{path}` is no path: percent-encoded, starting with `/`, without a query"))
        }
        Edit::SetQuery(Some(query)) if !plain(query) => {
            Err(format!("`{query}` is no query: percent-encoded, without a fragment"))
        }
        Edit::SetStatus(status) => check_status(*status),
        _ => Ok(()),
    }
}

fn check_header(name: &HeaderName) -> Result<(), String> {
    if FORBIDDEN.contains(&name.as_str()) {
        return Err(format!("the header `{name}` is the gateway's to set"));
    }
    Ok(())
}

fn check_status(status: StatusCode) -> Result<(), String> {
    if !(200..600).contains(&status.as_u16()) {
        return Err(format!("the status {} is not within 200 to 599", status.as_u16()));
    }
    Ok(())
}
