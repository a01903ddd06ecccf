//! Texts with `{name}` in them: the paths of `rewrite`, the locations of `redirect`.

use crate::config::node::Text;
use crate::config::problem::{Problem, closest, quote};
use crate::config::{QueryPart, TemplatePart};
use crate::router::PathPattern;
use crate::wire;

/// A text that a route makes something of, and what names it may use.
pub(super) struct Template<'a> {
    pub(super) text: &'a Text,
    /// Of the route; its params are the names.
    pub(super) pattern: &'a PathPattern,
    /// The pattern as messages show it.
    pub(super) route_path: &'a str,
}

/// The name of the whole path, where a location is made.
const PATH: &str = "path";
const QUERY: &str = "query";
/// That of the request's host, in the place of a location's.
pub(super) const HOST: &str = "host";

impl Template<'_> {
    /// A problem with the text: "`/x` is wrong".
    pub(super) fn problem(&self, what: &str) -> Problem {
        Problem::new(&self.text.place, format!("{} {what}", quote(self.text.written())))
    }

    /// The path that the upstream is to see.
    pub(super) fn rewrite(&self, template: &str) -> Result<Vec<TemplatePart>, Problem> {
        let parts = self.parts(template, |literal| self.path_literal(literal), |name| self.param(name, &[]))?;
        self.makes_a_path(parts)
    }

    /// The path of a location.
    pub(super) fn location_path(&self, template: &str) -> Result<Vec<TemplatePart>, Problem> {
        let parts = self.parts(template, |literal| self.path_literal(literal), |name| self.value(name, &[PATH]))?;
        self.makes_a_path(parts)
    }

    /// The query of a location, without the `?`.
    pub(super) fn location_query(&self, template: &str) -> Result<Vec<QueryPart>, Problem> {
        let literal = |literal: &str| match literal.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            true => Ok(QueryPart::Literal(literal.to_owned())),
            false => Err(self.problem("has a character that is not for queries: percent-encode it")),
        };
        let name = |name: &str| match name {
            QUERY => Ok(QueryPart::Query),
            name => self.value(name, &[PATH, QUERY]).map(QueryPart::Value),
        };
        self.parts(template, literal, name)
    }

    /// With any letter in place of what is not known yet.
    fn makes_a_path(&self, parts: Vec<TemplatePart>) -> Result<Vec<TemplatePart>, Problem> {
        let piece = |part: &TemplatePart| match part {
            TemplatePart::Literal(literal) => literal.clone(),
            TemplatePart::Param(_) => "x".to_owned(),
            TemplatePart::Path => "/x".to_owned(),
        };
        let path: String = parts.iter().map(piece).collect();
        match wire::path::joined(&path) {
            Err(wire::path::PathError::Dots) => {
                Err(self.problem("has `.` or `..` as a segment: write the path without"))
            }
            _ => Ok(parts),
        }
    }

    fn parts<P>(
        &self,
        template: &str,
        literal: impl Fn(&str) -> Result<P, Problem>,
        name: impl Fn(&str) -> Result<P, Problem>,
    ) -> Result<Vec<P>, Problem> {
        let mut parts = Vec::new();
        let mut rest = template;
        while !rest.is_empty() {
            let (before, after) = rest.split_once('{').map_or((rest, None), |(before, after)| (before, Some(after)));
            if !before.is_empty() {
                parts.push(literal(before)?);
            }
            let Some(after) = after else { break };
            let (named, after) = after.split_once('}').ok_or_else(|| self.problem("has a `{` without a `}`"))?;
            parts.push(name(named)?);
            rest = after;
        }
        Ok(parts)
    }

    /// The path of the request, or a param.
    fn value(&self, name: &str, others: &[&str]) -> Result<TemplatePart, Problem> {
        let is_param = self.is_param(name);
        match name {
            PATH if is_param => Err(self
                .problem("has two meanings: `path` is the whole path, and a parameter of the route's path too")
                .help("give the parameter another name")),
            PATH => Ok(TemplatePart::Path),
            name => self.param(name, others),
        }
    }

    /// `others` are names besides.
    fn param(&self, name: &str, others: &[&str]) -> Result<TemplatePart, Problem> {
        if self.is_param(name) {
            return Ok(TemplatePart::Param(name.to_owned()));
        }
        // An interpolation may have put in the name.
        let name = if self.text.interpolated.is_some() { self.text.written() } else { name };
        let message = format!("no parameter named {} in the route's path, {}", quote(name), self.route_path);
        let known = self.pattern.params().iter().map(AsRef::as_ref).chain(others.iter().copied());
        let problem = Problem::new(&self.text.place, message);
        if name == HOST && !others.is_empty() {
            return Err(problem.help("`{host}` stands for a host alone: `https://{host}/..`"));
        }
        if let Some(meant) = closest(name, known.clone()) {
            return Err(problem.help(format!("did you mean `{{{meant}}}`?")));
        }
        let known: Vec<String> = known.map(|name| format!("`{{{name}}}`")).collect();
        Err(if known.is_empty() { problem } else { problem.help(format!("there are {}", known.join(", "))) })
    }

    fn is_param(&self, name: &str) -> bool {
        self.pattern.params().iter().any(|param| **param == *name)
    }

    /// In normal form; dots and slashes are looked at when the params between the parts are known.
    fn path_literal(&self, literal: &str) -> Result<TemplatePart, Problem> {
        let canonical = Some(literal).filter(|literal| !literal.contains(['?', '#']));
        let canonical = canonical.and_then(|literal| wire::path::canonical(literal).ok());
        canonical.map(TemplatePart::Literal).ok_or_else(|| {
            self.problem("has a character that is not for paths: percent-encode it, and leave the query out")
        })
    }
}
