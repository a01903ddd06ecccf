//! Routes, names, and what they refer to.

use insta::assert_snapshot;

use super::{ECHO, problems};

/// A route with this in it, the only one.
pub(super) fn route(text: &str) -> String {
    problems(&format!(
        "route = [{{ name = \"r\", upstream = \"echo\", {text} }}]\n\
         listener = [{{ address = \"127.0.0.1:0\" }}]\n\
         upstream = [{{ name = \"echo\", endpoints = [\"internal:echo\"] }}]\n"
    ))
}

#[test]
fn two_routes_of_one_name_are_one_problem() {
    let route = "[[route]]\nname = \"a\"\nupstream = \"echo\"\nmatch.path = \"/x\"\n";
    assert_snapshot!(problems(&format!("{ECHO}{route}{route}")), @r"
    gateway.toml:8:8: a second route is named `a`
      help: the first is at gateway.toml:4:8
    1 problem
    ");
}

#[test]
fn what_is_wrong_with_a_regular_expression_is_said_at_its_place() {
    assert_snapshot!(route("match = { path = '~^/v[0-9', headers = { x-version = '~(2' }, query = { q = '~a{9999}{9999}' } }"), @r"
    gateway.toml:1:60: `~^/v[0-9` is not a regular expression: unclosed character class, at character 5, before `[0-9` (route `r`)
    gateway.toml:1:96: `~(2` is not a regular expression: unclosed group, at character 2, before `(2` (route `r`)
    gateway.toml:1:119: `~a{9999}{9999}` takes more than 256 KiB when it is compiled; let it repeat less, or count less (route `r`)
    3 problems
    ");
    assert_snapshot!(route("match.path = '~/admin;x'"), @r"
    gateway.toml:1:56: `~/admin;x` matches no path: it is held against the one form in which paths are routed and forwarded, where `;` is `%3B`, `+` is `%2B`, hex digits are in upper case, and `//`, dot segments and an encoded `/` never are (route `r`)
    1 problem
    ");
    assert_snapshot!(route("match.path = '~* /a'"), @r"
    gateway.toml:1:56: `~*/a`: there is no `~*`; for either case of letters write `~(?i)/a` (route `r`)
    1 problem
    ");
    assert_snapshot!(route("match.path = '^/a'"), @r"
    gateway.toml:1:56: `^/a` does not begin with `/`; a regular expression begins with `~`: `~^/a` (route `r`)
    1 problem
    ");
    assert_snapshot!(route("match.path = '~/a/(?<id>.*)', rewrite = '/b/{di}'"), @r"
    gateway.toml:1:83: no parameter named `di` in the route's path, `~/a/(?<id>.*)` (route `r`)
      help: did you mean `{id}`?
    1 problem
    ");
    assert_snapshot!(route("match.path = '~/a/.*', strip-prefix = '/a'"), @r"
    gateway.toml:1:81: `/a` cannot be told from a regular expression (route `r`)
      help: use `rewrite` with `(?<rest>.*)`
    1 problem
    ");
}

#[test]
fn a_regular_expression_that_no_request_can_reach_is_a_problem() {
    let routes = "[[route]]\nname = \"all\"\nupstream = \"echo\"\n\
                  [[route]]\nname = \"guarded\"\nupstream = \"echo\"\nmatch.path = \"~/.*/admin\"\n";
    assert_snapshot!(problems(&format!("{ECHO}{routes}")), @r#"
    gateway.toml:7:8: no request takes route `guarded`: `all` takes every path, before any regular expression
      help: `all` is at gateway.toml:4:8; with path = "~/.*", behind `guarded` in the file, it takes what is left
    1 problem
    "#);
    let other_host = format!("{ECHO}{routes}match.host = \"a.test\"\n");
    assert_eq!(super::config(&other_host).routes.len(), 2);
}

#[test]
fn the_same_regular_expression_twice_cannot_be_told_apart() {
    let route = |name| format!("[[route]]\nname = \"{name}\"\nupstream = \"echo\"\nmatch.path = \"~/a.*\"\n");
    assert_snapshot!(problems(&format!("{ECHO}{}{}", route("one"), route("two"))), @r"
    gateway.toml:8:8: route `two` wants the same requests as route `one`
      help: `one` is at gateway.toml:4:8; give one of them another `match`, or a higher `priority`
    1 problem
    ");
}

#[test]
fn what_is_compressed_is_told_by_media_types() {
    assert_snapshot!(route("compress = 'brotli'"), @r"
    gateway.toml:1:54: unknown value `brotli`, expected one of `off`, `gzip` (route `r`)
    1 problem
    ");
    assert_snapshot!(route("compress = ['gzip']"), @r#"
    gateway.toml:1:54: expected "off", "gzip", or a table with `types` and `min-length`, found an array (route `r`)
    1 problem
    "#);
    assert_snapshot!(route("compress = true"), @r#"
    gateway.toml:1:54: expected "off", "gzip", or a table with `types` and `min-length`, found a boolean (route `r`)
    1 problem
    "#);
    assert_snapshot!(route("compress = { coding = 'br' }"), @r"
    gateway.toml:1:56: unknown key `coding` (route `r`)
      help: the keys here are `types`, `min-length`
    1 problem
    ");
    assert_snapshot!(route("compress = { types = ['html', '*/*', 'text/', 'text/html; charset=utf-8'], min-length = 'x' }"), @r"
    gateway.toml:1:65: `html` is not a media type (route `r`)
      help: such as `text/html`, or `text/*` for all that begin so
    gateway.toml:1:73: `*/*` is not a media type (route `r`)
      help: such as `text/html`, or `text/*` for all that begin so
    gateway.toml:1:80: `text/` is not a media type (route `r`)
      help: such as `text/html`, or `text/*` for all that begin so
    gateway.toml:1:89: `text/html; charset=utf-8` is not a media type (route `r`)
      help: such as `text/html`, or `text/*` for all that begin so
    gateway.toml:1:131: `x` is not a size (route `r`)
      help: a number and `B`, `KiB`, `MiB` or `GiB`: `64KiB`, `10MiB`
    5 problems
    ");
}

#[test]
fn durations_and_sizes_need_a_unit_that_is_known() {
    assert_snapshot!(route(r#"timeout = "30", max-body = "10 MegaBytes""#), @r"
    gateway.toml:1:53: `30` is not a duration (route `r`)
      help: a number and `us`, `ms`, `s`, `m`, `h` or `d`: `200ms`, `30s`
    gateway.toml:1:70: `10 MegaBytes` is not a size (route `r`)
      help: a number and `B`, `KiB`, `MiB` or `GiB`: `64KiB`, `10MiB`
    2 problems
    ");
    assert_snapshot!(route(r#"timeout = "0s", max-body = -1"#), @r"
    gateway.toml:1:53: `0s` is too short: a duration is longer than nothing (route `r`)
    gateway.toml:1:70: a size is not below 0 (route `r`)
    2 problems
    ");
    assert_snapshot!(route(r#"timeout = "99999999999999999999d", max-body = "MiB""#), @r"
    gateway.toml:1:53: `99999999999999999999d` is longer than a year (route `r`)
    gateway.toml:1:89: `MiB` is not a size (route `r`)
      help: a number and `B`, `KiB`, `MiB` or `GiB`: `64KiB`, `10MiB`
    2 problems
    ");
}

#[test]
fn names_must_be_plain_and_unique() {
    assert_snapshot!(problems(r#"
listener = [{ address = "127.0.0.1:8080" }]
[[upstream]]
name = "a/b"
endpoints = ["internal:echo"]
[[upstream]]
name = "a/b"
endpoints = ["internal:echo"]
[[consumer]]
name = "acme\n"
groups = ["a,b", "ok"]
[[consumer]]
name = "acme"
[[consumer]]
name = "acme"
[[plugin]]
name = ""
source = "key-auth"
[[plugin]]
source = "key-auth"
[[plugin]]
source = "key-auth"
[[route]]
name = "r"
upstream = "a/b"
match.path = "/1"
[[route]]
name = "r"
upstream = "a/b"
match.path = "/2"
[[route]]
upstream = "a/b"
"#), @r"
    gateway.toml:4:8: `a/b` cannot name an upstream
      help: a name has 1 to 128 letters, digits, `.`, `_` and `-`
    gateway.toml:7:8: `a/b` cannot name an upstream
      help: a name has 1 to 128 letters, digits, `.`, `_` and `-`
    gateway.toml:7:8: a second upstream is named `a/b`
      help: the first is at gateway.toml:4:8
    gateway.toml:10:8: `acme\n` cannot name a consumer
      help: a consumer's name has 1 to 256 visible ASCII characters and spaces between them
    gateway.toml:11:11: `a,b` cannot be a group (consumer `acme\n`)
      help: a group has 1 to 256 visible ASCII characters, spaces between them, and no comma
    gateway.toml:15:8: a second consumer is named `acme`
      help: the first is at gateway.toml:13:8
    gateway.toml:17:8: `` cannot name a plugin
      help: a name has 1 to 128 letters, digits, `.`, `_` and `-`
    gateway.toml:22:10: a second plugin is named `key-auth`
      help: the first is at gateway.toml:20:10
    gateway.toml:28:8: a second route is named `r`
      help: the first is at gateway.toml:24:8
    gateway.toml:31:1: the key `name` is missing
    10 problems
    ");
}

#[test]
fn upstreams_that_do_not_exist_come_with_those_that_do() {
    assert_snapshot!(problems(r#"
listener = [{ address = "127.0.0.1:8080" }]
upstream = [{ name = "billing", endpoints = ["internal:echo"] }, { name = "users", endpoints = ["internal:echo"] }]
[[route]]
name = "invoices"
upstream = "billng"
[[route]]
name = "orders"
upstream = "warehouse"
"#), @r"
    gateway.toml:6:12: no upstream named `billng` (route `invoices`)
      help: did you mean `billing`?
    gateway.toml:9:12: no upstream named `warehouse` (route `orders`)
      help: there are `billing`, `users`
    2 problems
    ");
    assert_snapshot!(problems(r#"
listener = [{ address = "127.0.0.1:8080" }]
route = [{ name = "r", upstream = "u" }]
"#), @r"
    gateway.toml:3:35: no upstream named `u` (route `r`)
      help: there is no upstream at all
    1 problem
    ");
}

#[test]
fn patterns_that_match_nothing_are_problems() {
    assert_snapshot!(
        route(r#"match = { path = "users", host = ["*", "https://a"], methods = ["get", "G T"], headers = { "a b" = "*" } }"#),
        @r"
    gateway.toml:1:60: `users` does not begin with `/`; write `/users` (route `r`)
    gateway.toml:1:77: `*` is not a host pattern; leave `host` out to match every host (route `r`)
    gateway.toml:1:82: `https://a` is a URL; name the host alone, as in `api.example.com` (route `r`)
    gateway.toml:1:107: `get` is not a method: methods are in upper case (route `r`)
      help: write it as `GET`, `POST`
    gateway.toml:1:114: `G T` is not a method (route `r`)
    gateway.toml:1:134: `a b` is not a header's name (route `r`)
    6 problems
    "
    );
    assert_snapshot!(route(r#"match.headers = { x-a = "a\nb", x-b = " c", x-d = "ü e", x-f = "~^g\\s+$" }"#), @r"
    gateway.toml:1:67: no header has the value `a\nb`: it has a character that is not for headers (route `r`)
    gateway.toml:1:81: no header has the value ` c`: spaces around a value are not part of it (route `r`)
    2 problems
    ");
}

#[test]
fn a_rewrite_fits_the_path_of_its_route() {
    assert_snapshot!(route(r#"match.path = "/users/{id}/**", rewrite = "/v2/{di}""#), @r"
    gateway.toml:1:84: no parameter named `di` in the route's path, `/users/{id}/**` (route `r`)
      help: did you mean `{id}`?
    1 problem
    ");
    assert_snapshot!(route(r#"match.path = "/users", rewrite = "/v2/{rest}""#), @r"
    gateway.toml:1:76: no parameter named `rest` in the route's path, `/users` (route `r`)
    1 problem
    ");
    assert_snapshot!(route(r#"rewrite = "v2/{rest}""#), @r"
    gateway.toml:1:53: `v2/{rest}` does not begin with `/` (route `r`)
    1 problem
    ");
    assert_snapshot!(route(r#"rewrite = "/v2/{rest""#), @r"
    gateway.toml:1:53: `/v2/{rest` has a `{` without a `}` (route `r`)
    1 problem
    ");
    assert_snapshot!(route(r#"rewrite = "/v2?x={rest}""#), @r"
    gateway.toml:1:53: `/v2?x={rest}` has a character that is not for paths: percent-encode it, and leave the query out (route `r`)
    1 problem
    ");
}

#[test]
fn a_stripped_prefix_fits_the_path_of_its_route() {
    assert_snapshot!(route(r#"match.path = "/api/**", strip-prefix = "/ap""#), @r"
    gateway.toml:1:82: `/ap` is not the beginning of the route's path, `/api/**` (route `r`)
    1 problem
    ");
    assert_snapshot!(route(r#"match.path = "/api/**", strip-prefix = "api/""#), @r"
    gateway.toml:1:82: `api/` is not a prefix: it begins with `/` and does not end with one (route `r`)
      help: such as `/api`
    1 problem
    ");
    assert_snapshot!(route(r#"match.path = "/{v}/**", strip-prefix = "/{v}""#), @r"
    gateway.toml:1:82: `/{v}` is not a prefix: it has literal segments only (route `r`)
    1 problem
    ");
    assert_snapshot!(route(r#"match.path = "/api/**", strip-prefix = "/api", rewrite = "/{rest}""#), @r"
    gateway.toml:1:100: `rewrite` and `strip-prefix` exclude each other (route `r`)
      help: `rewrite` alone can do both: `{rest}` is what `**` matched
    1 problem
    ");
}

#[test]
fn routes_that_cannot_be_told_apart_are_problems() {
    assert_snapshot!(problems(&format!(r#"{ECHO}
[[route]]
name = "one"
upstream = "echo"
match = {{ path = "/users/{{id}}", methods = ["GET"] }}
[[route]]
name = "two"
upstream = "echo"
match = {{ path = "/users/{{user}}", methods = ["GET", "POST"] }}
[[route]]
name = "three"
upstream = "echo"
priority = 1
match = {{ path = "/users/{{user}}", methods = ["GET", "POST"] }}
"#)), @r"
    gateway.toml:9:8: route `two` wants the same requests as route `one`
      help: `one` is at gateway.toml:5:8; give one of them another `match`, or a higher `priority`
    1 problem
    ");
}

#[test]
fn a_method_that_no_route_is_asked_with_is_a_problem() {
    assert_snapshot!(route(r#"match.methods = ["GET", "TRACE", "CONNECT"]"#), @r"
    gateway.toml:1:67: no route is asked with `TRACE`: the gateway answers it with 501 (route `r`)
      help: take it away; `[]` is every other method
    gateway.toml:1:76: no route is asked with `CONNECT`: the gateway answers it with 501 (route `r`)
      help: take it away; `[]` is every other method
    2 problems
    ");
}
