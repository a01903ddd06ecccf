//! Routes that answer by themselves: redirects and fixed responses.

use tests::{Folder, Gateway, Request, http2};

use crate::{BINARY, builder, gateway, tollgate};

/// A gateway with one route, which has this in it.
fn answering(route: &str) -> Gateway {
    gateway(&format!("[[route]]\nname = \"own\"\n{route}\n"))
}

/// Where a request is sent.
fn location(gateway: &Gateway, request: Request) -> String {
    let answer = gateway.send(request);
    assert!((300..400).contains(&answer.status), "{answer:?}");
    assert_eq!(answer.header("content-length"), Some("0"));
    answer.header("location").expect("a redirect has one").to_owned()
}

#[test]
fn a_plain_listener_sends_everybody_to_https() {
    let gateway = answering("redirect.to = \"https://{host}{path}\"");
    let asked = |host: &str, target: &str| location(&gateway, Request::get(target).header("host", host));
    assert_eq!(asked("Shop.Example:8080", "/a%2d/b?x=1&y"), "https://shop.example/a-/b?x=1&y");
    assert_eq!(asked("[::1]:8080", "/"), "https://[::1]/");
    assert_eq!(asked("shop.example.", "//evil.test/../x"), "https://shop.example/x");
    assert_eq!(gateway.get("/").status, 308);
    // It named no host.
    let answer = String::from_utf8(gateway.client().raw("GET / HTTP/1.0\r\n\r\n")).expect("text");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let answer = &http2::send(gateway.address(), vec![http2::get("http://shop.example/a?b")])[0];
    assert_eq!(answer.headers()["location"], "https://shop.example/a?b");
}

#[test]
fn a_location_is_made_of_what_the_route_captured() {
    for (route, target, to) in [
        ("match.path = '/old/{id}'\nredirect = { status = 301, to = '/new/{id}' }", "/old/7?a", "/new/7?a"),
        (
            "match.path = '~/blog/(?<year>[0-9]+)/.*'\nredirect.to = 'https://old.test:81/{year}'",
            "/blog/1999/x",
            "https://old.test:81/1999",
        ),
        ("redirect.to = 'https://www.test'", "/a/b?c", "https://www.test/?c"),
        ("redirect.to = 'https://{host}:8443{path}'", "/a", "https://gateway.test:8443/a"),
        ("redirect.to = '/base{path}'", "/a", "/base/a"),
        ("redirect.to = '/login?from={path}&was={query}'", "/a&b/c?d=e", "/login?from=/a%26b/c&was=d=e"),
        ("match.path = '/s/**'\nredirect.to = '/search?q={rest}'", "/s/caf%C3%A9", "/search?q=caf%25C3%25A9"),
    ] {
        assert_eq!(location(&answering(route), Request::get(target)), to, "{route}");
    }
}

/// A location that begins with two slashes names a host, and one with a line break a header.
#[test]
fn no_request_makes_a_location_of_its_own() {
    let gateway = answering("match.path = '~/go(?<to>.*)'\nredirect.to = '/{to}'");
    for (path, to) in [
        ("/go//evil.test", "/evil.test"),
        ("/go/evil.test", "/evil.test"),
        ("/gohttps:/evil.test", "/https:/evil.test"),
        ("/go%0d%0aset-cookie:x", "/%0D%0Aset-cookie:x"),
        ("/go@evil.test", "/@evil.test"),
        ("/go", "/"),
    ] {
        assert_eq!(location(&gateway, Request::get(path)), to, "{path}");
    }
    for path in ["/go..//evil.test", "/go%5cevil.test", "/go%2fevil.test", "/go\\evil.test"] {
        assert_eq!(gateway.get(path).status, 400, "{path}");
    }
}

