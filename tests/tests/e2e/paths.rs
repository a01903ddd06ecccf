//! One form of paths: however a client writes one, it meets the same route, and the upstream gets what was routed on.

use tests::{Gateway, Request, Upstream, http2};

use crate::gateway;

/// Everything is open but for these paths, which want a key.
fn guarding(upstream: &str, paths: &[&str]) -> Gateway {
    let guarded = |(at, path): (usize, &&str)| {
        format!(
            "[[route]]\nname = \"guarded-{at}\"\nupstream = \"behind\"\nplugins = [\"key-auth\"]\n\
             match = {{ path = \"{path}\" }}\n"
        )
    };
    let guarded: String = paths.iter().enumerate().map(guarded).collect();
    gateway(&format!(
        "[[upstream]]\nname = \"behind\"\nendpoints = [\"{upstream}\"]\n\
         [[route]]\nname = \"open\"\nupstream = \"behind\"\n{guarded}"
    ))
}

fn status_over_http2(gateway: &Gateway, path: &str) -> u16 {
    http2::send(gateway.address(), vec![http2::get(&format!("http://x{path}"))])[0].status().as_u16()
}

#[test]
fn no_way_to_write_a_path_leads_around_the_route_that_guards_it() {
    let guarded = ["/caf%C3%A9/**", "/users/@me", "/a%7Cb", "/a;b", "/c%2B%2B", "/x,y/**", "/q%22"];
    let gateway = guarding("internal:echo", &guarded);
    for (path, status) in [
        ("/caf%C3%A9/x", 401),
        ("/caf%c3%a9/x", 401),
        ("/users/@me", 401),
        ("/users/%40me", 401),
        ("/users/%40%6de", 401),
        ("/a%7Cb", 401),
        ("/a%7cb", 401),
        ("/a|b", 401),
        ("/a;b", 401),
        ("/a%3Bb", 401),
        ("/c++", 401),
        ("/c%2b+", 401),
        ("/x,y", 401),
        ("/x%2Cy/z", 401),
        ("/q%22", 401),
        ("/q\"", 401),
        ("/caf", 200),
        ("/a", 200),
    ] {
        assert_eq!(gateway.get(path).status, status, "{path}");
        assert_eq!(status_over_http2(&gateway, path), status, "{path} over HTTP/2");
    }
}

#[test]
fn bytes_outside_ascii_are_refused_on_both_protocols() {
    let gateway = guarding("internal:echo", &["/caf%C3%A9/**"]);
    for target in ["/caf\u{e9}/x", "/x?caf\u{e9}"] {
        assert_eq!(gateway.get(target).status, 400, "{target}");
        assert_eq!(status_over_http2(&gateway, target), 400, "{target} over HTTP/2");
    }
}

#[test]
fn the_upstream_gets_the_path_that_was_routed_on() {
    let upstream = Upstream::saying("");
    let gateway = guarding(&upstream.url(), &["/none"]);
    for (sent, got) in [
        ("/users/%40me", "/users/@me"),
        ("/a;v=1/b|c", "/a%3Bv=1/b%7Cc"),
        ("/%7Euser/a+b", "/~user/a%2Bb"),
        ("/v1/x:verb?q=a+b;c|%40", "/v1/x:verb?q=a+b;c|%40"),
    ] {
        let before = upstream.received().len();
        assert_eq!(gateway.send(Request::get(sent)).status, 200);
        assert_eq!(status_over_http2(&gateway, sent), 200);
        let targets: Vec<_> = upstream.received()[before..].iter().map(|request| request.target.clone()).collect();
        assert_eq!(targets, [got, got], "{sent}");
    }
}

#[test]
fn a_rewrite_that_is_too_long_is_a_414_and_its_query_in_no_log() {
    let long = "x".repeat(500);
    let rests = "/{rest}".repeat(10);
    let rewrite = format!("match = {{ path = \"/{{a}}/**\" }}\nrewrite = \"/{long}{rests}\"");
    let gateway = crate::gateway_to("internal:echo", &rewrite);
    let answer = gateway.get(&format!("/a/{}?api_key=secret-of-acme", "y".repeat(8_000)));
    assert_eq!((answer.status, answer.problem().as_str()), (414, "target-too-long"));
    // The lines before this one are there when it is.
    assert_eq!(gateway.get("/").status, 404);
    gateway.wait_for_access("/");
    for line in gateway.log() {
        assert!(!line.to_string().contains("secret-of-acme"), "{}", line["message"]);
    }
}

#[test]
fn a_rewrite_makes_a_path_in_normal_form() {
    let gateway = crate::gateway_to("internal:echo", "rewrite = \"/%7Ev2/+/{rest}\"\nmatch = { path = \"/a/**\" }");
    assert_eq!(gateway.get("/a/b;c").json()["path"], "/~v2/%2B/b%3Bc");
}
