//! The command line: what it prints, and its exit codes.

use std::net::TcpListener;

use tests::{Folder, Ran};

use crate::{BINARY, everything_to, settled, tollgate};

fn check(config: &str) -> Ran {
    tollgate(config, &["check", "--config", "gateway.toml"])
}

/// What a person sees: the exit code and both streams.
fn shown(ran: &Ran) -> String {
    let code = ran.code.map_or_else(|| "killed".to_owned(), |code| code.to_string());
    format!("exit {code}\n--- stdout\n{}--- stderr\n{}", ran.stdout, ran.stderr)
}

/// A config without a problem, on ports of its own.
fn sound() -> String {
    everything_to("internal:echo", "") + "[[listener]]\naddress = \"127.0.0.1:0\"\n[gateway]\nadmin = \"127.0.0.1:0\"\n"
}

#[test]
fn version_is_one_line() {
    let ran = Folder::new().tollgate(BINARY, &["version"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "tollgate 0.1.0\n"));
}

#[test]
fn help_says_what_there_is() {
    insta::assert_snapshot!(shown(&Folder::new().tollgate(BINARY, &["--help"])));
}

#[test]
fn the_help_of_match_says_what_it_takes() {
    insta::assert_snapshot!(shown(&Folder::new().tollgate(BINARY, &["match", "--help"])), @r"
    exit 0
    --- stdout
    Say which route a request takes, and why the others lost. Exits with 1 if none takes it

    Usage: tollgate match [OPTIONS] <METHOD> <URL>

    Arguments:
      <METHOD>  Such as `GET` or `POST`, in upper case
      <URL>     With a host, as in `http://api.example/users/7`, or a path alone

    Options:
      -H, --header <NAME: VALUE>  A header of the request, as in `x-version: 2`; may be repeated
      -l, --listener <NAME>       The name of the listener that it comes through; without it, one that
                                  no route asks for
      -c, --config <FILE>         The configuration [env: TOLLGATE_CONFIG] [default:
                                  config/gateway.toml]
      -h, --help                  Print help

    Exit codes: 0 if a route takes the request, 1 if none does, 64 if the request is refused before
    routes are looked at (or for wrong usage), 78 for a bad configuration.
    --- stderr
    ");
}

#[test]
fn wrong_usage_exits_with_64() {
    for arguments in [
        &["chekc"][..],
        &["--confg", "x"],
        &["match", "GET"],
        &["match", "GET", "http://[/"],
        &["match", "GET", "nowhere"],
        &["version", "--config", "x"],
        &["schema", "--config", "x"],
    ] {
        let ran = Folder::new().tollgate(BINARY, arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(64), ""), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn a_sound_config_is_summed_up() {
    insta::assert_snapshot!(shown(&check(&sound())), @r##"
    exit 0
    --- stdout
    gateway.toml: no problems in 1 listener, 1 route, 1 upstream, 0 plugins and 0 consumers
    --- stderr
    "##);
}

#[test]
fn check_prints_every_problem_at_once_with_its_place() {
    let config = r#"
[gateway]
worker = 2
[[listener]]
address = "127.0.0.1"
[[upstream]]
name = "billing"
endpoints = ["http://127.0.0.1:9001", "https//x"]
balancer = "least-request"
[[upstream]]
name = "billing"
endpoints = []
[[plugin]]
name = "mine"
source = "./missing.wasm"
[[route]]
name = "invoices"
upstream = "billng"
timeout = "2 minutes"
plugins = ["nine"]
match = { path = "/invoices/{id}/{id}", methods = ["GETT "] }
[[route]]
name = "a"
upstream = "billing"
match = { path = "/same" }
[[route]]
name = "b"
upstream = "billing"
match = { path = "/same" }
"#;
    insta::assert_snapshot!(shown(&check(config)));
}

#[test]
fn broken_toml_is_one_problem_where_it_breaks() {
    insta::assert_snapshot!(shown(&check("[[route]]\nname = \"a\nupstream = \"b\"\n")), @r##"
    exit 78
    --- stdout
    --- stderr
    gateway.toml:2:10: invalid basic string, expected `"`
    1 problem
    "##);
}

#[test]
fn a_config_that_is_not_there_is_a_problem() {
    let ran = Folder::new().tollgate(BINARY, &["check", "--config", "nowhere.toml"]);
    insta::assert_snapshot!(shown(&ran), @r"
    exit 78
    --- stdout
    --- stderr
    nowhere.toml: cannot be read: No such file or directory (os error 2)
      help: name the configuration with `--config FILE` or `TOLLGATE_CONFIG`
    1 problem
    ");
}

#[test]
fn problems_of_an_included_file_have_their_place_in_it() {
    let folder = Folder::with_config(&format!("include = [\"routes/*.toml\"]\n{}", sound()));
    folder.write("routes/a.toml", "[[route]]\nname = \"a\"\nupstream = \"nowhere\"\nmatch = { path = \"/a\" }\n");
    insta::assert_snapshot!(shown(&folder.tollgate(BINARY, &["check", "--config", "gateway.toml"])), @r##"
    exit 78
    --- stdout
    --- stderr
    routes/a.toml:3:12: no upstream named `nowhere` (route `a`)
      help: there are `behind`
    1 problem
    "##);
}

#[test]
fn a_missing_component_and_one_that_is_none_are_problems() {
    let plugins =
        "[[plugin]]\nname = \"a\"\nsource = \"./missing.wasm\"\n[[plugin]]\nname = \"b\"\nsource = \"./text.wasm\"\n";
    let folder = Folder::with_config(&(sound() + plugins));
    folder.write("text.wasm", "not wasm");
    let _settled = settled();
    insta::assert_snapshot!(shown(&folder.tollgate(BINARY, &["check", "--config", "gateway.toml"])), @r##"
    exit 78
    --- stdout
    --- stderr
    gateway.toml:16:10: plugin `a`: cannot read `./missing.wasm`: No such file or directory (os error 2)
    gateway.toml:19:10: plugin `b`: this is not a WebAssembly component
    2 problems
    "##);
}

#[test]
fn a_broken_component_is_one_problem_however_many_routes_have_it() {
    let routes: String = (0..3)
        .map(|number| {
            let plugins = "[{ source = \"./text.wasm\" }]";
            format!("[[route]]\nname = \"r{number}\"\nupstream = \"behind\"\nplugins = {plugins}\nmatch = {{ path = \"/{number}\" }}\n")
        })
        .collect();
    let folder = Folder::with_config(&(sound() + &routes));
    folder.write("text.wasm", "not wasm");
    insta::assert_snapshot!(shown(&folder.tollgate(BINARY, &["check", "--config", "gateway.toml"])), @r"
    exit 78
    --- stdout
    --- stderr
    gateway.toml:17:23: plugin `text`: this is not a WebAssembly component (and 2 more entries)
    1 problem
    ");
}

#[test]
fn every_grant_that_a_plugin_lacks_is_named_at_once() {
    let bare = crate::guests::plugin("bare", "bare", "");
    insta::assert_snapshot!(shown(&check(&(sound() + &bare))), @r#"
    exit 78
    --- stdout
    --- stderr
    gateway.toml:14:1: plugin `bare`: the component imports `state`, `limiter`, `consumers`, `identity`, which the configuration does not grant
      help: add "state", "limiter", "consumers", "identify" to its `grants`
    1 problem
    "#);
}

#[test]
fn what_a_plugin_says_of_a_secret_is_not_shown() {
    let config = r#"
[[plugin]]
source = "transform"
config = { request = { path = "/x/${env:TEMPLATE}", headers = { set = { "x a" = "${env:TEMPLATE}" } } } }
"#;
    let folder = Folder::with_config(&(sound() + config));
    let variables = [("TEMPLATE", "x{tok}y")];
    let ran = folder.tollgate_with(BINARY, &["check", "--config", "gateway.toml"], &variables);
    assert!(!ran.stderr.contains("tok"), "{}", ran.stderr);
    insta::assert_snapshot!(shown(&ran), @r"
    exit 78
    --- stdout
    --- stderr
    gateway.toml:17:31: plugin `transform`: this is refused; its value comes from `${..}`, so the plugin's words are not shown
    gateway.toml:17:81: plugin `transform`: this is refused; its value comes from `${..}`, so the plugin's words are not shown
    2 problems
    ");
}

#[test]
fn the_gateway_does_not_start_on_a_bad_config() {
    let ran = tollgate("[[route", &["run", "--config", "gateway.toml"]);
    assert_eq!(ran.code, Some(78));
    assert_eq!(ran.stderr, check("[[route").stderr);
}

#[test]
fn a_port_in_use_is_said_with_its_place() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound");
    let config = format!(
        "[gateway]\nadmin = \"127.0.0.1:0\"\n[[listener]]\naddress = \"{address}\"\n{}",
        everything_to("internal:echo", "")
    );
    let ran = tollgate(&config, &["run", "--config", "gateway.toml"]);
    let _settled = settled();
    insta::assert_snapshot!(shown(&ran), @r"
    exit 1
    --- stdout
    --- stderr
    tollgate: gateway.toml:4:11: cannot listen on 127.0.0.1:PORT: Address already in use (os error 98)
      help: another process has this port, maybe another gateway: stop it, or use another port
    ");
}

#[test]
fn the_admin_listeners_port_in_use_is_said_too() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound");
    let config = format!(
        "[gateway]\nadmin = \"{address}\"\n[[listener]]\naddress = \"127.0.0.1:0\"\n{}",
        everything_to("internal:echo", "")
    );
    let ran = tollgate(&config, &["run", "--config", "gateway.toml"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains(&format!("cannot listen on {address}")), "{}", ran.stderr);
}

#[test]
fn the_schema_is_json_schema_for_every_table_of_the_config() {
    let ran = Folder::new().tollgate(BINARY, &["schema"]);
    assert_eq!(ran.code, Some(0));
    let schema: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert!(schema["$schema"].as_str().expect("it says its version").contains("json-schema.org"));
    let tables = schema["properties"].as_object().expect("an object").keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(tables, ["consumer", "gateway", "include", "listener", "plugin", "route", "upstream"]);
}

const USERS: &str = r#"
[[listener]]
address = "127.0.0.1:0"
[[upstream]]
name = "users"
endpoints = ["internal:echo"]
[[route]]
name = "one"
upstream = "users"
match = { path = "/users/{id}", methods = ["GET"] }
[[route]]
name = "beta"
upstream = "users"
match = { host = "beta.example", path = "/users/**" }
[[route]]
name = "second"
upstream = "users"
match = { path = "/users/{id}", headers = { x-version = "2" } }
[[route]]
name = "rest"
upstream = "users"
match = { path = "/**" }
"#;

fn matched(arguments: &[&str]) -> String {
    shown(&tollgate(USERS, &[&["match", "--config", "gateway.toml"], arguments].concat()))
}

#[test]
fn match_says_which_route_is_taken_and_why_the_others_lost() {
    insta::assert_snapshot!(matched(&["GET", "/users/7"]), @r##"
    exit 0
    --- stdout
    route `one`: upstream `users`
      one     taken
      beta    another host: it wants `beta.example`
      second  header `x-version` is not `2`
      rest    it matches, but the path of the taken route is more specific
    --- stderr
    "##);
}

#[test]
fn match_takes_a_host_and_headers() {
    insta::assert_snapshot!(matched(&["GET", "http://beta.example/users/7", "-H", "x-version: 2"]), @r##"
    exit 0
    --- stdout
    route `beta`: upstream `users`
      one     it matches, but the host of the taken route is more specific
      beta    taken
      second  it matches, but the host of the taken route is more specific
      rest    it matches, but the host of the taken route is more specific
    --- stderr
    "##);
}

#[test]
fn match_refuses_what_the_gateway_refuses() {
    let refused = [&["CONNECT", "/users/7"], &["GET", "http://u@x/"], &["GET", "http://x:99999/"], &["GET", "/a%2fb"]];
    let gateway = crate::gateway(USERS);
    let mut told = String::new();
    for [method, url] in refused {
        let ran = tollgate(USERS, &["match", "--config", "gateway.toml", method, url]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(64), ""), "{method} {url}");
        told.push_str(&ran.stderr);
    }
    insta::assert_snapshot!(told, @r"
    CONNECT /users/7: this method is not served here; the gateway answers 501 Not Implemented
    GET http://u@x/: the host is not a valid one; the gateway answers 400 Bad Request
    GET http://x:99999/: the host is not a valid one; the gateway answers 400 Bad Request
    GET /a%2fb: the path holds an encoded slash, a backslash, a NUL or dots before `;`; the gateway answers 400 Bad Request
    ");
    assert_eq!(gateway.send(tests::Request::get("/").header("host", "u@x")).status, 400);
    assert_eq!(gateway.send(tests::Request::get("/").header("host", "x:99999")).status, 400);
}

#[test]
fn match_says_how_a_url_is_written() {
    let ran = tollgate(USERS, &["match", "--config", "gateway.toml", "GET", "nowhere"]);
    insta::assert_snapshot!(shown(&ran), @r"
    exit 64
    --- stdout
    --- stderr
    error: invalid value 'nowhere' for '<URL>': write `/nowhere` or `http://host/nowhere`

    For more information, try '--help'.
    ");
}

#[test]
fn a_configuration_is_named_before_or_behind_the_command() {
    let folder = Folder::with_config(&sound());
    for arguments in [&["check", "--config", "gateway.toml"], &["--config", "gateway.toml", "check"]] {
        assert_eq!(folder.tollgate(BINARY, arguments).code, Some(0), "{arguments:?}");
    }
}

#[test]
fn match_says_when_no_route_is_taken() {
    let config = USERS.replace("path = \"/**\"", "path = \"/rest\"");
    let ran = tollgate(&config, &["match", "--config", "gateway.toml", "DELETE", "/nowhere"]);
    insta::assert_snapshot!(shown(&ran), @r##"
    exit 1
    --- stdout
    no route: 404
      one     another path: it wants `/users/{id}`
      beta    another host: it wants `beta.example`
      second  another path: it wants `/users/{id}`
      rest    another path: it wants `/rest`
    --- stderr
    "##);
}

#[test]
fn without_a_flag_the_config_is_config_gateway_toml() {
    // The harness takes TOLLGATE_CONFIG away, so that without the flag the default is meant.
    let ran = Folder::new().tollgate(BINARY, &["check"]);
    assert!(ran.code == Some(78) && ran.stderr.starts_with("config/gateway.toml"), "{ran:?}");
}
