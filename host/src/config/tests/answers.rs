//! What is wrong with where a route sends its requests, or with what it answers by itself.

use insta::assert_snapshot;

use super::problems;
use super::routes::route;

/// A route without an upstream, the only one.
fn answering(text: &str) -> String {
    problems(&format!("route = [{{ name = \"r\", {text} }}]\nlistener = [{{ address = \"127.0.0.1:0\" }}]\n"))
}

#[test]
fn a_route_goes_to_exactly_one_place() {
    assert_snapshot!(answering("match.path = '/a'"), @r"
    gateway.toml:1:10: the key `upstream` is missing (route `r`)
      help: `redirect` or `respond` may stand in its place, for an answer of the gateway's own
    1 problem
    ");
    assert_snapshot!(route("redirect.to = '/b', respond.status = 200"), @r"
    gateway.toml:1:43: `redirect` and `upstream` exclude each other (route `r`)
    1 problem
    ");
}

#[test]
fn a_redirect_leads_where_it_can() {
    assert_snapshot!(answering("redirect = { status = 304, to = '/b' }"), @r"
    gateway.toml:1:46: 304 is not a redirect's status (route `r`)
      help: 308 and 307 keep the method, 301 and 302 may make a GET of it, 303 does
    1 problem
    ");
    for to in [
        "'b'",
        "'//evil.example/'",
        "'{id}'",
        "'ftp://a/'",
        "'https://'",
        "'https://user@a/'",
        "'https://:80/'",
        "'https://{host}.evil{path}'",
        "'https://a{id}'",
        "'/a/../b'",
        "'/a#b'",
        "'/a?b=\u{e9}'",
        "'/a?b={host}'",
    ] {
        assert_eq!(answering(&format!("redirect.to = {to}")).lines().last(), Some("1 problem"), "{to}");
    }
    assert_snapshot!(answering("redirect.to = 'www.example.com{path}'"), @r"
    gateway.toml:1:38: `www.example.com{path}` is no location (route `r`)
      help: it begins with `https://` and a host, or `{host}`, or with a path: `/` or `{path}`
    1 problem
    ");
    assert_snapshot!(answering("redirect.to = 'https://{hots}/'"), @r"
    gateway.toml:1:38: `https://{hots}/` names no host (route `r`)
      help: did you mean `{host}`?
    1 problem
    ");
    for to in ["https://a.example:port/", "https://a.example:65536", "http://{host}:x{path}"] {
        let said = answering(&format!("redirect.to = '{to}'"));
        assert!(said.contains(&format!("`{to}` has no port from 0 to 65535 (route `r`)\n1 problem")), "{to}: {said}");
    }
    for (to, help) in [
        ("https://{name}/", "a host is written out, or `{host}`, which is that of the request"),
        ("https://a/{host}", "`{host}` stands for a host alone: `https://{host}/..`"),
        ("{pth}", "did you mean `{path}`?"),
        ("/x/{ids}", "did you mean `{id}`?"),
        ("/x/{query}", "there are `{id}`, `{rest}`, `{path}`"),
        ("/x?a={elsewhere}", "there are `{id}`, `{rest}`, `{path}`, `{query}`"),
    ] {
        let said = answering(&format!("match.path = '/{{id}}/**', redirect.to = '{to}'"));
        assert!(said.ends_with(&format!("\n  help: {help}\n1 problem")), "{to}: {said}");
    }
    assert_snapshot!(answering("match.path = '/{path}', redirect.to = 'https://{host}{path}'"), @r"
    gateway.toml:1:62: `https://{host}{path}` has two meanings: `path` is the whole path, and a parameter of the route's path too (route `r`)
      help: give the parameter another name
    1 problem
    ");
    assert_snapshot!(answering("redirect.to = '/x', rewrite = '/y'"), @r"
    gateway.toml:1:54: `rewrite` is for what goes to an upstream (route `r`)
    1 problem
    ");
}

#[test]
fn a_fixed_response_is_one_that_can_be_sent() {
    assert_snapshot!(answering("respond = { status = 204, body = 'x' }"), @r"
    gateway.toml:1:57: a response with status 204 has no body (route `r`)
    1 problem
    ");
    assert_snapshot!(answering("respond = { status = 600 }"), @r"
    gateway.toml:1:45: 600 is out of range: a number from 200 to 599 is possible here (route `r`)
    1 problem
    ");
    assert_snapshot!(answering("respond = { status = 200, headers = { content-length = '3' } }"), @r"
    gateway.toml:1:62: `content-length` is the gateway's own: it frames messages and connections (route `r`)
    1 problem
    ");
    assert_snapshot!(answering("respond = { status = 200, headers = { 'a b' = '3' } }"), @r"
    gateway.toml:1:62: `a b` is not a header's name (route `r`)
    1 problem
    ");
    assert_snapshot!(answering("respond = { status = 200, headers = { x-a = \"a\\nb\" } }"), @r"
    gateway.toml:1:68: the value of `x-a` has a character that is not for headers (route `r`)
    1 problem
    ");
    assert_snapshot!(answering("respond = { body = 'x' }"), @r"
    gateway.toml:1:34: the key `status` is missing (route `r`)
    1 problem
    ");
}