#[test]
fn a_fixed_response_is_the_same_for_everybody() {
    let gateway = answering(
        "respond = { status = 503, headers = { retry-after = \"60\", Content-Type = \"text/html\" }, body = \"<p>Later\" }",
    );
    let answer = gateway.send(Request::post("/x", "a body that nobody reads"));
    assert_eq!((answer.status, answer.text().as_str()), (503, "<p>Later"));
    assert_eq!((answer.header("retry-after"), answer.header("content-type")), (Some("60"), Some("text/html")));
    assert!(answer.header("x-request-id").is_some());
    let head = gateway.send(Request::new("HEAD", "/x"));
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (503, Some("8"), 0));
    let over_http2 = &http2::send(gateway.address(), vec![http2::get("http://x/")])[0];
    assert_eq!((over_http2.status().as_u16(), &over_http2.body()[..]), (503, &b"<p>Later"[..]));
    let line = gateway.wait_for_access("/");
    assert_eq!((&line["route"], &line["upstream"], &line["problem"]), (&"own".into(), &().into(), &().into()));
    assert_eq!(gateway.metric("tollgate_requests_total"), 4.0 - 1.0);
}

#[test]
fn a_fixed_response_may_stand_in_a_file_that_is_read_again_when_it_changes() {
    let config = "[[route]]\nname = \"own\"\nrespond = { status = 200, body = \"${file:page.txt}\" }\n";
    let gateway = builder(config).file("page.txt", "one\n").start();
    let answer = gateway.get("/");
    assert_eq!((answer.text().as_str(), answer.header("content-type")), ("one", Some("text/plain; charset=utf-8")));
    gateway.folder().write("page.txt", "two\n");
    gateway.wait_for_generation(2.0);
    assert_eq!(gateway.get("/").text(), "two");
}

#[test]
fn plugins_come_before_an_answer_of_the_gateways_own_and_see_it() {
    let config = r#"
[[consumer]]
name = "acme"
credentials = [{ key = "k" }]
[[route]]
name = "own"
redirect.to = "https://inside.test{path}"
plugins = [
    { source = "transform", config = { response = { headers = { set = { x-seen = "yes" } } } } },
    "key-auth",
    "circuit-breaker",
]
"#;
    let gateway = gateway(config);
    let answer = gateway.get("/secret");
    assert_eq!((answer.status, answer.header("location"), answer.header("x-seen")), (401, None, Some("yes")));
    let answer = gateway.send(Request::get("/secret").header("x-api-key", "k"));
    assert_eq!(answer.header("location"), Some("https://inside.test/secret"));
    assert_eq!((answer.status, answer.header("x-seen")), (308, Some("yes")));
}

#[test]
fn match_says_what_the_route_answers() {
    let config = "[[route]]\nname = \"own\"\nrespond.status = 204\n[[listener]]\naddress = \"127.0.0.1:0\"\n";
    let ran = tollgate(config, &["match", "--config", "gateway.toml", "GET", "/"]);
    assert_eq!(ran.stdout.lines().next(), Some("route `own`: respond 204"));
}

