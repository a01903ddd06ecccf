//! Regular expressions, of paths and of the values of headers and queries.
//!
//! Each becomes a DFA when the config is loaded, and one that would be too large for that is refused. So a request
//! costs one step for each of its bytes, whatever the expression, and nothing is written while it matches: workers
//! share it without a lock. (A backtracking engine takes exponential time for some texts, and one that makes its DFA
//! as it goes needs memory of its own for each worker.)
//!
//! It always matches the whole text: what is let through is what is written, and no more. Bytes, not Unicode: `\w`
//! and `(?i)` are those of ASCII.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use regex_automata::dfa::dense::{self, DFA};
use regex_automata::dfa::{Automaton, StartKind};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::captures::Captures;
use regex_automata::util::primitives::{PatternID, StateID};
use regex_automata::{Anchored, Input, meta};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind, Look};

/// Bytes of an expression as it is written.
pub const MOST_WRITTEN: usize = 1_000;
/// Bytes of one that is compiled; the states that find groups take as much again at most.
const MOST_BYTES: usize = 256 * 1024;
/// Bytes of the states that it is compiled from. It bounds the steps that groups cost for each byte of a path.
const MOST_NFA_BYTES: usize = 32 * 1024;
/// Groups inside each other.
const MOST_NESTED: u32 = 50;

/// A compiled expression. Clones share it.
#[derive(Clone)]
pub struct Regex(Arc<Compiled>);

struct Compiled {
    /// Without the `~`.
    written: Box<str>,
    dfa: DFA<Vec<u32>>,
    /// Only if it has named groups.
    groups: Option<meta::Regex>,
}

/// What is wrong with an expression, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegexError {
    #[error("`~{written}` is not a regular expression: {what}, at character {column}, before `{rest}`")]
    Syntax { written: String, what: String, column: usize, rest: String },
    #[error("`~*{0}`: there is no `~*`; for either case of letters write `~(?i){0}`")]
    EitherCase(String),
    #[error("`~{0}`: a regular expression has at most {MOST_WRITTEN} bytes")]
    TooLong(String),
    #[error("`~{0}` takes more than 256 KiB when it is compiled; let it repeat less, or count less")]
    TooLarge(String),
    #[error(
        "`~{0}`: a regular expression matches from the beginning to the end; \
         write both `^` and `$` or neither, and `.*` for what may be there besides"
    )]
    HalfAnchored(String),
}

impl Regex {
    /// `written` is what follows the `~`.
    pub fn parse(written: &str) -> Result<Self, RegexError> {
        if written.len() > MOST_WRITTEN {
            return Err(RegexError::TooLong(shortened(written)));
        }
        // As nginx has it; no expression begins with `*`.
        if let Some(rest) = written.strip_prefix('*') {
            return Err(RegexError::EitherCase(shortened(rest.trim_start())));
        }
        let mut parser = ParserBuilder::new();
        parser.unicode(false).utf8(false).nest_limit(MOST_NESTED);
        let parsed = parser.build().parse(written).map_err(|error| syntax(written, &error))?;
        let looks = parsed.properties();
        if looks.look_set_prefix().contains(Look::Start) != looks.look_set_suffix().contains(Look::End) {
            return Err(RegexError::HalfAnchored(shortened(written)));
        }
        let too_large = || RegexError::TooLarge(shortened(written));
        let whole = Hir::concat(vec![Hir::look(Look::Start), parsed, Hir::look(Look::End)]);
        let dfa = dfa(&whole).ok_or_else(too_large)?;
        let groups = if has_names(&whole) { Some(groups(&whole).ok_or_else(too_large)?) } else { None };
        Ok(Self(Arc::new(Compiled { written: written.into(), dfa, groups })))
    }

    /// Whether it matches all of the text.
    pub fn matches(&self, text: &[u8]) -> bool {
        let input = Input::new(text).anchored(Anchored::Yes);
        self.0.dfa.try_search_fwd(&input).is_ok_and(|found| found.is_some())
    }

    /// The names of its groups, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let groups = self.0.groups.iter();
        groups.flat_map(|groups| groups.group_info().pattern_names(PatternID::ZERO).flatten())
    }

    /// What the group of this name stands for. None if there is no such group, if it took no part, or if the text
    /// does not match.
    pub fn capture<'t>(&self, name: &str, text: &'t str) -> Option<&'t str> {
        let groups = self.0.groups.as_ref()?;
        groups.group_info().to_index(PatternID::ZERO, name)?;
        let mut found = Captures::all(groups.group_info().clone());
        // Made anew each time: one that workers shared would be a lock.
        groups.search_captures_with(&mut groups.create_cache(), &Input::new(text).anchored(Anchored::Yes), &mut found);
        text.get(found.get_group_by_name(name)?.range())
    }

    /// Where a walk through the bytes of a text begins.
    pub(super) fn start(&self) -> StateID {
        let anchored = self.0.dfa.universal_start_state(Anchored::Yes);
        let start = || self.0.dfa.start_state_forward(&Input::new("").anchored(Anchored::Yes));
        anchored.unwrap_or_else(|| start().expect("it is made for searches from the start"))
    }

    /// The state behind one more byte; none if no text that begins so matches.
    pub(super) fn step(&self, state: StateID, byte: u8) -> Option<StateID> {
        let next = self.0.dfa.next_state(state, byte);
        (!self.0.dfa.is_dead_state(next)).then_some(next)
    }

    /// Whether it matches the text that led to this state.
    pub(super) fn is_match(&self, state: StateID) -> bool {
        self.0.dfa.is_match_state(self.0.dfa.next_eoi_state(state))
    }
}

/// None: too large.
fn dfa(whole: &Hir) -> Option<DFA<Vec<u32>>> {
    let config =
        thompson::Config::new().utf8(false).nfa_size_limit(Some(MOST_NFA_BYTES)).which_captures(WhichCaptures::None);
    let nfa = thompson::Compiler::new().configure(config).build_from_hir(whole).ok()?;
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .dfa_size_limit(Some(MOST_BYTES))
        .determinize_size_limit(Some(4 * MOST_BYTES));
    dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()
}

/// None: too large.
fn groups(whole: &Hir) -> Option<meta::Regex> {
    let config = meta::Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(2 * MOST_NFA_BYTES))
        .onepass_size_limit(Some(MOST_BYTES));
    meta::Builder::new().configure(config).build_from_hir(whole).ok()
}

fn has_names(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Capture(capture) if capture.name.is_some() => true,
        kind => kind.subs().iter().any(has_names),
    }
}

fn syntax(written: &str, error: &regex_syntax::Error) -> RegexError {
    let (what, at) = match error {
        regex_syntax::Error::Parse(error) => (error.kind().to_string(), error.span().start.offset),
        regex_syntax::Error::Translate(error) => (error.kind().to_string(), error.span().start.offset),
        other => (other.to_string(), 0),
    };
    let rest = shortened(written.get(at..).unwrap_or_default());
    // As in the file, where a `~` comes first.
    let column = written.get(..at).unwrap_or_default().chars().count() + 2;
    RegexError::Syntax { written: shortened(written), what, column, rest }
}

/// As much of an expression as one line of a problem shows.
fn shortened(written: &str) -> String {
    const MOST_SHOWN: usize = 80;
    match written.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", &written[..end]),
        None => written.to_owned(),
    }
}

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.0.written == other.0.written
    }
}

impl Eq for Regex {}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Regex({self})")
    }
}

impl fmt::Display for Regex {
    /// As the operator wrote it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "~{}", self.0.written)
    }
}
