//! What a plugin says when it is loaded, as problems with places in the file.

use super::Loaded;
use crate::config::{self, OverLimit, Problem};
use crate::sandbox::LoadError;

/// Turns what a plugin says of its configuration into problems with places in the file.
pub(super) fn refused(entry: &config::Plugin, error: LoadError, problems: &mut Vec<Problem>) {
    let name = &entry.name;
    match error {
        LoadError::Refused(found) => {
            for problem in found {
                let place = entry.config.locate(&problem.pointer);
                let message = match entry.config.is_secret(&problem.pointer) {
                    true => "this is refused; its value comes from `${..}`, so the plugin's words are not shown".into(),
                    false => printable(&entry.config.mask(&problem.message)),
                };
                problems.push(Problem::new(&place, format!("plugin `{name}`: {message}")));
            }
        }
        LoadError::MissingGrants(ref needs) => {
            let mut grants: Vec<String> = needs.iter().map(|need| format!("\"{}\"", need.grant.name())).collect();
            grants.dedup();
            let problem = Problem::new(&entry.grants_place, format!("plugin `{name}`: {error}"));
            problems.push(problem.help(format!("add {} to its `grants`", grants.join(", "))));
        }
        error => {
            let message = printable(&entry.config.mask(&error.to_string()));
            problems.push(Problem::new(&entry.source_place, format!("plugin `{name}`: {message}")));
        }
    }
}

/// A plugin that was to have a fresh instance for each request, cheaply, and cannot.
pub(super) fn unfit(entry: &config::Plugin, loaded: &Loaded) -> Option<Problem> {
    let reason = printable(&entry.config.mask(loaded.plugin.unfit()?));
    let message = format!("plugin `{}`: `configure` runs again for every request, because {reason}", entry.name);
    Some(Problem::new(&entry.place, message))
}

/// A plugin that sees bodies, and lets some of them pass unseen.
pub(super) fn unseen(entry: &config::Plugin, loaded: &Loaded) -> Option<Problem> {
    let hooks = loaded.plugin.hooks();
    if entry.limits.over_limit == OverLimit::Reject || !(hooks.bodies() || hooks.chunks()) {
        return None;
    }
    let what =
        if hooks.bodies() { "longer bodies, gRPC calls, event streams and tunnels pass" } else { "tunnels pass" };
    let message = format!("plugin `{}`: over-limit = \"stream\" lets traffic past it: {what} unseen", entry.name);
    Some(Problem::new(&entry.place, message))
}

/// A plugin that was to see bodies decoded, and sees none.
pub(super) fn nothing_to_decode(entry: &config::Plugin, loaded: &Loaded) -> Option<Problem> {
    let hooks = loaded.plugin.hooks();
    if !entry.decode || hooks.bodies() || hooks.chunks() {
        return None;
    }
    let message =
        format!("plugin `{}`: `decode` is for plugins that see bodies, and it has no hook of them", entry.name);
    Some(Problem::new(&entry.decode_place, message).help("leave `decode` out"))
}

/// What a plugin says, as one line of bounded length that cannot move a terminal's cursor or pass for another problem.
fn printable(message: &str) -> String {
    const MOST_LETTERS: usize = 1_000;
    let is_odd = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
    };
    let mut line = String::with_capacity(message.len().min(MOST_LETTERS));
    for letter in message.chars().take(MOST_LETTERS) {
        if is_odd(letter) { line.extend(letter.escape_default()) } else { line.push(letter) }
    }
    if message.chars().nth(MOST_LETTERS).is_some() {
        line.push_str(" ..");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn what_a_plugin_says_is_one_bounded_line() {
        assert_eq!(printable("é \u{1b}[2J\nroute.toml:1:1: \u{202e}x"), "é \\u{1b}[2J\\nroute.toml:1:1: \\u{202e}x");
        assert_eq!(printable(&"a".repeat(1_001)), format!("{} ..", "a".repeat(1_000)));
    }
}
