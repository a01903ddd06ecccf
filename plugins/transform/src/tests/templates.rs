//! What templates become.

use super::*;

/// A header with this template as its value.
#[track_caller]
fn rendered(template: &str, request: RequestBuilder) -> String {
    let config = json!({ "request": { "headers": { "set": { "x-value": template } } } });
    sent(config, request).header("x-value").expect("it is always set").to_owned()
}

#[test]
fn every_value_can_be_named() {
    let gateway = testing::Gateway::new();
    gateway.consumer("acme").group("partners").group("eu");
    for (template, expected) in [
        ("{request.method}", "GET"),
        ("{request.scheme}://{request.authority}", "http://example.com"),
        ("{request.path}", "/users/J%C3%BC"),
        ("{request.header.X-Tenant}", "blue"),
        ("{request.query.q}", "red car"),
        ("{request.id}", "17"),
        ("{request.client}", "192.0.2.1"),
        ("{route} to {upstream}", "users to people"),
        ("{param.id}", "Jü"),
        ("{consumer.name} of {consumer.groups}", "acme of partners,eu"),
        ("{{request.id}} {{{request.id}}}", "{request.id} {17}"),
        ("", ""),
    ] {
        let request = get("/users/J%C3%BC?q=red%20car&q=2").header("x-tenant", "blue").id("17").consumer("acme");
        let request = request.route("users").upstream("people").param("id", "J%C3%BC");
        assert_eq!(rendered(template, request), expected);
    }
}

#[test]
fn values_are_those_that_came_whatever_else_is_changed() {
    let config = json!({ "request": {
        "path": "/new",
        "headers": {
            "remove": ["x-a"],
            "set": { "x-b": "{request.header.x-a}", "x-c": "{request.header.x-b}", "x-d": "{request.path}" },
        },
        "query": { "set": { "q": "{request.query.q}!" } },
    } });
    let request = sent(config, get("/old?q=1").header("x-a", "a").header("x-b", "b"));
    assert_eq!(["x-b", "x-c", "x-d"].map(|name| request.header(name)), [Some("a"), Some("b"), Some("/old")]);
    assert_eq!(request.query(), Some("q=1%21"));
}

#[test]
fn a_missing_value_is_empty() {
    let request = get("/").header("x-value", "forged").header("x-latin", b"\xff".as_slice());
    assert_eq!(rendered("<{consumer.name}{request.header.x-latin}>", request), "<>");
}

#[test]
fn a_field_with_a_missing_value_can_be_skipped_and_is_never_the_clients() {
    let fields = json!({ "set": { "x-caller": "{consumer.name}" }, "append": { "x-seen": "by {consumer.name}" } });
    let config = json!({ "missing": "skip", "request": { "headers": fields } });
    let request = sent(config, get("/").header("x-caller", "forged").header("x-seen", "before"));
    assert_eq!(request.header("x-caller"), None);
    assert_eq!(request.headers().len(), 1);
}

#[test]
fn control_characters_of_a_client_do_not_break_headers() {
    let request = get("/?q=a%0D%0Aset-cookie:%20x%00%09%25").param("id", "1%0A2");
    assert_eq!(rendered("{request.query.q}", request.clone()), "a%0D%0Aset-cookie: x%00\t%");
    assert_eq!(rendered("{param.id}", request), "1%0A2");
}
