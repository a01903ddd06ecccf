//! `tollgate match`: which route a request takes, and why the others lost.

use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::config::Config;
use crate::router::{NoRoute, Router, Target};
use crate::wire::path;

/// A request to find the route of.
#[derive(Debug, Args)]
pub(super) struct Request {
    method: Method,
    /// With a host, as in `http://api.example/users/7`, or a path alone.
    url: Uri,
    /// A header of the request, as in `x-version: 2`; may be repeated.
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(HeaderName, HeaderValue)>,
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("a header is written `name: value`")?;
    let name = name.trim().parse().map_err(|_| format!("`{name}` is not a header name"))?;
    let value = value.trim().parse().map_err(|_| format!("`{value}` is not a header value"))?;
    Ok((name, value))
}

/// One line for each route, the one that is taken marked. The error says what is wrong with the request.
pub(super) fn explain(config: &Config, request: &Request) -> Result<String, String> {
    let normal = path::normalise(request.url.path()).map_err(|error| format!("{}: {error}", request.url))?;
    let headers: HeaderMap = request.header.iter().cloned().collect();
    let host = request.url.host().unwrap_or_default().to_ascii_lowercase();
    let target = Target {
        host: host.strip_suffix('.').unwrap_or(&host),
        path: &normal,
        query: request.url.query(),
        method: &request.method,
        headers: &headers,
    };
    let router = Router::new(config.routes.iter().map(|route| route.rule.clone()).collect());
    let mut text = match router.find(&target) {
        Ok(route) => {
            let route = &config.routes[route];
            let chain: Vec<&str> = route.chain.iter().map(|&plugin| &*config.plugins[plugin].name).collect();
            let chain = if chain.is_empty() { String::new() } else { format!("{} -> ", chain.join(" -> ")) };
            format!("route `{}`: {chain}upstream `{}`\n", route.name, config.upstreams[route.upstream].name)
        }
        Err(NoRoute::NotFound) => "no route: 404\n".to_owned(),
        Err(NoRoute::MethodNotAllowed(methods)) => {
            let methods: Vec<&str> = methods.iter().map(Method::as_str).collect();
            format!("no route: 405, Allow: {}\n", methods.join(", "))
        }
    };
    let width = config.routes.iter().map(|route| route.name.chars().count()).max().unwrap_or(0);
    for (route, explanation) in config.routes.iter().zip(router.explain(&target)) {
        text.push_str(&format!("  {:width$}  {}\n", route.name, explanation.outcome));
    }
    Ok(text.trim_end().to_owned())
}
