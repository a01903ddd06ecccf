//! Checks what a route makes of the path: `strip-prefix` and `rewrite` fit the rule's pattern.

use crate::config::form;
use crate::config::node::Text;
use crate::config::problem::{Problem, quote};
use crate::config::{Path, PathTemplate};
use crate::router::PathPattern;

use super::template::Template;

/// `None`: a problem has been noted.
pub(super) fn path(
    form: &form::Route,
    pattern: &PathPattern,
    about: &str,
    problems: &mut Vec<Problem>,
) -> Option<Path> {
    let shown = form.r#match.path.as_ref().map_or("`/**`".to_owned(), |path| quote(path.written()));
    let checked = match (&form.strip_prefix, &form.rewrite) {
        (None, None) => Ok(Path::Keep),
        (Some(prefix), None) => strip_prefix(prefix, pattern, &shown).map(Path::StripPrefix),
        (None, Some(template)) => rewrite(template, pattern, &shown).map(Path::Rewrite),
        (Some(_), Some(template)) => {
            Err(Problem::new(&template.place, "`rewrite` and `strip-prefix` exclude each other")
                .help("`rewrite` alone can do both: `{rest}` is what `**` matched"))
        }
    };
    checked.map_err(|problem| problems.push(problem.about(about))).ok()
}

fn strip_prefix(text: &Text, pattern: &PathPattern, route_path: &str) -> Result<String, Problem> {
    let shown = quote(text.written());
    let problem = |what: &str| Problem::new(&text.place, format!("{shown} {what}"));
    let written = &text.value;
    if !written.starts_with('/') || written.len() < 2 || written.ends_with('/') {
        let bare = text.written().trim_matches('/');
        return Err(problem("is not a prefix: it begins with `/` and does not end with one")
            .help(format!("such as {}", quote(&format!("/{}", if bare.is_empty() { "api" } else { bare })))));
    }
    if pattern.is_regex() {
        return Err(problem("cannot be told from a regular expression").help("use `rewrite` with `(?<rest>.*)`"));
    }
    // In normal form, like the pattern: `%7e` and `~` are the same.
    let prefix = match PathPattern::parse(written) {
        Ok(prefix) if prefix.params().is_empty() => prefix.to_string(),
        _ => return Err(problem("is not a prefix: it has literal segments only")),
    };
    let all = pattern.to_string();
    match all.strip_prefix(&prefix) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Ok(prefix),
        _ => Err(problem(&format!("is not the beginning of the route's path, {route_path}"))),
    }
}

fn rewrite(text: &Text, pattern: &PathPattern, route_path: &str) -> Result<PathTemplate, Problem> {
    let template = Template { text, pattern, route_path };
    if !text.value.starts_with('/') {
        return Err(template.problem("does not begin with `/`"));
    }
    Ok(PathTemplate { parts: template.rewrite(&text.value)? })
}
