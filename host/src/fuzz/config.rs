//! A configuration: whatever stands in it, it is one, or has problems that a person can read.

use crate::config::{Surroundings, of_text};

/// What no problem may show, and is no word of a configuration.
const SECRET: &str = "hunter2";

pub(super) fn config(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let surroundings = Surroundings {
        bundled: vec!["key-auth".to_owned(), "rate-limit".to_owned()],
        env: Box::new(|name| (name.len() < 4).then(|| SECRET.to_owned())),
    };
    let Err(problems) = of_text(text, &surroundings) else { return };
    assert!(!problems.list().is_empty());
    for problem in problems.list() {
        let shown = problem.to_string();
        assert!(!shown.contains(SECRET) || text.contains(SECRET), "{shown}");
        assert!(!problem.message.contains('\n'), "{shown}");
        // Places are of this text.
        let line = usize::try_from(problem.place.line).expect("it is small");
        assert!(line <= text.matches('\n').count() + 1, "{shown}");
    }
}
