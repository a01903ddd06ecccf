use super::*;
use testing::{RequestBuilder, Tester, get};

const KEY: &str = "acme-key";

/// A plugin before a gateway that knows `acme` of two groups and `solo` of none.
fn plugin(config: serde_json::Value) -> Tester<KeyAuth> {
    let gateway = testing::Gateway::new();
    gateway.consumer("acme").key(KEY).group("partners").group("eu");
    gateway.consumer("solo").key("solo-key");
    testing::configure(config).expect("a good config")
}

fn with_key() -> RequestBuilder {
    get("/users").header("x-api-key", KEY)
}

#[test]
fn a_known_key_says_who_calls_and_stays_here() {
    let request = plugin(json!({})).request(with_key()).next();
    assert_eq!(request.header("x-consumer-name"), Some("acme"));
    assert_eq!(request.header("x-consumer-groups"), Some("partners,eu"));
    assert_eq!(request.header("x-api-key"), None);
}

#[test]
fn a_key_in_a_header_costs_one_call_into_the_gateway() {
    let gateway = testing::Gateway::new();
    gateway.consumer("acme").key(KEY);
    let plugin = testing::configure::<KeyAuth>(json!({})).expect("a good config");
    plugin.request(with_key()).next();
    assert_eq!(gateway.crossings(), 2, "the hook, and who the key is of");
}

#[test]
fn later_plugins_and_the_access_log_know_the_caller() {
    let gateway = testing::Gateway::new();
    gateway.consumer("acme").key(KEY);
    let plugin = testing::configure::<KeyAuth>(json!({})).expect("a good config");
    plugin.request(with_key()).next();
    assert_eq!(gateway.identified().as_deref(), Some("acme"));
    assert_eq!(gateway.own_headers(), ["x-consumer-groups", "x-consumer-name"]);
}

