//! Configs of several files.

use insta::assert_snapshot;

use super::{ECHO, Files};

fn route(name: &str) -> String {
    format!("[[route]]\nname = \"{name}\"\nupstream = \"echo\"\nmatch.path = \"/{name}\"\n")
}

#[test]
fn included_files_add_to_the_arrays_in_the_order_of_their_names() {
    let gateway = format!(r#"include = ["routes/*.toml", "routes/b.toml", "./more.toml", "*.toml"]{}{ECHO}"#, '\n');
    let files = Files::new(&[
        ("gateway.toml", &gateway),
        ("routes/b.toml", &route("b")),
        ("routes/a.toml", &route("a")),
        ("routes/.#a.toml", "an editor's"),
        ("routes/a.toml.bak", "nobody's"),
        ("more.toml", &route("more")),
    ]);
    let config = files.load().unwrap_or_else(|problems| panic!("{problems}"));
    let names: Vec<&str> = config.routes.iter().map(|route| route.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "more"]);
    let paths = ["gateway.toml", "routes/a.toml", "routes/b.toml", "more.toml"];
    assert_eq!(config.files, paths.map(|name| files.path().join(name)));
    assert_eq!(config.folders, [files.path().join("routes"), files.path().to_owned()]);
}

#[test]
fn problems_name_the_included_file() {
    let gateway = format!("include = [\"routes/*.toml\", \"users.toml\"]\n{ECHO}");
    let files = Files::new(&[
        ("gateway.toml", &gateway),
        ("routes/a.toml", &format!("{}plugins = [\"nope\"]\n{}", route("a"), route("a"))),
        ("users.toml", "[gateway]\nworkers = 3\n"),
    ]);
    assert_snapshot!(files.problems(), @r"
    routes/a.toml:5:12: no plugin named `nope` (route `a`)
      help: there are `key-auth`, `rate-limit`, `circuit-breaker`, `transform`
    routes/a.toml:7:8: a second route is named `a`
      help: the first is at routes/a.toml:2:8
    users.toml:1:2: unknown key `gateway`
      help: the keys here are `listener`, `upstream`, `consumer`, `plugin`, `route`
    3 problems
    ");
}

#[test]
fn includes_that_find_nothing_are_problems_if_they_name_a_file() {
    let include = r#"include = ["routes/*.toml", "users.toml", "*/users.toml", "..", "empty/*.toml"]"#;
    let files = Files::new(&[("gateway.toml", &format!("{include}\n{ECHO}")), ("empty/x", "")]);
    assert_snapshot!(files.problems().replace("No such file or directory", "Not there"), @r"
    gateway.toml:1:12: cannot look into `routes`: Not there (os error 2)
    gateway.toml:1:29: `users.toml` cannot be read: Not there (os error 2)
    gateway.toml:1:43: `*/users.toml` has a `*` before its last `/`
      help: `*` stands for a part of a file's name: `routes/*.toml`
    gateway.toml:1:59: `..` names no file
    4 problems
    ");
}

#[test]
fn nothing_is_missing_while_a_file_cannot_be_read() {
    let gateway = "include = [\"upstreams.toml\"]\nroute = [{ name = \"r\", upstream = \"users\" }]";
    let files = Files::new(&[("gateway.toml", gateway), ("upstreams.toml", "[[upstream]")]);
    assert_snapshot!(files.problems(), @r"
    upstreams.toml:1:12: unclosed array table, expected `]`
    1 problem
    ");
    let problems = files.load().expect_err("it has problems");
    assert_eq!(problems.files(), ["gateway.toml", "upstreams.toml"].map(|name| files.path().join(name)));
}

#[test]
fn an_endless_file_is_refused() {
    let gateway = "include = [\"/dev/zero\"]";
    assert_snapshot!(Files::new(&[("gateway.toml", gateway)]).problems(), @r"
    gateway.toml:1:12: `/dev/zero` cannot be read: it is not a regular file
    1 problem
    ");
}
