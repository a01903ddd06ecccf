//! Checks consumers: no two share a name or a key.

use std::collections::HashMap;

use crate::config::form;
use crate::config::node::Text;
use crate::config::problem::{Place, Problem, quote};
use crate::config::{Consumer, Credential, Secret};

use super::names::twice;
use crate::state::MOST_KEY_BYTES;

pub(super) fn consumers(forms: &[form::Consumer], problems: &mut Vec<Problem>) -> Vec<Consumer> {
    let mut names = HashMap::new();
    let mut keys = HashMap::new();
    forms.iter().filter_map(|form| consumer(form, &mut names, &mut keys, problems)).collect()
}

fn consumer<'a>(
    form: &'a form::Consumer,
    names: &mut HashMap<&'a str, &'a Place>,
    keys: &mut HashMap<&'a str, &'a Place>,
    problems: &mut Vec<Problem>,
) -> Option<Consumer> {
    let about = form.name.as_ref().map_or(String::new(), |name| format!(" (consumer {})", quote(name.written())));
    for group in form.groups.iter().filter(|group| !fits_header(&group.value) || group.value.contains(',')) {
        let message = format!("{} cannot be a group{about}", quote(group.written()));
        problems.push(
            Problem::new(&group.place, message)
                .help("a group has 1 to 256 visible ASCII characters, spaces between them, and no comma"),
        );
    }
    let mut credentials = Vec::new();
    for key in form.credentials.iter().filter_map(|credential| credential.key.as_ref()) {
        if key.value.is_empty() {
            problems.push(Problem::new(&key.place, format!("the key is empty{about}")));
        } else if key.value.len() > MOST_KEY_BYTES {
            let message = format!("the key has more than {MOST_KEY_BYTES} bytes{about}");
            problems.push(Problem::new(&key.place, message));
        } else if let Some(first) = keys.insert(&key.value, &key.place) {
            let message = format!("the same key is given twice{about}");
            problems.push(Problem::new(&key.place, message).help(format!("the first is at {first}")));
        }
        credentials.push(Credential::Key(Secret::new(key.value.clone())));
    }
    let name = form.name.as_ref()?;
    if !fits_header(&name.value) {
        problems.push(not_a_consumer(name));
    }
    if let Some(first) = names.insert(&name.value, &name.place) {
        problems.push(twice("consumer", name, first));
    }
    Some(Consumer {
        name: name.value.clone(),
        groups: form.groups.iter().map(|group| group.value.clone()).collect(),
        credentials,
        place: name.place.clone(),
    })
}

fn not_a_consumer(name: &Text) -> Problem {
    Problem::new(&name.place, format!("{} cannot name a consumer", quote(name.written())))
        .help("a consumer's name has 1 to 256 visible ASCII characters and spaces between them")
}

/// Upstreams are told names and groups in headers.
fn fits_header(text: &str) -> bool {
    let inside = |char: char| char.is_ascii_graphic() || char == ' ';
    !text.is_empty() && text.len() <= 256 && text.trim() == text && text.chars().all(inside)
}