#[test]
fn a_missing_an_unknown_and_an_empty_key_get_the_same_answer() {
    let plugin = plugin(json!({ "query": "api_key", "header": "x-api-key", "realm": "the \"users\" API" }));
    let missing = plugin.request(get("/users")).reply();
    assert_eq!(missing.status(), 401);
    assert_eq!(missing.header("www-authenticate"), Some(r#"Key realm="the \"users\" API""#));
    assert_eq!(missing.header("content-type"), Some("application/problem+json"));
    let detail = "Send one valid key in the header `x-api-key` or the query parameter `api_key`.";
    assert_eq!(missing.json()["detail"], detail);

    for key in ["unknown", "", "acme-key "] {
        assert_eq!(plugin.request(get("/users").header("x-api-key", key)).reply(), missing, "{key:?}");
    }
}

#[test]
fn two_keys_are_not_chosen_from() {
    let plugin = plugin(json!({ "header": "x-api-key", "query": "api_key", "cookie": "key" }));
    for request in [
        with_key().header("x-api-key", KEY),
        with_key().header("x-api-key", "other"),
        with_key().header("cookie", "key=other"),
        get("/?api_key=acme-key&api%5fkey=other"),
        get("/").header("cookie", "key=acme-key; key=acme-key"),
        get("/").header("cookie", "key=acme-key").header("cookie", "key=other"),
        get("/?api_key=").header("x-api-key", KEY),
    ] {
        assert_eq!(plugin.request(request.clone()).reply().status(), 401, "{request:?}");
    }
}

#[test]
fn a_key_in_the_query_leaves_the_other_parameters_as_they_are() {
    let plugin = plugin(json!({ "query": "api_key" }));
    let request = plugin.request(get("/users?sig=a%2fb&api_key=acme%2Dkey&x")).next();
    assert_eq!(request.query(), Some("sig=a%2fb&x"));
    assert_eq!(plugin.request(get("/users?api_key=acme-key")).next().query(), None);
    let header = plugin.request(with_key()).reply();
    assert_eq!(header.status(), 401, "only the configured places are looked at");
}

#[test]
fn a_key_in_a_cookie_leaves_the_other_cookies() {
    let plugin = plugin(json!({ "cookie": "key" }));
    let request = get("/").header("cookie", "theme=dark; key=acme-key").header("cookie", "monkey=1");
    assert_eq!(plugin.request(request).next().header("cookie"), Some("theme=dark; monkey=1"));
    let alone = get("/").header("cookie", "key=acme-key");
    assert_eq!(plugin.request(alone).next().header("cookie"), None);
}

#[test]
fn a_key_stands_behind_its_scheme_in_any_case() {
    let plugin = plugin(json!({ "header": "authorization", "scheme": "ApiKey", "query": "api_key" }));
    for value in ["ApiKey acme-key", "apikey   acme-key"] {
        let request = plugin.request(get("/").header("authorization", value)).next();
        assert_eq!(request.header("authorization"), None);
    }
    for value in ["acme-key", "ApiKeyacme-key", "ApiKey", "Bearer acme-key"] {
        let reply = plugin.request(get("/").header("authorization", value)).reply();
        assert_eq!(reply.header("www-authenticate"), Some("ApiKey realm=\"tollgate\""), "{value:?}");
    }
}

#[test]
fn a_header_of_another_scheme_is_the_upstreams() {
    let plugin = plugin(json!({ "header": "authorization", "scheme": "ApiKey", "query": "api_key" }));
    let request = get("/?api_key=acme-key").header("authorization", "Basic dTpw");
    assert_eq!(plugin.request(request).next().header("authorization"), Some("Basic dTpw"));
}

#[test]
fn a_key_goes_on_to_the_upstream_when_it_is_not_hidden() {
    let plugin = plugin(json!({ "hide-credentials": false }));
    assert_eq!(plugin.request(with_key()).next().header("x-api-key"), Some(KEY));
}

#[test]
fn a_caller_without_groups_brings_none_of_another() {
    let plugin = plugin(json!({}));
    let request = get("/").header("x-api-key", "solo-key").header("x-consumer-groups", "of another plugin");
    assert_eq!(plugin.request(request).next().header("x-consumer-groups"), None);
}

#[test]
fn only_allowed_groups_pass() {
    let plugin = plugin(json!({ "allow-groups": ["staff", "eu"] }));
    plugin.request(with_key()).next();
    let reply = plugin.request(get("/").header("x-api-key", "solo-key")).reply();
    assert_eq!(reply.status(), 403);
    assert_eq!(reply.json()["detail"], "The caller is in no group that may pass here.");
}

#[test]
fn what_is_wrong_with_a_config_is_said_at_its_place() {
    let problem = |config| {
        let problems = testing::configure::<KeyAuth>(config).expect_err("a bad config");
        let shown = problems.iter().map(|problem| format!("{}: {}", problem.pointer, problem.message));
        shown.collect::<Vec<_>>().join("\n")
    };
    for (config, message) in [
        (
            json!({ "key_names": ["apikey"] }),
            "/key_names: unknown key `key_names`: there are `header`, `scheme`, `query`, `cookie`, \
             `hide-credentials`, `allow-groups`, `realm`",
        ),
        (
            json!({ "header": "x api key" }),
            "/header: `x api key` is no name of a header, expected one such as `x-api-key`",
        ),
        (
            json!({ "header": "X-Consumer-Name" }),
            "/header: `X-Consumer-Name` is stripped from requests: only this plugin may say it",
        ),
        (
            json!({ "scheme": "Bearer" }),
            "/scheme: a scheme stands in a header: add one, such as `header = \"authorization\"`",
        ),
        (
            json!({ "query": "", "cookie": "a b", "allow-groups": [], "realm": "é" }),
            "/query: a query parameter needs a name, such as `api_key`\n\
             /cookie: `a b` is no name of a cookie, expected one such as `api_key`\n\
             /allow-groups: no caller could pass: name a group, or leave it out to let all pass\n\
             /realm: a realm stands in a header: expected printable ASCII",
        ),
    ] {
        assert_eq!(problem(config), message);
    }
}
