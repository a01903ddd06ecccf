//! Many plugins on one route: each costs what the one before it did.

use super::{by_round, interleaved};
use crate::Arguments;
use crate::findings::{Findings, Row};
use crate::gateway::{Bench, Chain, Setup};
use crate::scenario::Scenario;

const COUNTS: [usize; 5] = [0, 1, 4, 16, 64];

pub fn measure(bench: &Bench, arguments: &Arguments, findings: &mut Findings) {
    findings.about = "One worker. Each plugin is the guest `probe` with a request hook that does nothing, so that the host's \
                      share is seen and not the plugin's. What a plugin costs is the difference from no plugin, divided by \
                      their number; the one of 1 is lost in the noise of whole requests."
        .to_owned();
    let setups = COUNTS.map(|count| {
        let chain = Chain::of_probes(count, 0, "");
        (format!("{count} plugins"), Setup { chain: Some(chain), ..Setup::from(Scenario::Bare) })
    });
    let cpu = interleaved(bench, arguments, &setups, findings);
    let each = |place: usize| by_round(&cpu[0], &cpu[place], |none, some| (some - none) / COUNTS[place] as f64);
    for (place, count) in COUNTS.iter().enumerate().skip(1) {
        let row = Row::new(format!("each of {count} plugins"), "us", each(place));
        // A no-op's target; fewer plugins say it less exactly.
        findings.add(if *count == 64 { row.at_most(0.5) } else { row });
    }
    let linear = by_round(&each(3), &each(4), |of_16, of_64| of_64 / of_16);
    findings.add(Row::new("linear: each of 64 beside each of 16", "x", linear).at_most(1.2));
}
