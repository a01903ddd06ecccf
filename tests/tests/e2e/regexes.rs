//! Regular expressions in what a route matches.

use tests::{Gateway, Request, Upstream, http2};

use crate::{builder, gateway, tollgate};

/// A gateway with these routes, each a name and its `match`, to an echo that sees the route's name as the path.
fn routes(routes: &[(&str, &str)]) -> Gateway {
    gateway(&config(routes))
}

fn config(routes: &[(&str, &str)]) -> String {
    let mut config = "[[upstream]]\nname = \"echo\"\nendpoints = [\"internal:echo\"]\n".to_owned();
    for (name, rule) in routes {
        config.push_str(&format!(
            "[[route]]\nname = \"{name}\"\nupstream = \"echo\"\nrewrite = \"/{name}\"\nmatch = {{ {rule} }}\n"
        ));
    }
    config
}

/// The name of the route that a request takes.
fn taken(gateway: &Gateway, request: Request) -> String {
    let path = gateway.send(request).json()["path"].as_str().map(str::to_owned);
    path.map_or_else(|| "none".to_owned(), |path| path.trim_start_matches('/').to_owned())
}

#[test]
fn a_path_meets_what_names_it_before_any_regular_expression_and_those_in_their_order() {
    let gateway = routes(&[
        ("rest", "path = '~/.*'"),
        ("versions", "path = '~/v[0-9]+/.*'"),
        ("urgent", "path = '~^/v[0-9]+/urgent$'"),
        ("users", "path = '/v1/users/**'"),
    ]);
    assert_eq!(taken(&gateway, Request::get("/v1/users/7")), "users");
    assert_eq!(taken(&gateway, Request::get("/v1/orders")), "rest");
    let gateway = routes(&[
        ("urgent", "path = '~^/v[0-9]+/urgent$'"),
        ("versions", "path = '~/v[0-9]+/.*'"),
        ("rest", "path = '~/.*'"),
    ]);
    for (path, route) in [
        ("/v1/urgent", "urgent"),
        ("/v1/urgent/", "versions"),
        ("/v12/%75rgent", "urgent"),
        ("/x/../v1/a", "versions"),
        ("/v/a", "rest"),
        ("/a/v1/x", "rest"),
    ] {
        assert_eq!(taken(&gateway, Request::get(path)), route, "{path}");
        let over_http2 = http2::send(gateway.address(), vec![http2::get(&format!("http://x{path}"))]);
        let body: &[u8] = over_http2[0].body();
        assert!(String::from_utf8_lossy(body).contains(&format!("\"path\":\"/{route}\"")), "{path}");
    }
}

#[test]
fn headers_and_queries_may_be_like_something() {
    let gateway = routes(&[
        ("plain", "path = '/x'"),
        ("second", r"path = '/x', headers = { x-version = '~2(\.[0-9]+)*' }"),
        ("debug", "path = '/x', query = { debug = '~(?i)yes|on|1' }"),
    ]);
    let version = |version| Request::get("/x").header("X-Version", version);
    assert_eq!(taken(&gateway, version("2.1")), "second");
    assert_eq!(taken(&gateway, version("12.1")), "plain");
    assert_eq!(taken(&gateway, version("2.x")), "plain");
    assert_eq!(taken(&gateway, version("1").header("x-version", "2")), "second");
    assert_eq!(taken(&gateway, Request::get("/x?debug=YES")), "debug");
    assert_eq!(taken(&gateway, Request::get("/x?debug=%6fn")), "debug");
    assert_eq!(taken(&gateway, Request::get("/x?debug=no")), "plain");
}

#[test]
fn named_groups_are_params_of_rewrites_and_of_plugins() {
    let upstream = Upstream::saying("");
    let config = format!(
        r#"
[[upstream]]
name = "behind"
endpoints = ["{}"]
[[route]]
name = "images"
upstream = "behind"
match = {{ path = '~/(?<folder>[a-z]+)/(?<name>[^/]*)\.(?<kind>jpg|png)' }}
rewrite = "/{{kind}}/{{folder}}/{{name}}"
plugins = [{{ source = "transform", config = {{ request = {{ headers = {{ set = {{ x-kind = "{{param.kind}}" }} }} }} }} }}]
"#,
        upstream.url()
    );
    let gateway = gateway(&config);
    assert_eq!(gateway.get("/cats/tom%20jerry.png?size=2").status, 200);
    let received = upstream.only();
    assert_eq!((received.target.as_str(), received.header("x-kind")), ("/png/cats/tom%20jerry?size=2", Some("png")));
    assert_eq!(gateway.get("/cats/tom.gif").status, 404);
}

#[test]
fn what_a_group_stands_for_leads_nowhere_else() {
    let upstream = Upstream::saying("");
    let config = format!(
        r#"
[[upstream]]
name = "behind"
endpoints = ["{}"]
[[route]]
name = "files"
upstream = "behind"
match.path = '~/f(?<file>.*)'
rewrite = "/public/{{file}}"
"#,
        upstream.url()
    );
    let gateway = gateway(&config);
    for path in ["/f../admin", "/f%2e%2e/admin", "/f./x", "/f..;/admin", "/f.;", "/f.."] {
        let answer = gateway.get(path);
        assert_eq!((answer.status, answer.problem().as_str()), (400, "bad-path"), "{path}");
    }
    assert_eq!(gateway.get("/f//evil.test/x").status, 200);
    assert_eq!(upstream.only().target, "/public/evil.test/x");
}

#[test]
fn match_explains_regular_expressions() {
    let config = config(&[
        ("versions", r"path = '~/v(?<major>[0-9]+)/.*', headers = { x-beta = '~y.*' }"),
        ("rest", "path = '~/.*'"),
        ("late", "path = '~/v1/.*'"),
    ]);
    let config = format!("{config}[[listener]]\naddress = \"127.0.0.1:0\"\n");
    let ran = tollgate(&config, &["match", "--config", "gateway.toml", "GET", "/v1/x", "-H", "x-beta: no"]);
    insta::assert_snapshot!(ran.stdout, @r"
    route `rest`: upstream `echo`
      versions  header `x-beta` does not match `~y.*`
      rest      taken
      late      it matches, but the taken route comes earlier in the file
    ");
}

/// 60,000 bytes that make a backtracking engine try 2^60,000 ways.
#[test]
fn no_path_makes_a_regular_expression_slow() {
    let gateway =
        builder(&config(&[("a", "path = '~(/(a+)+)+'"), ("b", "path = '~(?<x>(/[a-z]*)*)/(?<y>.*[a-z])!'")])).start();
    let path = format!("/{}-", "a".repeat(60_000));
    assert_eq!(taken(&gateway, Request::get(&path)), "none");
}
