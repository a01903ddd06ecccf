//! Checks what a route makes of the path: `strip-prefix` and `rewrite` fit the rule's pattern.

use crate::config::form;
use crate::config::node::Text;
use crate::config::problem::{Problem, closest, quote};
use crate::config::{Path, PathTemplate, TemplatePart};
use crate::router::PathPattern;
use crate::wire;

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
    let shown = quote(text.written());
    let problem = |what: &str| Problem::new(&text.place, format!("{shown} {what}"));
    if !text.value.starts_with('/') {
        return Err(problem("does not begin with `/`"));
    }
    let mut parts = Vec::new();
    let mut rest = text.value.as_str();
    while let Some((literal, after)) = rest.split_once('{') {
        parts.push(literal_part(literal).ok_or_else(|| problem(NOT_A_PATH))?);
        let (name, after) = after.split_once('}').ok_or_else(|| problem("has a `{` without a `}`"))?;
        if !pattern.params().iter().any(|param| **param == *name) {
            // An interpolation may have put in the name.
            let name = if text.interpolated.is_some() { text.written() } else { name };
            let message = format!("no parameter named {} in the route's path, {route_path}", quote(name));
            let params: Vec<&str> = pattern.params().iter().map(AsRef::as_ref).collect();
            return Err(Problem::new(&text.place, message).did_you_mean(closest(name, params)));
        }
        parts.push(TemplatePart::Param(name.to_owned()));
        rest = after;
    }
    parts.push(literal_part(rest).ok_or_else(|| problem(NOT_A_PATH))?);
    parts.retain(|part| *part != TemplatePart::Literal(String::new()));
    Ok(PathTemplate { parts })
}

const NOT_A_PATH: &str = "has a character that is not for paths: percent-encode it, and leave the query out";

/// In normal form; dots and slashes are looked at when the params between the parts are known.
fn literal_part(literal: &str) -> Option<TemplatePart> {
    let literal = Some(literal).filter(|literal| !literal.contains(['?', '#']))?;
    wire::path::canonical(literal).map(TemplatePart::Literal).ok()
}
