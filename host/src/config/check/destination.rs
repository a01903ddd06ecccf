//! Checks where the way of a route's requests ends: exactly one of `upstream`, `redirect` and `respond`.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::names::Names;
use super::template::{HOST, Template};
use crate::config::form::{self, Status};
use crate::config::node::Text;
use crate::config::problem::{Place, Problem, closest, quote};
use crate::config::read::Placed;
use crate::config::{Destination, Mirror, Origin, PathTemplate, Redirect, Respond, Split, TemplatePart};
use crate::router::PathPattern;
use crate::wire;

/// Header fields of a fixed response.
const MOST_FIELDS: usize = 64;
/// Bytes of a fixed response's body. It is in memory for good.
const MOST_BODY: usize = 1024 * 1024;

/// `None`: a problem has been noted.
pub(super) fn destination(
    form: &form::Route,
    pattern: Option<&PathPattern>,
    upstreams: &Names<'_>,
    about: &str,
    problems: &mut Vec<Problem>,
) -> Option<Destination> {
    only_one(form, about, problems)?;
    let checked = if let Some(redirect) = &form.redirect {
        self::redirect(redirect, redirect.to.as_ref()?, form, pattern?).map(Destination::Redirect)
    } else if let Some(respond) = &form.respond {
        self::respond(respond, respond.status.as_ref()?).map(Destination::Respond)
    } else {
        return split(form, form.upstream.as_ref()?, upstreams, about, problems).map(Destination::Upstream);
    };
    // What is for an upstream does nothing here.
    let texts = [("strip-prefix", &form.strip_prefix), ("rewrite", &form.rewrite)];
    for (key, text) in texts.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?))) {
        problems.push(Problem::new(&text.place, format!("`{key}` is for what goes to an upstream{about}")));
    }
    if let Some(mirror) = &form.mirror {
        problems.push(Problem::new(&mirror.place, format!("`mirror` is for what goes to an upstream{about}")));
    }
    checked.map_err(|problem| problems.push(problem.about(about))).ok()
}

/// The upstreams of a route, one or more.
fn split(
    form: &form::Route,
    shares: &Placed<form::RouteUpstreams>,
    upstreams: &Names<'_>,
    about: &str,
    problems: &mut Vec<Problem>,
) -> Option<Split> {
    let form::RouteUpstreams(parts) = &shares.value;
    let (before, mut checked) = (problems.len(), Vec::new());
    for part in parts {
        let Some(name) = &part.name else { continue };
        let Some(upstream) = upstreams.find(name, about, problems) else { continue };
        if checked.iter().any(|(other, _)| *other == upstream) {
            problems.push(Problem::new(&name.place, format!("{} is there already{about}", quote(name.written()))));
        }
        checked.push((upstream, u32::try_from(part.weight.0).unwrap_or_default()));
    }
    // One that cannot be read may have a share.
    let is_whole = form.sound && problems.len() == before;
    if let [(upstream, weight)] = checked[..]
        && weight > 0
    {
        return Some(Split::whole(upstream));
    }
    let split = Split::among(checked);
    if split.is_none() && is_whole {
        let problem = Problem::new(&shares.place, format!("no upstream has a share of the requests{about}"));
        problems
            .push(problem.help("such as `upstream = [{ name = \"a\", weight = 9 }, { name = \"b\", weight = 1 }]`"));
    }
    split
}

/// The second upstream of a route.
pub(super) fn mirror(
    form: &form::Route,
    upstreams: &Names<'_>,
    about: &str,
    problems: &mut Vec<Problem>,
) -> Option<Mirror> {
    let form = form.mirror.as_ref()?;
    let upstream = upstreams.find(form.upstream.as_ref()?, about, problems)?;
    Some(Mirror {
        upstream,
        percent: u32::try_from(form.percent.0).unwrap_or_default(),
        max_body: usize::try_from(form.max_body.0).unwrap_or(usize::MAX),
        requests: u32::try_from(form.requests.0).unwrap_or_default(),
        timeout: form.timeout,
    })
}

fn only_one(form: &form::Route, about: &str, problems: &mut Vec<Problem>) -> Option<()> {
    let upstream = form.upstream.as_ref().map(|names| ("upstream", &names.place));
    let redirect = form.redirect.as_ref().map(|table| ("redirect", &table.place));
    let respond = form.respond.as_ref().map(|table| ("respond", &table.place));
    let mut given: Vec<(&str, &Place)> = [upstream, redirect, respond].into_iter().flatten().collect();
    given.sort_by_key(|(_, place)| *place);
    match given[..] {
        [_] => Some(()),
        [(first, _), (second, place), ..] => {
            problems.push(Problem::new(place, format!("`{second}` and `{first}` exclude each other{about}")));
            None
        }
        [] => {
            // One that cannot be read is not missing too.
            if form.sound {
                let help = "`redirect` or `respond` may stand in its place, for an answer of the gateway's own";
                problems.push(Problem::new(&form.place, format!("the key `upstream` is missing{about}")).help(help));
            }
            None
        }
    }
}

