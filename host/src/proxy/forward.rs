//! From an exchange to a request for its upstream, and the answer's head.

use http::header::{self, HeaderMap};
use http::uri::PathAndQuery;
use http::{Request, Uri, Version};

use super::admit;
use super::error::ProxyError;
use super::forwarded::{self, Connection};
use super::view::View;
use crate::chain::Run;
use crate::config::{Path, PathTemplate, TemplatePart};
use crate::exchange::Exchange;
use crate::live::Route;
use crate::upstream::{Answer, RequestBody};

/// Sends the request as the chain left it.
pub(super) async fn send(
    view: &View,
    run: &mut Run,
    body: RequestBody,
    connection: &Connection,
) -> Result<Answer, ProxyError> {
    let exchange = run.exchange_mut();
    let route = view.route(exchange.route);
    let target = target(route, exchange)?;
    let request = &mut exchange.request;
    // Plugins that run on the way back may ask for the request's headers, so they are not moved out.
    let mut headers = request.headers.clone();
    headers.remove(header::EXPECT);
    forwarded::write(&mut headers, connection, &exchange.id, request.scheme, &request.authority);
    set_host(route, exchange, &mut headers);

    let mut upstream_request = Request::new(body);
    *upstream_request.method_mut() = exchange.request.method.clone();
    *upstream_request.uri_mut() = Uri::from(target);
    *upstream_request.version_mut() = Version::HTTP_11;
    *upstream_request.headers_mut() = headers;
    let sent = view.upstreams.send(exchange.upstream, upstream_request, route.timeout).await;
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

fn set_host(route: &Route, exchange: &Exchange, headers: &mut HeaderMap) {
    if route.preserve_host {
        admit::host_header(exchange, headers);
    } else {
        headers.remove(header::HOST);
    }
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
        Path::Rewrite(template) => render(template, exchange),
    };
    let text = match target.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    PathAndQuery::try_from(text.as_str()).map_err(|_| ProxyError::Rewrite(text))
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
