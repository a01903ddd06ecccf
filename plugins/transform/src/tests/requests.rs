//! What becomes of requests.

use super::*;

fn target(request: &testing::Request) -> String {
    let query = request.query().map_or(String::new(), |query| format!("?{query}"));
    format!("{}{query}", request.path())
}

#[test]
fn edits_that_are_the_same_for_every_exchange_cost_no_call() {
    let gateway = testing::Gateway::new();
    let edits = json!({ "set": { "x-edited": "yes" }, "remove": ["x-gone"] });
    let plugin = plugin(json!({ "request": { "headers": edits }, "response": { "headers": edits } }));
    assert_eq!(plugin.request(get("/").header("x-gone", "1")).next().headers().len(), 1);
    assert_eq!(gateway.crossings(), 0);
    assert_eq!(plugin.respond(response(200).header("x-gone", "1")).next().header("x-edited"), Some("yes"));
    assert_eq!(gateway.crossings(), 0);
}

#[test]
fn headers_are_removed_renamed_set_added_and_appended_in_this_order() {
    let config = json!({ "request": { "headers": {
        "append": { "x-list": "c" },
        "add": { "x-new": "new", "x-there": "unused", "x-gone": "again" },
        "set": { "x-set": "theirs no more", "x-renamed": "set wins" },
        "rename": { "x-old": "x-renamed", "x-gone": "x-never" },
        "remove": ["x-gone", "X-Absent"],
    } } });
    let request = get("/")
        .header("x-gone", "1")
        .header("x-old", "old")
        .header("x-set", "theirs")
        .header("x-set", "too")
        .header("x-there", "there")
        .header("x-list", "a")
        .header("x-list", "b");
    let request = sent(config, request);
    let mut headers: Vec<_> = request.headers().iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
    headers.sort_by(|a, b| a.split(':').next().cmp(&b.split(':').next()));
    assert_eq!(
        headers,
        [
            "x-gone: \"again\"",
            "x-list: \"a\"",
            "x-list: \"b\"",
            "x-list: \"c\"",
            "x-new: \"new\"",
            "x-renamed: \"set wins\"",
            "x-set: \"theirs no more\"",
            "x-there: \"there\"",
        ]
    );
}

#[test]
fn a_renamed_header_keeps_every_value_and_replaces_what_has_its_new_name() {
    let config = json!({ "request": { "headers": { "rename": { "X-Old": "X-New" } } } });
    let request = get("/").header("x-old", "1").header("x-old", b"\xff".as_slice()).header("x-new", "forged");
    let request = sent(config.clone(), request);
    let values: Vec<_> = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    assert_eq!(values, [("x-new", b"1".as_slice()), ("x-new", b"\xff")]);

    let nothing_to_rename = sent(config, get("/").header("x-new", "theirs"));
    assert_eq!(nothing_to_rename.header("x-new"), Some("theirs"));
}

#[test]
fn query_parameters_are_edited_like_headers_and_others_keep_their_bytes() {
    let config = json!({ "request": { "query": {
        "remove": ["debug"],
        "rename": { "q": "search" },
        "set": { "page": "{request.header.x-page}" },
        "add": { "limit": "10", "sig": "unused" },
        "append": { "tag": "a&b" },
    } } });
    let request = get("/?sig=a%2fb&debug&q=red+car&search=old&page=1&tag=x").header("x-page", "2");
    assert_eq!(target(&sent(config, request)), "/?sig=a%2fb&search=red+car&page=2&tag=x&limit=10&tag=a%26b");

    let remove = json!({ "request": { "query": { "remove": ["debug"] } } });
    assert_eq!(target(&sent(remove.clone(), get("/?debug=1"))), "/");
    assert_eq!(target(&sent(remove, get("/?&a&&b=%"))), "/?&a&&b=%", "nothing to change, nothing is written");
}

#[test]
fn a_path_is_built_of_what_the_route_captured() {
    for (path, expected) in [
        ("/v2/{param.rest}", "/v2/a/b%20c"),
        ("/{param.id}/users", "/7%3B/users"),
        ("/api{request.path}", "/api/users/7%3B"),
        ("{request.path}/{request.header.x-tenant}", "/users/7%3B/b%C3%BCro%3F%25"),
        ("/fixed", "/fixed"),
    ] {
        let request = get("/users/7%3B?q=1").param("id", "7%3B").param("rest", "a/b%20c");
        let request = request.header("x-tenant", "büro?%");
        let config = json!({ "request": { "path": path } });
        assert_eq!(target(&sent(config, request)), format!("{expected}?q=1"));
    }
}

#[test]
fn a_client_cannot_add_climb_or_leave_out_a_segment() {
    let config = json!({ "request": { "path": "/tenants/{request.header.x-tenant}/files" } });
    for tenant in ["a/b", "..", ".", "a\\b", ""] {
        let reply = plugin(config.clone()).request(get("/").header("x-tenant", tenant)).reply();
        assert_eq!(reply.status(), 400, "{tenant}");
    }
    let reply = plugin(config).request(get("/")).reply();
    assert_eq!(reply.json()["detail"], "The path needs the header `x-tenant`, without a slash in it.");
}

#[test]
fn a_target_that_edits_make_too_long_and_a_query_of_too_many_fields_are_refused() {
    let query = json!({ "request": { "query": { "set": { "copy": "{request.header.x-long}" } } } });
    let path = json!({ "request": { "path": "/{request.header.x-long}" } });
    for config in [query.clone(), path] {
        let reply = plugin(config).request(get("/").header("x-long", "%".repeat(30_000))).reply();
        assert_eq!(reply.status(), 414);
    }
    let many = format!("/?{}", "a&".repeat(1_000));
    assert_eq!(plugin(query.clone()).request(get(&many)).reply().status(), 400);
    let fewer = &many[..many.len() - 2];
    assert_eq!(target(&sent(query, get(fewer))), format!("{fewer}copy="));
}

#[test]
fn a_path_of_a_param_that_the_route_lacks_is_a_fault_that_names_it() {
    let config = json!({ "request": { "path": "/{param.idd}" } });
    assert_eq!(plugin(config).request(get("/").route("users")).fault(), "route `users` captures no `idd`");
}