/// The warnings of `tollgate check` for these routes, on a plain listener, one with a name, and one with TLS.
fn warnings(routes: &str) -> String {
    let own = tests::tls::Issued::self_signed(&["shop.example"]);
    let listeners = "[[listener]]\naddress = \"127.0.0.1:8080\"\n[[listener]]\nname = \"plain\"\naddress = \"127.0.0.1:80\"\n\
                     [[listener]]\naddress = \"127.0.0.1:8443\"\ntls = { cert = \"own.pem\", key = \"own.key\" }\n";
    let folder = Folder::with_config(&format!("{listeners}{routes}"));
    folder.write("own.pem", own.cert);
    folder.write("own.key", own.key);
    let ran = folder.tollgate(BINARY, &["check", "--config", "gateway.toml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.stderr
}

#[test]
fn check_warns_of_a_redirect_that_leads_back_to_its_route() {
    let route = |name: &str, text: &str| format!("[[route]]\nname = \"{name}\"\n{text}\n");
    let routes = [
        route("every-path", "redirect.to = \"/login\""),
        route("secure", "match.host = \"shop.example\"\nredirect.to = \"https://{host}{path}\""),
        route("grows", "match.path = \"/old/**\"\nredirect.to = \"/old/v2/{rest}\""),
        route(
            "same",
            "match = { path = \"/user/{id}\", headers = { x-old = \"*\" }, query = { a = \"b c\" } }\nredirect.to = \"/user/{id}\"",
        ),
        route("fixed", "match = { path = \"/www/**\" }\nredirect.to = \"https://www.example{path}\""),
        route("port", "match = { path = \"/port/**\" }\nredirect.to = \"http://{host}:8080{path}\""),
        route("regex", "match = { path = \"~/help.*\", host = \"help.example\" }\nredirect.to = \"/help\""),
    ];
    insta::assert_snapshot!(warnings(&routes.concat()), @r"
    gateway.toml:10:8: warning: the redirect of route `every-path` leads back to it: `/login` through the listener on 127.0.0.1:8080
      help: give the route another `match`, or the location a route of its own
    gateway.toml:13:8: warning: the redirect of route `secure` leads back to it: `/x` through the listener on 127.0.0.1:8443
      help: name the listeners without TLS in `match.listener`
    gateway.toml:17:8: warning: the redirect of route `grows` leads back to it: `/old/v2/v2/v2/x` through the listener on 127.0.0.1:8080
      help: give the route another `match`, or the location a route of its own
    gateway.toml:21:8: warning: the redirect of route `same` leads back to it: `/user/x` through the listener on 127.0.0.1:8080
      help: give the route another `match`, or the location a route of its own
    gateway.toml:25:8: warning: the redirect of route `fixed` leads back to it: `/www/x` through the listener on 127.0.0.1:8443
      help: give the route another `match`, or the location a route of its own
    gateway.toml:29:8: warning: the redirect of route `port` leads back to it: `/port/x` through the listener on 127.0.0.1:8080
      help: give the route another `match`, or the location a route of its own
    gateway.toml:33:8: warning: the redirect of route `regex` leads back to it: `/help` through the listener on 127.0.0.1:8080
      help: give the route another `match`, or the location a route of its own
    ");
}

#[test]
fn check_warns_of_no_redirect_that_leads_elsewhere() {
    let route = |name: &str, text: &str| format!("[[route]]\nname = \"{name}\"\n{text}\n");
    let routes = [
        route("login", "match.path = \"/login\"\nrespond.status = 200"),
        route("every-path", "redirect.to = \"/login\""),
        route("secure", "match.listener = \"plain\"\nredirect.to = \"https://{host}{path}\""),
        route("old", "match.path = \"/old/**\"\nredirect.to = \"/{rest}\""),
        route("asks", "match = { path = \"/asks\", query = { v = \"1\" } }\nredirect.to = \"/asks?v=2\""),
        route("asked", "match = { path = \"/asks\", query = { v = \"2\" } }\nrespond.status = 200"),
        route("fixed", "match = { host = \"example.com\" }\nredirect.to = \"https://www.example.com{path}\""),
        route("port", "match = { host = \"port.example\" }\nredirect.to = \"https://{host}:9443{path}\""),
    ];
    assert_eq!(warnings(&routes.concat()), "");
}

#[test]
fn check_warns_of_what_is_a_pattern_elsewhere_and_stands_for_itself_here() {
    let upstream = "[[upstream]]\nname = \"echo\"\nendpoints = [\"internal:echo\"]\n";
    let routes = [
        "[[route]]\nname = \"colon\"\nmatch.path = \"/users/:id/x\"\nupstream = \"echo\"\n",
        "[[route]]\nname = \"verb\"\nmatch.path = \"/jobs/one:cancel\"\nupstream = \"echo\"\n",
        "[[route]]\nname = \"rewrites\"\nmatch.path = \"~/a/(.*)\"\nrewrite = \"/b/$1\"\nupstream = \"echo\"\n",
        "[[route]]\nname = \"redirects\"\nmatch.path = \"~/c/(.*)\"\nredirect.to = \"https://other.example/$1\"\n",
        "[[route]]\nname = \"price\"\nmatch.path = \"/d\"\nrewrite = \"/in-$\"\nupstream = \"echo\"\n",
    ];
    insta::assert_snapshot!(warnings(&(upstream.to_owned() + &routes.concat())), @r"
    gateway.toml:13:8: warning: `:id` in the path of route `colon` stands for itself
      help: a parameter is written `{id}`
    gateway.toml:21:8: warning: `$1` in the `rewrite` or `redirect` of route `rewrites` stands for itself
      help: `{name}` stands for `{name}` in the route's path, or for `(?<name>..)` in a regular expression
    gateway.toml:26:8: warning: `$1` in the `rewrite` or `redirect` of route `redirects` stands for itself
      help: `{name}` stands for `{name}` in the route's path, or for `(?<name>..)` in a regular expression
    ");
}
