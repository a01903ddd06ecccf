//! What a rule asks for beyond host and path: listener, method, headers, query.

use http::{HeaderMap, Method};

use super::{HeaderRule, QueryRule, Rule, Target, ValueRule};

/// The part of a rule that decides for most requests, in two bytes: those of ten thousand rules stay
/// in the processor's cache, where the rules themselves do not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate(u16);

impl Gate {
    /// Methods that RFC 9110 and RFC 5789 do not know.
    const OTHER: u16 = 1 << 14;
    /// One has to look at the rule: it asks for a listener, headers, a query or other methods.
    const ASKS: u16 = 1 << 15;

    pub(super) fn of(rule: &Rule) -> Self {
        let listed = rule.methods.iter().map(Self::bit).fold(0, |bits, bit| bits | bit);
        let asks = !(rule.listeners.is_empty() && rule.headers.is_empty() && rule.query.is_empty());
        let plain = listed & Self::OTHER == 0 && !asks;
        let head = if serves(&rule.methods, &Method::HEAD) { Self::bit(&Method::HEAD) } else { 0 };
        match (plain, rule.methods.is_empty()) {
            (false, _) => Self(Self::ASKS),
            (true, true) => Self(!Self::ASKS),
            (true, false) => Self(listed | head),
        }
    }

    /// What a rule says to a method of this [`Gate::bit`], if that needs no look at the rule.
    pub(super) fn answer(self, bit: u16) -> Option<bool> {
        (self.0 & Self::ASKS == 0).then_some(self.0 & bit > 0)
    }

    pub(super) fn bit(method: &Method) -> u16 {
        match *method {
            Method::GET => 1,
            Method::HEAD => 1 << 1,
            Method::POST => 1 << 2,
            Method::PUT => 1 << 3,
            Method::DELETE => 1 << 4,
            Method::PATCH => 1 << 5,
            Method::OPTIONS => 1 << 6,
            Method::CONNECT => 1 << 7,
            Method::TRACE => 1 << 8,
            _ => Self::OTHER,
        }
    }
}

/// How much a rule asks for; the greater is tried first.
pub(super) fn weight(rule: &Rule) -> (usize, usize, usize) {
    let values = || rule.headers.iter().map(|it| &it.value).chain(rule.query.iter().map(|it| &it.value));
    let equals = values().filter(|value| matches!(value, ValueRule::Equals(_))).count();
    let matches = values().filter(|value| matches!(value, ValueRule::Matches(_))).count();
    let (listeners, methods) = (usize::from(!rule.listeners.is_empty()), usize::from(!rule.methods.is_empty()));
    (listeners + methods + rule.headers.len() + rule.query.len(), equals, matches)
}

/// Whether a rule with these methods serves `method`. `GET` serves `HEAD` (RFC 9110 section 9.3.2:
/// the same but for the content, which the gateway leaves out).
pub(super) fn serves(methods: &[Method], method: &Method) -> bool {
    methods.is_empty() || methods.contains(method) || (*method == Method::HEAD && methods.contains(&Method::GET))
}

/// Whether listener, headers and query are what the rule asks for.
pub(super) fn suits(rule: &Rule, target: &Target<'_>) -> bool {
    is_bound(rule, target) && missing_header(rule, target).is_none() && missing_query(rule, target).is_none()
}

/// Whether the rule takes requests of this listener.
pub(super) fn is_bound(rule: &Rule, target: &Target<'_>) -> bool {
    rule.listeners.is_empty() || rule.listeners.iter().any(|name| target.listener == Some(&**name))
}

pub(super) fn missing_header<'r>(rule: &'r Rule, target: &Target<'_>) -> Option<&'r HeaderRule> {
    rule.headers.iter().find(|wanted| !has_header(target.headers, wanted))
}

pub(super) fn missing_query<'r>(rule: &'r Rule, target: &Target<'_>) -> Option<&'r QueryRule> {
    rule.query.iter().find(|wanted| !has_parameter(target.query.unwrap_or(""), wanted))
}

fn has_header(headers: &HeaderMap, wanted: &HeaderRule) -> bool {
    let mut values = headers.get_all(&wanted.name).iter();
    match &wanted.value {
        ValueRule::Present => headers.contains_key(&wanted.name),
        ValueRule::Equals(value) => values.any(|it| it.as_bytes() == value.as_bytes()),
        ValueRule::Matches(regex) => values.any(|it| regex.matches(it.as_bytes())),
    }
}

fn has_parameter(query: &str, wanted: &QueryRule) -> bool {
    query.split('&').filter(|pair| !pair.is_empty()).any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        decoded(name).eq(wanted.name.bytes())
            && match &wanted.value {
                ValueRule::Present => true,
                ValueRule::Equals(wanted) => decoded(value).eq(wanted.bytes()),
                ValueRule::Matches(regex) => regex.matches(&decoded(value).collect::<Vec<u8>>()),
            }
    })
}

/// As HTML forms encode (WHATWG URL, `application/x-www-form-urlencoded`): `+` is a space, and a
/// `%` without two hex digits stands for itself.
fn decoded(text: &str) -> impl Iterator<Item = u8> {
    let mut left = text.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    std::iter::from_fn(move || {
        let (&first, after) = left.split_first()?;
        left = after;
        match (first, after) {
            (b'+', _) => Some(b' '),
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    left = after;
                    Some(high << 4 | low)
                }
                _ => Some(first),
            },
            _ => Some(first),
        }
    })
}
