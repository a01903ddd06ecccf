//! The parameters of a query: `name=value` pairs between `&`, percent-encoded.
//!
//! Pairs that are not touched keep their bytes, so that a signed or odd query passes unharmed.

use crate::percent;
use std::fmt::{self, Display};

/// The parameters of a query, in their order. Names and values are percent-decoded, with `+` for a
/// space; bytes that are not UTF-8 become U+FFFD.
///
/// ```
/// # use tollgate_plugin_sdk::QueryParams;
/// let mut params = QueryParams::parse("a=1&q=red%20car&a=2");
/// assert_eq!(params.get("q").as_deref(), Some("red car"));
/// params.rename("q", "search");
/// params.set("a", "3 & 4");
/// assert_eq!(params.to_string(), "a=3%20%26%204&search=red%20car");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryParams {
    /// Encoded, never empty.
    pairs: Vec<String>,
}

impl QueryParams {
    /// Takes a query apart, without its `?`. Any text is a query.
    pub fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
        Self { pairs }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The first value of a parameter; `""` for one without `=`.
    pub fn get(&self, name: &str) -> Option<String> {
        self.pairs.iter().find(|pair| is_named(pair, name)).map(|pair| decode(parts(pair).1))
    }

    /// Names and values, decoded.
    pub fn iter(&self) -> impl Iterator<Item = (String, String)> {
        self.pairs.iter().map(|pair| parts(pair)).map(|(name, value)| (decode(name), decode(value)))
    }

    /// Replaces every value of a parameter by one, in the place of the first.
    pub fn set(&mut self, name: &str, value: &str) {
        let place = self.pairs.iter().position(|pair| is_named(pair, name));
        self.remove(name);
        let place = place.unwrap_or(self.pairs.len());
        self.pairs.insert(place, format!("{}={}", encode(name), encode(value)));
    }

    /// Adds a parameter behind the others.
    pub fn append(&mut self, name: &str, value: &str) {
        self.pairs.push(format!("{}={}", encode(name), encode(value)));
    }

    /// Removes every value of a parameter. Answers whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.pairs.len();
        self.pairs.retain(|pair| !is_named(pair, name));
        self.pairs.len() < before
    }

    /// Gives every value of a parameter another name. Answers whether there was one.
    pub fn rename(&mut self, from: &str, to: &str) -> bool {
        let mut found = false;
        for pair in self.pairs.iter_mut().filter(|pair| is_named(pair, from)) {
            let name = encode(to);
            *pair = pair.split_once('=').map_or_else(|| name.clone(), |(_, value)| format!("{name}={value}"));
            found = true;
        }
        found
    }
}

impl Display for QueryParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pairs.join("&"))
    }
}

fn parts(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}

fn is_named(pair: &str, name: &str) -> bool {
    let written = parts(pair).0;
    written == name && !written.contains(['%', '+']) || decode(written) == name
}

fn decode(text: &str) -> String {
    percent::decode(&text.replace('+', " "))
}

fn encode(text: &str) -> String {
    percent::encode(text, percent::is_unreserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_found_under_an_encoded_name() {
        let params = QueryParams::parse("a%5B%5D=1+2%2b3&flag&&b=");
        assert_eq!(params.get("a[]").as_deref(), Some("1 2+3"));
        assert_eq!(params.get("flag").as_deref(), Some(""));
        assert_eq!(params.get("none"), None);
        assert_eq!(params.iter().count(), 3);
    }

    #[test]
    fn untouched_pairs_keep_their_bytes() {
        let mut params = QueryParams::parse("sig=a%2fb&x=1&flag&x=2");
        assert!(params.remove("x"));
        assert!(params.rename("flag", "on"));
        assert!(!params.rename("gone", "on"));
        params.append("new", "é");
        assert_eq!(params.to_string(), "sig=a%2fb&on&new=%C3%A9");
    }
}
