//! A plugin with every hook, on the fake gateway.

use tollgate_plugin_sdk::prelude::*;
use tollgate_plugin_sdk::testing::{Gateway, Tester, entry, get, response};

/// Does what its tests want to see, by path.
struct Example {
    header: HeaderName,
}

#[derive(serde::Deserialize)]
struct Config {
    #[serde(deserialize_with = "config::parsed")]
    header: HeaderName,
}

#[plugin]
impl Plugin for Example {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, ConfigError> {
        setup::own_header("x-consumer");
        Ok(Self { header: config.header })
    }

    fn on_request(&self, request: &mut Request) -> Result<Action, String> {
        let path = request.path().to_owned();
        request.set_note("path", &path);
        match path.as_str() {
            "/fault" => return Err("it went wrong".into()),
            "/framing" => return Ok(Reply::new(StatusCode::OK).header("content-length", 1_u64).into()),
            "/rewrite" => {
                request.set_path("/new");
                request.steer("canary");
                let mut params = request.query_params();
                params.rename("q", "search");
                request.set_query_params(&params);
                request.set_header("x-saw", format!("{}?{}", request.path(), request.query().unwrap_or_default()));
            }
            _ => {
                let Some(key) = request.header(&self.header) else {
                    return Ok(Reply::unauthorized().into());
                };
                if let Some(consumer) = consumers::verify_key(&key) {
                    request.identify(&consumer);
                    request.set_header("x-consumer", consumer.name());
                    request.set_header("x-groups", consumer.groups().join(","));
                }
            }
        }
        Ok(Action::Next)
    }

    fn on_response(&self, request: &Request, response: &mut Response) -> Action {
        let note = request.note("path").unwrap_or_default();
        response.set_header("x-path", note);
        if response.origin() == Origin::Gateway("upstream-timeout".to_owned()) {
            return Reply::service_unavailable().detail("come back later").into();
        }
        if let Some(maker) = response.header_str("x-made-by") {
            response.remove_header("x-made-by");
            response.append_header("via", maker);
        }
        Action::Next
    }

    fn on_log(&self, entry: &LogEntry) {
        let status = entry.status().map_or(0, |status| status.as_u16());
        log::info!("{} {status} complete: {}", entry.request().path(), entry.completed());
    }
}

fn example() -> (Gateway, Tester<Example>) {
    let gateway = Gateway::new();
    gateway.consumer("acme").key("secret").group("partners").group("beta");
    let plugin = testing::configure(json!({ "header": "x-key" })).expect("the configuration is good");
    (gateway, plugin)
}

#[test]
fn a_caller_is_identified_and_its_own_claim_is_stripped() {
    let (gateway, plugin) = example();
    assert_eq!(gateway.own_headers(), ["x-consumer"]);
    let claim = get("/").header("x-key", "secret").header("X_Consumer", "root").header("x-groups", "a");
    let request = plugin.request(claim).next();
    assert_eq!(request.header("x_consumer"), None);
    assert_eq!(request.header("x-consumer"), Some("acme"));
    assert_eq!(request.header("x-groups"), Some("partners,beta"));
    assert_eq!(gateway.identified().as_deref(), Some("acme"));
}

#[test]
fn a_later_write_reads_earlier_writes() {
    let (_gateway, plugin) = example();
    let request = plugin.request(get("/rewrite?q=a%20b&x=1")).next();
    assert_eq!((request.path(), request.query()), ("/new", Some("search=a%20b&x=1")));
    assert_eq!(request.header("x-saw"), Some("/new?search=a%20b&x=1"));
    assert_eq!(request.upstream(), "canary");
}

#[test]
fn an_error_is_a_fault_with_its_text_in_the_log() {
    let (gateway, plugin) = example();
    assert_eq!(plugin.request(get("/fault")).fault(), "it went wrong");
    assert_eq!(gateway.log(), ["error: it went wrong"]);
}

#[test]
fn a_framing_header_is_a_fault_and_undoes_the_writes() {
    let (gateway, plugin) = example();
    let fault = plugin.request(get("/framing")).fault();
    assert_eq!(fault, "cannot write the header `content-length`: the gateway alone sets this header");
    assert_eq!(gateway.note("path"), None);
}

#[test]
fn a_response_sees_notes_of_the_request_and_is_edited() {
    let (_gateway, plugin) = example();
    plugin.request(get("/a").header("x-key", "?")).next();
    let response = plugin.respond(response(200).header("x-made-by", "me").header("via", "you")).next();
    assert_eq!(response.header("x-path"), Some("/a"));
    assert_eq!(response.header("x-made-by"), None);
    assert_eq!(response.headers().iter().filter(|(name, _)| name == "via").count(), 2);
}

#[test]
fn a_reply_replaces_the_response() {
    let (_gateway, plugin) = example();
    plugin.request(get("/a").header("x-key", "?")).next();
    let timeout = Origin::Gateway("upstream-timeout".to_owned());
    let reply = plugin.respond(response(504).origin(timeout)).reply();
    assert_eq!(reply.status(), 503);
    assert_eq!(reply.json()["detail"], "come back later");
}

#[test]
fn the_end_of_an_exchange_is_logged() {
    let (gateway, plugin) = example();
    assert_eq!(plugin.request(get("/a")).reply().status(), 401);
    plugin.log(entry().aborted()).expect("it answers no error");
    assert_eq!(gateway.log(), ["info: /a 401 complete: false"]);
}

#[test]
fn a_bad_configuration_has_a_place() {
    let _gateway = Gateway::new();
    let problems = testing::configure::<Example>(json!({ "header": "x y" })).expect_err("no name");
    assert_eq!(problems[0].pointer, "/header");
    assert_eq!(problems[0].message, "`x y`: invalid HTTP header name");
}

#[test]
fn what_the_gateway_refuses_is_an_error_or_a_fault() {
    let (gateway, plugin) = example();
    gateway.upstream("stable");
    let steered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| plugin.request(get("/rewrite"))));
    let panic = steered.expect_err("there is no upstream named `canary`");
    let text = panic.downcast_ref::<String>().expect("the panic has a text");
    assert_eq!(text, "cannot write the upstream `canary`: there is no such one");
}
