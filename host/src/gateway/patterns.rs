//! What other gateways take for a pattern, and what stands for itself here: it may be meant so, but mostly is not.

use crate::config::{Config, Destination, Path, PathTemplate, Problem, Route, TemplatePart};
use crate::router::PathPattern;

/// In the order of the routes.
pub(super) fn warnings(config: &Config) -> impl Iterator<Item = Problem> {
    config.routes.iter().flat_map(|route| [colon(route), dollar(route)]).flatten()
}

/// `/users/:id`
fn colon(route: &Route) -> Option<Problem> {
    let PathPattern::Segments(segments) = &route.rule.path else { return None };
    let path = segments.to_string();
    let name = path.split('/').find_map(|segment| segment.strip_prefix(':').filter(|name| !name.is_empty()))?;
    let message = format!("`:{name}` in the path of route `{}` stands for itself", route.name);
    Some(Problem::new(&route.place, message).help(format!("a parameter is written `{{{name}}}`")))
}

/// `/people/$1`
fn dollar(route: &Route) -> Option<Problem> {
    let template = match (&route.path, &route.destination) {
        (Path::Rewrite(template), _) => template,
        (_, Destination::Redirect(redirect)) => &redirect.path,
        _ => return None,
    };
    let PathTemplate { parts } = template;
    let group = parts.iter().find_map(|part| match part {
        TemplatePart::Literal(literal) => {
            let (_, after) = literal.split_once('$')?;
            after.chars().next().filter(char::is_ascii_digit)
        }
        TemplatePart::Param(_) | TemplatePart::Path => None,
    })?;
    let message = format!("`${group}` in the `rewrite` or `redirect` of route `{}` stands for itself", route.name);
    let help = "`{name}` stands for `{name}` in the route's path, or for `(?<name>..)` in a regular expression";
    Some(Problem::new(&route.place, message).help(help))
}
