//! Responses without a body: who asked, and not what became of it on the way, decides whether there is one.

use tests::{Reply, Upstream, http2};

use crate::{gateway_to, guests};

fn head(path: &str) -> http2::Asked {
    let mut request = http2::get(&format!("http://x{path}"));
    *request.method_mut() = http::Method::HEAD;
    request
}

#[test]
fn no_answer_to_head_has_a_body_over_http2() {
    let locked = gateway_to("internal:echo", "plugins = [\"key-auth\"]\nmatch = { path = \"/locked/**\" }");
    let echo = gateway_to("internal:echo", "");
    // hyper's client takes a frame of data that may not be there for an error.
    for (gateway, path, status) in [(&locked, "/locked/x", 401), (&locked, "/nowhere", 404), (&echo, "/", 200)] {
        let answers = http2::send(gateway.address(), vec![head(path)]);
        assert_eq!((answers[0].status().as_u16(), answers[0].body().len()), (status, 0), "{path}");
    }
}

#[test]
fn a_plugin_that_asks_with_another_method_makes_no_body_for_head() {
    // It writes much, which is slow in a host that is not optimised.
    let more = "grants = [\"state\", \"limiter\", \"consumers\", \"identify\"]\nlimits = { deadline = \"1s\" }";
    let plugin = guests::plugin("bare", "bare", more);
    let other = "[[upstream]]\nname = \"other\"\nendpoints = [\"internal:echo\"]\n";
    let gateway = crate::gateway(&format!("{plugin}{other}{}", guests::routes(&[("evil", &["bare"])])));
    let mut request = head("/evil/x");
    // It asks with PUT.
    request.headers_mut().insert("x-ask", http::HeaderValue::from_static("write"));
    let answers = http2::send(gateway.address(), vec![request]);
    assert_eq!((answers[0].status().as_u16(), answers[0].body().len()), (203, 0), "{:?}", gateway.log());
}

#[test]
fn the_length_of_a_body_that_is_not_there_is_not_told_over_http2() {
    let upstream = Upstream::start(|_| Reply::raw("HTTP/1.1 304 Not Modified\r\ncontent-length: 12\r\n\r\n"));
    let gateway = gateway_to(
        &upstream.url(),
        "plugins = [{ source = \"transform\", config = { response = { status = { \"304\" = 200 } } } }]",
    );
    let answers = http2::send(gateway.address(), vec![http2::get("http://x/")]);
    assert_eq!((answers[0].status().as_u16(), answers[0].headers().get("content-length")), (200, None));
}

#[test]
fn a_205_has_no_body() {
    let upstream = Upstream::start(|_| Reply::raw("HTTP/1.1 205 Reset Content\r\ncontent-length: 4\r\n\r\nbody"));
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = gateway.client();
    let answer = client.get("/");
    assert_eq!((answer.status, answer.header("content-length"), answer.body.len()), (205, Some("0"), 0));
    assert_eq!(client.get("/").status, 205);
}
