//! A large response on a route without body hooks: what its bytes cost, and that they are not kept.

use super::transfer::Transfers;
use crate::Arguments;
use crate::findings::{Findings, Row};
use crate::gateway::{Bench, Setup};
use crate::scenario::Scenario;

/// What grows, in MiB, that is no growth: buffers of one connection.
const NO_GROWTH: f64 = 2.0;

pub fn measure(bench: &Bench, arguments: &Arguments, findings: &mut Findings) {
    findings.about = "One worker, one client that reads as fast as it can, a sparse file of 10^9 bytes behind the upstream. \
                      nginx is measured as its users have it, with `proxy_buffering on`, which lets it write what the client is \
                      too slow for to a file; that is what the target is seen from. `off` is nearer to what Tollgate does, so \
                      it stands here too. Growth is the peak of resident memory over what there was before."
        .to_owned();
    let nginx = |buffering| Setup { buffering, ..Setup::from(Scenario::Nginx) };
    let setups = [
        ("nginx, proxy_buffering on", nginx(true)),
        ("nginx, proxy_buffering off", nginx(false)),
        ("HAProxy", Scenario::HaProxy.into()),
        ("Tollgate, no plugin", Scenario::Bare.into()),
        ("Tollgate, chain of four", Scenario::Chain.into()),
    ];
    let transfers = Transfers::measure(bench, arguments, findings, &setups, (|_| Ok(()), NO_GROWTH));
    let beside =
        |to: usize, name: &str| Row::new(format!("Tollgate, no plugin, beside {name}"), "x", transfers.ratio(3, to));
    findings.add(beside(0, setups[0].0).at_most(1.1));
    findings.add(beside(1, setups[1].0));
}
