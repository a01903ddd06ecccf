//! What plugins count: metrics of one name are of one kind, whoever declares them, or no scraper could read them.

use std::collections::HashMap;

use super::Loaded;
use crate::config::{Config, Problem};

/// `loaded` is in the order of the configuration's plugins.
pub(super) fn check(config: &Config, loaded: &[Option<Loaded>], problems: &mut Vec<Problem>) {
    let mut known: HashMap<&str, (&'static str, &str)> = HashMap::new();
    for (entry, loaded) in config.plugins.iter().zip(loaded) {
        let Some(loaded) = loaded else { continue };
        let mut told = false;
        for metric in &loaded.plugin.declarations().metrics {
            let (kind, other) = *known.entry(metric.name()).or_insert((metric.kind(), &entry.scope));
            if kind != metric.kind() && !told {
                let (name, now) = (metric.name(), metric.kind());
                let message = format!(
                    "plugin `{}`: its metric `{name}` is a {now}, that of plugin `{other}` a {kind}",
                    entry.name
                );
                let help = "metrics of one name are of one kind: one of the plugins has to call it otherwise";
                problems.push(Problem::new(&entry.source_place, message).help(help));
                told = true;
            }
        }
    }
}
