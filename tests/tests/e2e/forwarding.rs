//! What the upstream gets of a request: its path, its host, its body.

use tests::{Gate, Reply, Request, Upstream};

use crate::{gateway, gateway_to};

#[test]
fn strip_prefix_hides_the_beginning_of_the_path() {
    let gateway = gateway_to("internal:echo", "strip-prefix = \"/api\"\nmatch = { path = \"/api/**\" }");
    assert_eq!(gateway.get("/api/users/7").json()["path"], "/users/7");
    assert_eq!(gateway.get("/api").json()["path"], "/");
    let answer = gateway.get("/api/users?page=2").json();
    assert_eq!((&answer["path"], &answer["query"]), (&"/users".into(), &"page=2".into()));
}

#[test]
fn rewrite_makes_a_path_of_what_the_routes_path_captured() {
    let gateway =
        gateway_to("internal:echo", "rewrite = \"/v2/people/{id}/{rest}\"\nmatch = { path = \"/v1/users/{id}/**\" }");
    let answer = gateway.get("/v1/users/7/orders/9?page=2").json();
    assert_eq!((&answer["path"], &answer["query"]), (&"/v2/people/7/orders/9".into(), &"page=2".into()));
}

#[test]
fn what_was_captured_stays_encoded_in_a_rewrite() {
    let gateway = gateway_to("internal:echo", "rewrite = \"/find/{name}\"\nmatch = { path = \"/by-name/{name}\" }");
    assert_eq!(gateway.get("/by-name/a%20b%3Fc").json()["path"], "/find/a%20b%3Fc");
}

#[test]
fn the_query_is_forwarded_as_it_came() {
    let query = "a=1&&b=%2F%2f&c=a+b&d=%zz";
    assert_eq!(gateway_to("internal:echo", "").get(&format!("/?{query}")).json()["query"], query);
}

#[test]
fn the_upstream_sees_the_clients_host_unless_the_route_says_otherwise() {
    let upstream = Upstream::saying("");
    gateway_to(&upstream.url(), "").send(Request::get("/").header("host", "api.example"));
    gateway_to(&upstream.url(), "preserve-host = false").send(Request::get("/").header("host", "api.example"));
    let hosts: Vec<_> = upstream.received().iter().map(|request| request.header("host").map(str::to_owned)).collect();
    assert_eq!(hosts, [Some("api.example".into()), Some(upstream.address().to_string())]);
}

#[test]
fn a_body_arrives_whole_with_its_length_or_in_chunks() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "");
    gateway.send(Request::post("/", "known length"));
    let chunked =
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nin ch\r\n4\r\nunks\r\n0\r\n\r\n";
    let mut client = gateway.client();
    client.write(chunked);
    assert_eq!(client.receive().status, 200);
    let received = upstream.received();
    assert_eq!((received[0].header("content-length"), received[0].body.as_slice()), (Some("12"), &b"known length"[..]));
    assert_eq!((received[1].header("content-length"), received[1].body.as_slice()), (None, &b"in chunks"[..]));
}

#[test]
fn a_response_streams_while_the_upstream_still_writes_it() {
    let gate = Gate::closed();
    let last = gate.clone();
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    let upstream = Upstream::start(move |_| Reply::raw(head).then_after(&last, "4\r\nlast\r\n0\r\n\r\n"));
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = gateway.client();
    client.start(Request::get("/"));
    assert!(client.read_until("first").starts_with("HTTP/1.1 200 OK\r\n"));
    gate.open();
    assert!(client.read_until("0\r\n\r\n").contains("last"));
}

#[test]
fn the_upstreams_status_headers_and_body_come_back_as_they_were() {
    let answer = "HTTP/1.1 418 Short and stout\r\nx-one: 1\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 3\r\n\r\ntea";
    let upstream = Upstream::start(move |_| Reply::raw(answer));
    let response = gateway_to(&upstream.url(), "").get("/");
    assert_eq!((response.status, response.header("x-one"), response.text().as_str()), (418, Some("1"), "tea"));
    let cookies: Vec<_> =
        response.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value).collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}

#[test]
fn every_listener_serves_every_route() {
    let config = crate::everything_to("internal:echo", "");
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\n";
    let second = "[[listener]]\naddress = \"[::1]:0\"\n";
    let gateway = gateway(&format!("{config}{listener}{second}"));
    let statuses = gateway.addresses().iter().map(|address| tests::Client::connect(*address).get("/").status);
    assert_eq!(statuses.collect::<Vec<_>>(), [200, 200]);
}

#[test]
fn included_files_add_routes() {
    let config = "include = [\"routes/*.toml\"]\n[[upstream]]\nname = \"echo\"\nendpoints = [\"internal:echo\"]\n";
    let route =
        |name: &str| format!("[[route]]\nname = \"{name}\"\nupstream = \"echo\"\nmatch = {{ path = \"/{name}\" }}\n");
    let gateway = crate::builder(config).file("routes/a.toml", route("a")).file("routes/b.toml", route("b")).start();
    assert_eq!((gateway.get("/a").status, gateway.get("/b").status, gateway.get("/c").status), (200, 200, 404));
}