fn redirect(
    redirect: &form::Redirect,
    text: &Text,
    form: &form::Route,
    pattern: &PathPattern,
) -> Result<Redirect, Problem> {
    let status = redirect.status.value.0;
    let status = u16::try_from(status).ok().filter(|status| matches!(status, 301 | 302 | 303 | 307 | 308));
    let status = status.and_then(|status| StatusCode::from_u16(status).ok()).ok_or_else(|| {
        Problem::new(&redirect.status.place, format!("{} is not a redirect's status", redirect.status.value.0))
            .help("308 and 307 keep the method, 301 and 302 may make a GET of it, 303 does")
    })?;
    let route_path = form.r#match.path.as_ref().map_or("`/**`".to_owned(), |path| quote(path.written()));
    let template = Template { text, pattern, route_path: &route_path };
    let (origin, rest) = origin(&text.value, &template)?;
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let mut parts = template.location_path(path)?;
    if parts.is_empty() && origin.is_some() {
        parts.push(TemplatePart::Literal("/".to_owned()));
    }
    match parts.first() {
        Some(TemplatePart::Literal(literal)) if literal.starts_with('/') && !literal.starts_with("//") => {}
        Some(TemplatePart::Path) => {}
        _ => {
            return Err(template
                .problem("is no location")
                .help("it begins with `https://` and a host, or `{host}`, or with a path: `/` or `{path}`"));
        }
    }
    let query = query.map(|query| template.location_query(query)).transpose()?;
    Ok(Redirect { status, origin, path: PathTemplate { parts }, query })
}

/// Scheme, host and port, if there are any, and what follows them.
fn origin<'t>(to: &'t str, template: &Template<'_>) -> Result<(Option<Origin>, &'t str), Problem> {
    let Some((scheme, rest)) = ["http", "https"].into_iter().find_map(|scheme| {
        let rest = to.strip_prefix(scheme)?.strip_prefix("://")?;
        Some((scheme, rest))
    }) else {
        return Ok((None, to));
    };
    let end = ["/", "?", "{path}"].into_iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let wrong = || {
        let problem = template.problem("names no host");
        match authority.split_once('{').and_then(|(_, name)| name.split_once('}')) {
            Some((name, _)) if name != HOST && template.text.interpolated.is_none() => {
                let help = "a host is written out, or `{host}`, which is that of the request";
                let meant = closest(name, [HOST]).map(|meant| format!("did you mean `{{{meant}}}`?"));
                problem.help(meant.unwrap_or_else(|| help.to_owned()))
            }
            _ => problem.help("such as `https://www.example.com/`, `https://{host}{path}`"),
        }
    };
    let wrong_port = || template.problem("has no port from 0 to 65535");
    let origin = match authority.strip_prefix("{host}") {
        Some("") => Origin::OfRequest { scheme, port: None },
        Some(port) => {
            let port = port.strip_prefix(':').ok_or_else(wrong)?.parse().map_err(|_| wrong_port())?;
            Origin::OfRequest { scheme, port: Some(port) }
        }
        None => match fixed(authority, scheme) {
            Some(authority) => Origin::Fixed(format!("{scheme}://{authority}")),
            None => {
                let host = authority.rsplit_once(':').and_then(|(host, _)| fixed(host, scheme));
                return Err(host.map_or_else(wrong, |_| wrong_port()));
            }
        },
    };
    Ok((Some(origin), rest))
}

/// A host, and perhaps a port, in their normal form.
fn fixed(authority: &str, scheme: &str) -> Option<Box<str>> {
    wire::authority::normalise(&authority.parse().ok()?, scheme).ok()
}

fn respond(respond: &form::Respond, status: &Status) -> Result<Respond, Problem> {
    let status = u16::try_from(status.value.0).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.expect("200 to 599 are statuses");
    let body = Bytes::from(respond.body.value.clone());
    if body.len() > MOST_BODY {
        return Err(Problem::new(&respond.body.place, "the body is longer than 1MiB"));
    }
    if !body.is_empty() && matches!(status.as_u16(), 204 | 205 | 304) {
        return Err(Problem::new(
            &respond.body.place,
            format!("a response with status {} has no body", status.as_u16()),
        ));
    }
    let mut headers = HeaderMap::new();
    if !body.is_empty() {
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    for (name, (place, text)) in respond.headers.iter().flatten() {
        let (name, value) = field(name, place, text)?;
        headers.insert(name, value);
        if headers.len() > MOST_FIELDS {
            return Err(Problem::new(place, format!("a response has at most {MOST_FIELDS} headers here")));
        }
    }
    Ok(Respond { status, headers, body })
}

fn field(name: &str, place: &Place, text: &Text) -> Result<(HeaderName, HeaderValue), Problem> {
    let shown = quote(name);
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Problem::new(place, format!("{shown} is not a header's name")))?;
    if wire::headers::belongs_to_gateway(&name) {
        return Err(Problem::new(place, format!("{shown} is the gateway's own: it frames messages and connections")));
    }
    let value = HeaderValue::from_str(&text.value).map_err(|_| {
        Problem::new(&text.place, format!("the value of {shown} has a character that is not for headers"))
    })?;
    Ok((name, value))
}
