//! Which route a request takes, and what becomes of one that none takes.

use tests::{Gateway, Request};

use crate::{gateway, settled};

/// A gateway with these routes, each a name and its `match`, to an echo that sees the route's name as the path.
fn routes(routes: &[(&str, &str)]) -> Gateway {
    let mut config = "[[upstream]]\nname = \"echo\"\nendpoints = [\"internal:echo\"]\n".to_owned();
    for (name, rule) in routes {
        config.push_str(&format!(
            "[[route]]\nname = \"{name}\"\nupstream = \"echo\"\nrewrite = \"/{name}\"\nmatch = {{ {rule} }}\n"
        ));
    }
    gateway(&config)
}

/// The name of the route that a request takes.
fn taken(gateway: &Gateway, request: Request) -> String {
    let path = gateway.send(request).json()["path"].as_str().map(str::to_owned);
    path.map_or_else(|| "none".to_owned(), |path| path.trim_start_matches('/').to_owned())
}

#[test]
fn the_most_exact_host_wins() {
    let gateway = routes(&[
        ("any", ""),
        ("below", r#"host = "*.example""#),
        ("deeper", r#"host = "*.eu.example""#),
        ("exact", r#"host = ["api.example", "api.test"]"#),
    ]);
    for (host, route) in [
        ("api.example", "exact"),
        ("api.test", "exact"),
        ("API.Example:8080", "exact"),
        ("api.example.", "exact"),
        ("other.example", "below"),
        ("a.b.example", "below"),
        ("a.eu.example", "deeper"),
        ("example", "any"),
        ("127.0.0.1", "any"),
    ] {
        assert_eq!(taken(&gateway, Request::get("/").header("host", host)), route, "{host}");
    }
}

#[test]
fn the_most_exact_path_wins() {
    let gateway = routes(&[
        ("everything", r#"path = "/**""#),
        ("below", r#"path = "/users/**""#),
        ("one", r#"path = "/users/{id}""#),
        ("orders", r#"path = "/users/{id}/orders""#),
        ("me", r#"path = "/users/me""#),
    ]);
    for (path, route) in [
        ("/users/me", "me"),
        ("/users/7", "one"),
        ("/users/7/orders", "orders"),
        ("/users/me/orders", "orders"),
        ("/users/7/other", "below"),
        ("/users", "below"),
        ("/usersx", "everything"),
        ("/", "everything"),
    ] {
        assert_eq!(taken(&gateway, Request::get(path)), route, "{path}");
    }
}

#[test]
fn get_routes_serve_head_and_methods_part_routes_of_one_path() {
    let gateway = routes(&[
        ("read", r#"path = "/x", methods = ["GET"]"#),
        ("write", r#"path = "/x", methods = ["POST", "PUT"]"#),
    ]);
    assert_eq!(taken(&gateway, Request::get("/x")), "read");
    assert_eq!(taken(&gateway, Request::new("PUT", "/x")), "write");
    let head = gateway.send(Request::new("HEAD", "/x"));
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn headers_and_queries_part_routes_of_one_path() {
    let gateway = routes(&[
        ("plain", r#"path = "/x""#),
        ("second", r#"path = "/x", headers = { x-version = "2" }"#),
        ("debug", r#"path = "/x", query = { debug = "*" }"#),
        ("both", r#"path = "/x", headers = { x-version = "2" }, query = { debug = "yes" }"#),
    ]);
    let version = |request: Request| request.header("X-Version", "2");
    assert_eq!(taken(&gateway, Request::get("/x")), "plain");
    assert_eq!(taken(&gateway, Request::get("/x").header("x-version", "3")), "plain");
    assert_eq!(taken(&gateway, version(Request::get("/x"))), "second");
    assert_eq!(taken(&gateway, Request::get("/x?a=1&debug")), "debug");
    assert_eq!(taken(&gateway, version(Request::get("/x?debug=yes"))), "both");
}

#[test]
fn priority_decides_between_routes_of_one_host_and_path() {
    let config = |priority: i32| {
        format!(
            r#"
[[upstream]]
name = "echo"
endpoints = ["internal:echo"]
[[route]]
name = "a"
upstream = "echo"
rewrite = "/a"
match = {{ path = "/x", headers = {{ x-a = "*" }} }}
[[route]]
name = "b"
upstream = "echo"
rewrite = "/b"
priority = {priority}
match = {{ path = "/x", headers = {{ x-b = "*" }} }}
"#
        )
    };
    for (priority, route) in [(1, "b"), (-1, "a")] {
        let both = Request::get("/x").header("x-a", "1").header("x-b", "1");
        assert_eq!(taken(&gateway(&config(priority)), both), route);
    }
}

#[test]
fn a_request_that_no_route_takes_is_a_problem_with_its_id() {
    let gateway = routes(&[("users", r#"path = "/users""#)]);
    let answer = gateway.get("/nowhere");
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()["requestId"].as_str(), answer.header("x-request-id"));
    let _settled = settled();
    insta::assert_snapshot!(answer.text(), @r#"{"type":"urn:tollgate:problem:no-route","title":"No route takes this request","status":404,"requestId":"[id]"}"#);
}

#[test]
fn a_method_that_no_route_of_the_path_takes_is_told_the_others() {
    let gateway = routes(&[
        ("read", r#"path = "/users", methods = ["GET"]"#),
        ("write", r#"path = "/users", methods = ["POST"]"#),
    ]);
    let answer = gateway.send(Request::new("DELETE", "/users"));
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
    let _settled = settled();
    insta::assert_snapshot!(answer.text(), @r#"{"type":"urn:tollgate:problem:method-not-allowed","title":"The route takes other methods","status":405,"requestId":"[id]"}"#);
}

#[test]
fn a_path_is_routed_on_and_forwarded_in_its_one_normal_form() {
    let gateway = crate::gateway_to("internal:echo", r#"match = { path = "/b/**" }"#);
    for (sent, seen) in [
        ("/a/../b", "/b"),
        ("/%62/%7Euser", "/b/~user"),
        ("/a/%2e%2e/b/x", "/b/x"),
        ("//b//x/./", "/b/x/"),
        ("/b/caf%c3%a9", "/b/caf%C3%A9"),
    ] {
        assert_eq!(gateway.get(sent).json()["path"], seen, "{sent}");
    }
}

#[test]
fn a_path_that_can_be_read_in_two_ways_is_refused() {
    let gateway = crate::gateway_to("internal:echo", "");
    for path in ["/a%2fb", "/a%5cb", "/a\\b", "/a%00", "/a%zz", "/..", "/a/../../b"] {
        let answer = gateway.get(path);
        assert_eq!((answer.status, answer.problem().as_str()), (400, "bad-path"), "{path}");
    }
}
