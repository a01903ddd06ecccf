//! From an exchange to a request for its upstream, and the answer's head.

use std::rc::Rc;

use http::Response;
use http::header::{self, HeaderValue};
use http::uri::PathAndQuery;

use super::Proxy;
use super::decode;
use super::error::{ClientError, ProxyError};
use super::forwarded::{self, Connection};
use super::mirror;
use super::view::View;
use crate::chain::Run;
use crate::config::{Path, PathTemplate, TemplatePart};
use crate::exchange::Exchange;
use crate::http1::client::{Edit, Fields, Request};
use crate::live::Route;
use crate::upstream::{Caller, RequestBody, Tries, UpstreamBody};
use crate::wire::path;

/// Sends the request as the chain left it.
pub(super) async fn send(
    proxy: &Proxy,
    view: &Rc<View>,
    run: &mut Run,
    body: RequestBody,
    connection: &Connection,
) -> Result<Response<UpstreamBody>, ProxyError> {
    let exchange = run.exchange();
    let route = view.route(exchange.route);
    let target = target(route, exchange)?;
    // Plugins that run on the way back may ask for the request's headers, so they stay as the chain left them.
    let mut edits = forwarded::edits(&exchange.request, connection, &exchange.id);
    edits.push((header::EXPECT, None));
    edits.extend(host(route, exchange));
    if route.chain.decoding().response.is_some() {
        edits.extend(decode::edits(&exchange.request.headers));
    }
    let upgrade = exchange.request.upgrade.as_deref();
    let fields = Fields { came: &exchange.request.headers, edits: &edits };
    let takes_trailers = exchange.request.takes_trailers;
    let request = Request { method: &exchange.request.method, target: &target, fields, takes_trailers, upgrade };
    let upstream = exchange.upstream.expect("only what has an upstream is sent");
    let (headers, ends) = (&exchange.request.headers, connection.ends(exchange.client));
    let caller = Caller { headers, address: exchange.client, secure: exchange.request.scheme == "https", ends };
    let meter = Rc::clone(body.meter());
    let mirroring = mirror::begin(proxy, view, exchange.route, request, &body);
    let mut tries = Tries::default();
    let sent = view.upstreams.send(upstream, request, body, &caller, route.timeout, &mut tries).await;
    if let Some(mirroring) = mirroring {
        mirroring.start(proxy, request, &caller, &meter);
    }
    let outcome = &mut run.exchange_mut().outcome;
    (outcome.tries, outcome.failover) = (tries.count, tries.failover);
    if tries.count > 1 || tries.over_budget || tries.failover.is_some() {
        let metrics = &proxy.metrics;
        metrics.retries.add(u64::from(tries.count.saturating_sub(1)));
        metrics.retries_over_budget.add(u64::from(tries.over_budget));
        metrics.failovers.add(u64::from(tries.failover.is_some()));
    }
    outcome.endpoint = match &sent {
        Ok(_) => tries.endpoint,
        Err(error) => error.endpoint().cloned(),
    };
    Ok(sent?)
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
        Path::Rewrite(template) => rendered(template, exchange)?,
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
pub(super) const MOST_TARGET: usize = 65_534;

fn not_a_path(path: &str) -> ProxyError {
    const MOST_SHOWN: usize = 256;
    ProxyError::Rewrite(path.chars().take(MOST_SHOWN).collect())
}

/// The path that a template makes, in its normal form.
pub(super) fn rendered(template: &PathTemplate, exchange: &Exchange) -> Result<String, ProxyError> {
    let mut path = String::with_capacity(64);
    template.parts.iter().for_each(|part| path.push_str(part_of(part, exchange)));
    // The template was looked at when it was loaded, so it is for what the params stand for, which the client said.
    Ok(path::joined(&path).map_err(ClientError::from)?.into_owned())
}

/// What a part of a template stands for.
pub(super) fn part_of<'e>(part: &'e TemplatePart, exchange: &'e Exchange) -> &'e str {
    match part {
        TemplatePart::Literal(literal) => literal,
        TemplatePart::Param(name) => exchange.param(name).unwrap_or_default(),
        TemplatePart::Path => exchange.path(),
    }
}
