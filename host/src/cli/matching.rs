//! `tollgate match`: which route a request takes, and why the others lost.

use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::config::{Config, Destination, Split};
use crate::proxy::{self, ProxyError};
use crate::router::{NoRoute, Router, Target};

/// A request to find the route of.
#[derive(Debug, Args)]
pub(super) struct Request {
    /// Such as `GET` or `POST`, in upper case.
    method: Method,
    /// With a host, as in `http://api.example/users/7`, or a path alone.
    #[arg(value_parser = url)]
    url: Uri,
    /// A header of the request, as in `x-version: 2`; may be repeated.
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(HeaderName, HeaderValue)>,
    /// The name of the listener that it comes through; without it, one that no route asks for.
    #[arg(long, short, value_name = "NAME")]
    listener: Option<String>,
}

fn url(text: &str) -> Result<Uri, String> {
    if !text.starts_with('/') && !text.contains("://") {
        return Err(format!("write `/{text}` or `http://host/{text}`"));
    }
    text.parse().map_err(|error| format!("this is not a URL: {error}"))
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("a header is written `name: value`")?;
    let name = name.trim().parse().map_err(|_| format!("`{name}` is not a header name"))?;
    let value = value.trim().parse().map_err(|_| format!("`{value}` is not a header value"))?;
    Ok((name, value))
}

/// What becomes of a request.
pub(super) struct Explanation {
    /// One line for each route, the one that is taken marked.
    pub(super) text: String,
    /// Whether a route takes it.
    pub(super) is_taken: bool,
}

/// The error says what is wrong with the request.
pub(super) fn explain(config: &Config, request: &Request) -> Result<Explanation, String> {
    let refused = |error: ProxyError| {
        format!("{} {}: {error}; the gateway answers {}", request.method, request.url, error.status())
    };
    let (host, seen) = proxy::seen(&request.method, &request.url).map_err(refused)?;
    if let Some(name) = &request.listener {
        is_there(name, config)?;
    }
    let headers: HeaderMap = request.header.iter().cloned().collect();
    let target = Target {
        listener: request.listener.as_deref(),
        host: &host,
        path: seen.path(),
        query: seen.query(),
        method: &request.method,
        headers: &headers,
    };
    let router = Router::new(config.routes.iter().map(|route| route.rule.clone()).collect());
    let found = router.find(&target);
    let is_taken = found.is_ok();
    let mut text = match found {
        Ok(route) => {
            let route = &config.routes[route];
            let chain: Vec<&str> = route.chain.iter().map(|&plugin| &*config.plugins[plugin].name).collect();
            let chain = if chain.is_empty() { String::new() } else { format!("{} -> ", chain.join(" -> ")) };
            let end = match &route.destination {
                Destination::Upstream(split) => upstreams(split, config),
                Destination::Redirect(redirect) => format!("redirect {}", redirect.status.as_u16()),
                Destination::Respond(respond) => format!("respond {}", respond.status.as_u16()),
            };
            format!("route `{}`: {chain}{end}\n", route.name)
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
    Ok(Explanation { text: text.trim_end().to_owned(), is_taken })
}

/// Where a route's requests go, with the weights if they are split.
fn upstreams(split: &Split, config: &Config) -> String {
    let named = |(upstream, weight): &(usize, u32)| match split.parts() {
        [_] => format!("upstream `{}`", config.upstreams[*upstream].name),
        _ => format!("upstream `{}` ({weight})", config.upstreams[*upstream].name),
    };
    split.parts().iter().map(named).collect::<Vec<_>>().join(" or ")
}

/// A listener that is not there would explain nothing.
fn is_there(name: &str, config: &Config) -> Result<(), String> {
    let names: Vec<&str> = config.listeners.iter().filter_map(|listener| listener.name.as_deref()).collect();
    match names.contains(&name) {
        true => Ok(()),
        false if names.is_empty() => Err("no listener of the configuration has a name".to_owned()),
        false => Err(format!("no listener is named `{name}`; there are `{}`", names.join("`, `"))),
    }
}
