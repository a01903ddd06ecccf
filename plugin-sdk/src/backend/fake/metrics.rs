//! What a plugin counts for itself.

use super::capability;
use crate::testing::world::{self, Own};

pub(crate) fn counter(name: &str, help: &str, labels: &[(&str, &str)]) -> u32 {
    declare("counter", name, help, labels, &[])
}

pub(crate) fn gauge(name: &str, help: &str, labels: &[(&str, &str)]) -> u32 {
    declare("gauge", name, help, labels, &[])
}

pub(crate) fn histogram(name: &str, help: &str, labels: &[(&str, &str)], bounds: &[f64]) -> u32 {
    declare("histogram", name, help, labels, bounds)
}

pub(crate) fn add(counter: u32, more: u64) {
    count(counter, |numbers| match numbers.as_mut_slice() {
        [total] => *total += more as f64,
        _ => numbers.push(more as f64),
    });
}

pub(crate) fn set(gauge: u32, value: f64) {
    if value.is_finite() {
        count(gauge, |numbers| *numbers = vec![value]);
    }
}

pub(crate) fn observe(histogram: u32, value: f64) {
    if value.is_finite() {
        count(histogram, |numbers| numbers.push(value));
    }
}

fn count(handle: u32, count: impl FnOnce(&mut Vec<f64>)) {
    capability("metrics", |world| count(&mut world.own[handle as usize].numbers));
}

/// As the gateway, it refuses by a fault.
fn declare(kind: &'static str, name: &str, help: &str, labels: &[(&str, &str)], bounds: &[f64]) -> u32 {
    world::with(|world| {
        assert!(world.configuring, "a metric may be declared only inside `configure`");
        for name in [name].into_iter().chain(labels.iter().map(|(label, _)| *label)) {
            assert!(is_name(name), "`{name}` is not a name of a metric or a label");
        }
        let ends = ["_total", "_bucket", "_sum", "_count"];
        assert!(!ends.iter().any(|end| name.ends_with(end)), "leave the suffix of `{name}` to the gateway");
        assert!(help.len() <= 256 && !help.contains(char::is_control), "the help of `{name}` is one short line");
        assert!(labels.len() <= 8, "`{name}` has more than 8 labels");
        for (index, (label, value)) in labels.iter().enumerate() {
            let again = labels[..index].iter().any(|(other, _)| other == label);
            assert!(!again && !["plugin", "le"].contains(label), "the label `{label}` is not free");
            assert!(value.len() <= 128 && !value.contains(char::is_control), "`{label}` has an illegal value");
        }
        let ascending = bounds.windows(2).all(|pair| pair[0] < pair[1]) && bounds.iter().all(|bound| bound.is_finite());
        assert!(bounds.len() <= 32 && ascending, "the bounds of `{name}` are not at most 32 ascending numbers");
        let labels: Vec<_> = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for other in world.own.iter().filter(|other| other.name == name) {
            assert!(other.kind == kind && other.labels != labels, "`{name}` is declared twice");
        }
        assert!(world.own.len() < 256, "a plugin declares at most 256 metrics");
        world.own.push(Own { kind, name: name.to_owned(), labels, numbers: Vec::new() });
        u32::try_from(world.own.len() - 1).expect("a few")
    })
}

fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= 64 && name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(letter)
}
