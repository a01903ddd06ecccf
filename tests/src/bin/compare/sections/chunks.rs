//! A large response through a hook that upper-cases it piece by piece: what that costs beside nginx with a body filter in
//! Lua, and that the bytes are not kept.

use anyhow::{Result, ensure};

use super::transfer::Transfers;
use crate::findings::{Findings, Row};
use crate::gateway::{Bench, Chain, Gateway, Setup};
use crate::scenario::Scenario;
use crate::{Arguments, http};

/// MiB that buffers and one instance may take.
const MOST_GROWTH: f64 = 4.0;

pub fn measure(bench: &Bench, arguments: &Arguments, findings: &mut Findings) {
    findings.about =
        "As in the section of a response of 1 GB, but each piece is upper-cased: by the guest `shout`, which copies \
                      it out of the gateway, changes it and puts it back, and by `string.upper` in nginx's \
                      `body_filter_by_lua_block`. The target is seen from `proxy_buffering on`."
            .to_owned();
    let nginx = |buffering| Setup { buffering, shouts: true, ..Setup::from(Scenario::NginxLua) };
    let shout = Setup { chain: Some(Chain::of_shout()), ..Setup::from(Scenario::Bare) };
    let setups = [
        ("nginx + Lua, proxy_buffering on", nginx(true)),
        ("nginx + Lua, proxy_buffering off", nginx(false)),
        ("Tollgate, no plugin", Scenario::Bare.into()),
        ("Tollgate, a chunk hook", shout),
    ];
    let transfers = Transfers::measure(bench, arguments, findings, &setups, (does_its_part, MOST_GROWTH));
    let beside =
        |to: usize, name: &str| Row::new(format!("Tollgate, a chunk hook, beside {name}"), "x", transfers.ratio(3, to));
    findings.add(beside(0, setups[0].0).at_most(2.0));
    findings.add(beside(1, setups[1].0));
}

fn does_its_part(gateway: &Gateway) -> Result<()> {
    let wants_upper = gateway.setup.shouts || gateway.setup.chain.is_some();
    let body = http::get(gateway.process.address, "/", &[])?.body;
    ensure!(body.contains(if wants_upper { "ADA LOVELACE" } else { "Ada Lovelace" }), "the body is {body:?}");
    Ok(())
}
