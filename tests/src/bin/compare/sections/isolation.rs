//! `isolation = "request"`: what a fresh instance for each request costs over reused ones.

use super::{by_round, interleaved};
use crate::Arguments;
use crate::findings::{Findings, Row};
use crate::gateway::{Bench, Chain, Setup};
use crate::scenario::Scenario;

const ENTRIES: usize = 1_000;

pub fn measure(bench: &Bench, arguments: &Arguments, findings: &mut Findings) {
    findings.about = format!(
        "One worker, one plugin: the guest `probe`, whose hook does nothing, with nothing in its configuration and with a \
         table of {ENTRIES} entries, which it parses in `configure`."
    );
    let of = |entries: usize, isolation: &str| {
        let chain = Chain::of_probes(1, entries, &format!("isolation = \"{isolation}\""));
        let setup = Setup { chain: Some(chain), ..Setup::from(Scenario::Bare) };
        (format!("isolation = \"{isolation}\", {entries} entries"), setup)
    };
    let setups = [of(0, "reuse"), of(0, "request"), of(ENTRIES, "reuse"), of(ENTRIES, "request")];
    let cpu = interleaved(bench, arguments, &setups, findings);
    let over = |place: usize| by_round(&cpu[place], &cpu[place + 1], |reused, fresh| fresh - reused);
    findings.add(Row::new("a fresh instance over a reused one, nothing configured", "us", over(0)));
    findings
        .add(Row::new(format!("a fresh instance over a reused one, {ENTRIES} entries"), "us", over(2)).at_most(15.0));
}
