//! Checks where plugins' own requests may go, and makes upstreams of origins.

use std::net::IpAddr;

use ipnet::IpNet;

use super::names::Names;
use super::upstreams;
use crate::config::form;
use crate::config::node::{Node, Text, Value};
use crate::config::problem::{Place, Problem, quote};
use crate::config::read::{Form, Placed, Reading};
use crate::config::values::{Whole, shown};
use crate::config::{Grant, Outbound, OutboundOrigin};
use crate::wire::origin::{Host, Origin};
use crate::wire::reach;

/// `scope` tells the plugin from all others.
pub(super) fn outbound(
    form: &form::Plugin,
    grants: Option<&[Grant]>,
    scope: &str,
    upstreams: &Names<'_>,
    about: &str,
    problems: &mut Vec<Problem>,
) -> Option<Outbound> {
    let granted = grants.is_some_and(|grants| grants.contains(&Grant::Outbound));
    let Some(table) = &form.outbound else {
        if granted {
            let place = form.grants.as_ref().map_or(&form.place, |grants| &grants.place);
            let message = format!("`outbound` is granted, and nothing says where requests may go{about}");
            problems.push(Problem::new(place, message).help("a table `outbound` with `upstreams` or `origins` does"));
        }
        return None;
    };
    if grants.is_some() && !granted {
        let message = format!("a table `outbound` without the grant{about}");
        problems.push(Problem::new(&table.place, message).help("add \"outbound\" to `grants`, or take the table away"));
    }
    let max_body = table.max_body.value.0;
    let memory = form.limits.memory.value.0;
    if max_body > memory {
        let message = format!("a body of {} does not fit into {} of memory{about}", shown(max_body), shown(memory));
        let help = "lower `outbound.max-body`, or raise `limits.memory`";
        problems.push(Problem::new(&table.max_body.place, message).help(help));
    }
    for text in &table.upstreams {
        upstreams.find(text, about, problems);
    }
    let networks: Vec<IpNet> = table.networks.iter().map(|network| network.0).collect();
    let mut origins: Vec<OutboundOrigin> = Vec::new();
    for text in &table.origins {
        let Some(origin) = origin(text, &networks, about, problems) else { continue };
        if !origins.iter().any(|other| other.origin == origin) {
            origins.extend(upstream(origin, scope, &text.place, about, problems));
        }
    }
    Some(Outbound {
        upstreams: table.upstreams.iter().map(|text| text.value.clone()).collect(),
        origins,
        networks,
        timeout: table.timeout,
        max_body: usize::try_from(max_body).unwrap_or(usize::MAX),
    })
}

fn origin(text: &Text, networks: &[IpNet], about: &str, problems: &mut Vec<Problem>) -> Option<Origin> {
    // It may have a password in it.
    let shown = || if text.written().contains('@') { "this".to_owned() } else { quote(text.written()) };
    let origin = match Origin::parse(&text.value) {
        Ok(origin) => origin,
        Err(error) => {
            let problem = Problem::new(&text.place, format!("{} is not an origin: {error}{about}", shown()));
            problems.push(problem.help("such as `https://api.example.com` or `http://10.1.0.7:8181`"));
            return None;
        }
    };
    if let Host::Address(address) = origin.host
        && let Err(reach::Special(purpose)) = reach::check(address, networks)
    {
        let message = format!("the address of {} is {purpose}, and `networks` does not grant it{about}", shown());
        let address: IpAddr = address.to_canonical();
        problems.push(Problem::new(&text.place, message).help(format!("networks = [\"{address}\"]")));
    }
    Some(origin)
}

/// An origin as an upstream of one endpoint, of this plugin alone: another plugin may reach other networks. No upstream that
/// is written has a colon in its name.
fn upstream(
    origin: Origin,
    scope: &str,
    place: &Place,
    about: &str,
    problems: &mut Vec<Problem>,
) -> Option<OutboundOrigin> {
    let text = |value: String| Text { value, place: place.clone(), interpolated: None };
    let empty = Node { place: place.clone(), value: Value::Table(Vec::new()) };
    // What it lacks is put in.
    let form = form::Upstream::read(&empty, &mut Reading::new(&mut Vec::new()))?;
    let endpoint = form::Endpoint { url: Some(text(origin.to_string())), weight: Whole(1) };
    let form = form::Upstream {
        name: Some(text(format!("{scope}:{origin}"))),
        endpoints: Some(Placed { value: vec![endpoint], place: place.clone() }),
        ..form
    };
    let nobody = Names::of("upstream", std::iter::empty(), problems);
    let upstream = upstreams::upstream(&form, &nobody, problems);
    let upstream = upstream.map(|upstream| OutboundOrigin { origin, upstream });
    if upstream.is_none() {
        problems.push(Problem::new(place, format!("no request can go to this origin{about}")));
    }
    upstream
}
