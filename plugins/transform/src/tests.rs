use super::*;
use serde_json::Value;
use testing::{RequestBuilder, Tester, get, response};

mod config;
mod requests;
mod responses;
mod templates;

/// A plugin with a good configuration.
#[track_caller]
fn plugin(config: Value) -> Tester<Transform> {
    testing::configure(config).expect("a good config")
}

/// A request as a plugin with this configuration sends it on.
#[track_caller]
fn sent(config: Value, request: RequestBuilder) -> testing::Request {
    plugin(config).request(request).next()
}
