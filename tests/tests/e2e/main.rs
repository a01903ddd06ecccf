//! Tollgate from outside: the real binary, real sockets, real components.
//!
//! Each module is about one concern; each test starts a gateway of its own on free ports, so there is no order among
//! them.

mod admin;
mod admin_load;
mod balancers;
mod bodies;
mod bodies_hostile;
mod bodies_limits;
mod bodies_responses;
mod bodiless;
mod bundled;
mod chunks;
mod cli;
mod compression;
mod connections;
mod cost;
mod curl;
mod decoding;
mod descriptors;
mod expect;
mod faults;
mod flapping;
mod forwarding;
mod front_door;
mod grpc;
mod guests;
mod headers;
mod health;
mod hostile;
mod hostile_floods;
mod hostile_limits;
mod hostile_load;
mod hostile_tables;
mod http2_bombs;
mod http2_floods;
mod http2_strict;
mod isolation;
mod limits;
mod listeners;
mod live_change;
mod load;
mod log_sinks;
mod logs;
mod names;
mod outbound;
mod outbound_redirects;
mod outbound_ssrf;
mod outbound_wasi;
mod own_answers;
mod path_matrix;
mod paths;
mod plugins_capabilities;
mod plugins_chain;
mod plugins_contract;
mod plugins_log;
mod pressure;
mod protocols;
mod proxy_protocol;
mod readme;
mod regexes;
mod reload_storms;
mod retries;
mod routing;
mod shutdown;
mod splits;
mod spoof_matrix;
mod stalls;
mod streams;
mod swap;
mod tls;
mod tls_certificates;
mod tls_clients;
mod tls_expiry;
mod tls_facts;
mod tls_metrics;
mod trailers;
mod truncation;
mod tunnels;
mod unix_sockets;
mod upgrade;
mod upstream_certificates;
mod upstream_limits;
mod upstream_proxy_protocol;
mod upstream_sockets;
mod upstream_timeouts;
mod upstream_tls;
mod upstreams;
mod websocket;

use tests::{Builder, Folder, Gateway, Ran};

/// The gateway that cargo built together with these tests.
const BINARY: &str = env!("CARGO_BIN_EXE_gateway");

/// A gateway that runs on this `gateway.toml`; see [`Builder::new`] for what need not be said in it.
fn gateway(config: &str) -> Gateway {
    builder(config).start()
}

/// As [`gateway`], for those who need further files or variables.
fn builder(config: &str) -> Builder {
    Builder::new(BINARY, config)
}

/// A gateway whose one route sends everything to this endpoint; `more` is of that route.
fn gateway_to(endpoint: &str, more: &str) -> Gateway {
    gateway(&everything_to(endpoint, more))
}

/// The config of [`gateway_to`].
fn everything_to(endpoint: &str, more: &str) -> String {
    format!(
        r#"
[[upstream]]
name = "behind"
endpoints = ["{endpoint}"]

[[route]]
name = "everything"
upstream = "behind"
{more}
"#
    )
}

/// Runs a command in a folder that holds this `gateway.toml`.
fn tollgate(config: &str, arguments: &[&str]) -> Ran {
    Folder::with_config(config).tollgate(BINARY, arguments)
}

/// While it lives, snapshots have placeholders for what differs from run to run.
fn settled() -> impl Drop {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:PORT");
    settings.add_filter(r"\b\d+\.\.\d{4,}\b", "[range]");
    settings.add_filter(r"\b[0-9a-f]{32}\b", "[id]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "[time]");
    settings.add_filter(r"\b\d\d:\d\d:\d\d\.\d{3}\b", "[time]");
    settings.add_filter(r"\b\d+(\.\d+)?[mµu]s\b", "[duration]");
    settings.bind_to_scope()
}
