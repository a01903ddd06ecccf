//! The values that a template may name.

use tollgate_plugin_sdk::prelude::*;

pub enum Value {
    Named(&'static Named),
    Header(config::HeaderName),
    Query(String),
    Param(String),
}

/// A value with a name of its own.
pub struct Named {
    pub name: &'static str,
    read: fn(&Request) -> Option<String>,
}

#[rustfmt::skip]
const NAMED: &[Named] = &[
    Named { name: "request.method", read: |request| Some(request.method().to_string()) },
    Named { name: "request.scheme", read: |request| Some(request.scheme().to_owned()) },
    Named { name: "request.authority", read: |request| Some(request.authority().to_owned()) },
    Named { name: PATH, read: |request| Some(request.path().to_owned()) },
    Named { name: "request.id", read: |request| Some(request.id().to_owned()) },
    Named { name: "request.client", read: |request| Some(request.client_address().to_owned()) },
    Named { name: "route", read: |request| Some(request.route().to_owned()) },
    Named { name: "upstream", read: |request| Some(request.upstream().to_owned()) },
    Named { name: "consumer.name", read: |request| Some(request.consumer()?.name().to_owned()) },
    Named { name: "consumer.groups", read: |request| Some(request.consumer()?.groups().join(",")) },
];

const PATH: &str = "request.path";

/// What stands before the names of headers, query parameters and params.
const FAMILIES: [&str; 3] = ["request.header.", "request.query.", "param."];

impl Value {
    /// Finds the value of this name, or answers what was probably meant.
    pub fn parse(name: &str) -> Result<Self, String> {
        if let Some(named) = NAMED.iter().find(|named| named.name == name) {
            return Ok(Self::Named(named));
        }
        let in_family = |(family, prefix): (usize, &&str)| Some((family, name.strip_prefix(prefix)?));
        let (family, own) = FAMILIES.iter().enumerate().find_map(in_family).ok_or_else(|| unknown(name))?;
        match family {
            _ if own.is_empty() => Err(format!("`{{{name}}}` needs a name behind the dot")),
            0 => Ok(Self::Header(own.parse()?)),
            1 => Ok(Self::Query(own.to_owned())),
            _ => Ok(Self::Param(own.to_owned())),
        }
    }

    /// The value, if the request has it. Params are decoded.
    pub fn read(&self, request: &Request) -> Option<String> {
        match self {
            Self::Named(named) => (named.read)(request),
            Self::Header(name) => request.header_str(name),
            Self::Query(name) => request.query_param(name),
            Self::Param(name) => request.param(name).as_deref().map(percent::decode),
        }
    }

    /// Whether it is the path, which is made of segments already.
    pub fn is_path(&self) -> bool {
        matches!(self, Self::Named(named) if named.name == PATH)
    }
}

fn unknown(name: &str) -> String {
    // In a family, all that stands behind as many dots as the family has is one's own.
    let in_family = |family: &&str| {
        let dots = family.matches('.').count();
        Some(format!("{family}{}", name.splitn(dots + 1, '.').nth(dots)?))
    };
    let known = NAMED.iter().map(|named| named.name.to_owned()).chain(FAMILIES.iter().filter_map(in_family));
    let nearest = known.map(|known| (distance(name, &known), known)).min();
    if let Some((0..=3, known)) = nearest {
        return format!("unknown template value `{{{name}}}`, did you mean `{{{known}}}`?");
    }
    let mut expected = String::new();
    for named in NAMED {
        expected.extend(["`{", named.name, "}`, "]);
    }
    for family in FAMILIES {
        expected.extend(["`{", family, "..}`, "]);
    }
    format!("unknown template value `{{{name}}}`, expected one of {expected}or `{{{{` for a brace")
}

/// How many letters to insert, delete or replace (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
