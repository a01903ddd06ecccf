//! From an exchange to a request for its upstream, and the answer's head.

use http::header::{self, HeaderValue};
use http::uri::PathAndQuery;

use super::error::ProxyError;
use super::forwarded::{self, Connection};
use super::view::View;
use crate::chain::Run;
use crate::config::{Path, PathTemplate, TemplatePart};
use crate::exchange::Exchange;
use crate::http1::client::{Edit, Fields, Request};
use crate::live::Route;
use crate::upstream::{Answer, RequestBody};
use crate::wire::path;

/// Sends the request as the chain left it.
pub(super) async fn send(
    view: &View,
    run: &mut Run,
    body: RequestBody,
    connection: &Connection,
) -> Result<Answer, ProxyError> {
    let exchange = run.exchange();
    let route = view.route(exchange.route);
    let target = target(route, exchange)?;
    // Plugins that run on the way back may ask for the request's headers, so they stay as the chain left them.
    let mut edits = forwarded::edits(&exchange.request, connection, &exchange.id);
    edits.push((header::EXPECT, None));
    edits.extend(host(route, exchange));
    let upgrade = exchange.request.upgrade.as_deref();
    let fields = Fields { came: &exchange.request.headers, edits: &edits };
    let request = Request { method: &exchange.request.method, target: &target, fields, upgrade };
    let sent = view.upstreams.send(exchange.upstream, request, body, route.timeout).await;
    let outcome = &mut run.exchange_mut().outcome;
    match sent {
        Ok(answer) => {
            outcome.endpoint = Some(answer.endpoint.clone());
            Ok(answer)
        }
        Err(error) => {
            outcome.endpoint = error.endpoint().cloned();
            Err(error.into())
        }
    }
}

/// What becomes of `Host`: without one, the upstream is told its own.
fn host(route: &Route, exchange: &Exchange) -> Option<Edit> {
    if !route.preserve_host {
        return Some((header::HOST, None));
    }
    if exchange.request.headers.contains_key(header::HOST) || exchange.request.authority.is_empty() {
        return None;
    }
    Some((header::HOST, HeaderValue::from_str(&exchange.request.authority).ok()))
}

/// The target that the upstream sees. A plugin that set another path has the last word over a rewrite.
fn target(route: &Route, exchange: &Exchange) -> Result<PathAndQuery, ProxyError> {
    let target = &exchange.request.target;
    let path = match &route.path {
        Path::Keep => return Ok(target.clone()),
        Path::StripPrefix(prefix) => match target.path().strip_prefix(prefix.as_str()) {
            Some("") => "/".to_owned(),
            Some(rest) if rest.starts_with('/') => rest.to_owned(),
            _ => return Ok(target.clone()),
        },
        Path::Rewrite(_) if target.path() != exchange.routed.path() => return Ok(target.clone()),
        Path::Rewrite(template) => {
            let path = render(template, exchange);
            match path::normalise(&path) {
                Ok(normal) => normal.into_owned(),
                Err(_) => return Err(not_a_path(&path)),
            }
        }
    };
    let (length, text) = match target.query() {
        Some(query) => (path.len(), format!("{path}?{query}")),
        None => (path.len(), path),
    };
    match PathAndQuery::try_from(text.as_str()) {
        Ok(target) => Ok(target),
        Err(_) if text.len() > MOST_TARGET => Err(ProxyError::RewriteTooLong(MOST_TARGET)),
        Err(_) => Err(not_a_path(&text[..length])),
    }
}

/// Bytes of a target that `http` takes.
const MOST_TARGET: usize = 65_534;

fn not_a_path(path: &str) -> ProxyError {
    const MOST_SHOWN: usize = 256;
    ProxyError::Rewrite(path.chars().take(MOST_SHOWN).collect())
}

fn render(template: &PathTemplate, exchange: &Exchange) -> String {
    let mut path = String::with_capacity(64);
    for part in &template.parts {
        match part {
            TemplatePart::Literal(literal) => path.push_str(literal),
            TemplatePart::Param(name) => path.push_str(exchange.param(name).unwrap_or_default()),
        }
    }
    path
}
