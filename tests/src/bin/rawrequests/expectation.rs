//! What is expected of each case: a line of a file, `case | listener | outcome | outcome with a host | reason`.
//!
//! An outcome lists what happens, in its order: a request as it reaches the upstream, which answers it, or the status of
//! the gateway's own answer. After a status of 400 or more the gateway has to close the connection. `nothing` is what
//! becomes of a head that never ends.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

pub struct Expectation {
    pub listener: Listener,
    pub outcome: Outcome,
    pub with_host: Option<Outcome>,
    /// Empty where gunicorn does the same.
    pub reason: String,
}

/// Where a case is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Has the default limits.
    Default,
    /// Takes heads of 8 KiB, which is about what gunicorn takes.
    Tight,
    /// Is told of its clients by proxies.
    Proxied,
}

impl Listener {
    pub fn index(self) -> usize {
        self as usize
    }
}

/// What becomes of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub happened: String,
    /// Whether the gateway closes the connection before the client has said that nothing more comes.
    pub leaves: bool,
}

impl Outcome {
    pub const NOTHING: &str = "nothing";

    fn parse(text: &str) -> Self {
        match text.strip_suffix(" after the end") {
            Some(happened) => Self { happened: happened.to_owned(), leaves: false },
            None => Self { happened: text.to_owned(), leaves: is_status_of_refusal(last(text)) },
        }
    }

    /// Whether nothing comes of the last that was sent.
    pub fn is_refusal(&self) -> bool {
        self.happened == Self::NOTHING || is_status_of_refusal(last(&self.happened))
    }
}

fn last(happened: &str) -> &str {
    happened.rsplit(", ").next().unwrap_or_default()
}

fn is_status_of_refusal(event: &str) -> bool {
    event.parse::<u16>().is_ok_and(|status| status >= 400)
}

/// By the names of the cases.
pub fn read_all(file: &Path) -> Result<BTreeMap<String, Expectation>> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut expectations = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let place = || format!("{}:{}", file.display(), number + 1);
        let (name, expectation) = parse(line).with_context(place)?;
        let earlier = expectations.insert(name, expectation);
        ensure!(earlier.is_none(), "{}: the case is there twice", place());
    }
    Ok(expectations)
}

fn parse(line: &str) -> Result<(String, Expectation)> {
    let columns: Vec<&str> = line.splitn(5, '|').map(str::trim).collect();
    let [name, listener, outcome, with_host, reason] = columns[..] else {
        bail!("`case | listener | outcome | outcome with a host | reason` is a line");
    };
    let listener = match listener {
        "" => Listener::Default,
        "tight" => Listener::Tight,
        "proxied" => Listener::Proxied,
        other => bail!("there is no listener `{other}`"),
    };
    let with_host = Some(with_host).filter(|outcome| !outcome.is_empty()).map(Outcome::parse);
    let outcome = Outcome::parse(outcome);
    Ok((name.to_owned(), Expectation { listener, outcome, with_host, reason: reason.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_expected_and_why() {
        let (name, expectation) = parse("valid/1 | tight | GET /a, 505 | 400 after the end | it | is").expect("good");
        assert_eq!((name.as_str(), expectation.listener), ("valid/1", Listener::Tight));
        assert!(expectation.outcome.is_refusal() && expectation.outcome.leaves);
        let cut = expectation.with_host.expect("it is said");
        assert_eq!((cut.happened.as_str(), cut.leaves, cut.is_refusal()), ("400", false, true));
        assert_eq!(expectation.reason, "it | is");
        let (_, plain) = parse("valid/2 | | GET /a | |").expect("good");
        assert_eq!((plain.listener, plain.with_host, plain.reason.as_str()), (Listener::Default, None, ""));
        assert!(!plain.outcome.is_refusal() && !plain.outcome.leaves);
        assert!(parse("valid/3 | 400").is_err() && parse("valid/3 | slow | 400 | | x").is_err());
    }
}
