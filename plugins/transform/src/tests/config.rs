//! What is said about a configuration.

use super::*;

/// The problems, a line each.
fn problems(config: Value) -> String {
    let problems = testing::configure::<Transform>(config).expect_err("a bad config");
    let lines = problems.iter().map(|problem| format!("{}: {}", problem.pointer, problem.message));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_entry_without_config_changes_nothing() {
    let request = sent(json!({}), get("/a?b").header("x-c", "d"));
    assert_eq!((request.path(), request.query(), request.header("x-c")), ("/a", Some("b"), Some("d")));
}

#[test]
fn every_problem_is_reported_at_its_place() {
    let config = json!({
        "request": {
            "path": "v2/{param.id",
            "headers": {
                "remove": ["x-a", "Host"],
                "rename": { "x-a": "X-A", "x b": "content-length" },
                "set": { "x-a": "{requst.path}", "x-b": "a\nb" },
            },
            "query": { "add": { "": "", "a/b~c": "}" } },
        },
        "response": { "status": { "40x": 200, "404": 101 } },
    });
    assert_eq!(
        problems(config),
        "/request/path: `{` without a `}`; write `{{` for a brace\n\
         /request/query/add/: a query parameter needs a name\n\
         /request/query/add/a~1b~0c: `}` without a `{`; write `}}` for a brace\n\
         /request/headers/remove/1: the header `host` is the gateway's: it alone writes it\n\
         /request/headers/rename/x b: `x b` is no name of a header\n\
         /request/headers/rename/x b: the header `content-length` is the gateway's: it alone writes it\n\
         /request/headers/rename/x-a: the new name is the old one\n\
         /request/headers/set/x-a: unknown template value `{requst.path}`, did you mean `{request.path}`?\n\
         /request/headers/set/x-b: a header cannot hold a line break or another control character\n\
         /response/status/404: a status is 200 to 599\n\
         /response/status/40x: `40x` is no status, expected one such as `404`, `5xx` for a class, or `*` for all"
    );
}

#[test]
fn unknown_fields_and_wrong_types_are_found_at_their_place() {
    for (config, expected) in [
        (json!({ "request": { "header": {} } }), "/request/header: unknown key `header`: did you mean `headers`?"),
        (
            json!({ "request": { "headers": { "set": { "x-a": 1 } } } }),
            "/request/headers/set/x-a: expected a string, found an integer",
        ),
        (json!({ "missing": "fail" }), "/missing: unknown value `fail`: there are `empty`, `skip`"),
    ] {
        assert_eq!(problems(config), expected);
    }
}

#[test]
fn a_misspelt_value_is_met_with_the_one_that_was_meant() {
    for (written, expected) in [
        ("requst.header.x-a", "did you mean `{request.header.x-a}`?"),
        ("request.headers.x.y", "did you mean `{request.header.x.y}`?"),
        ("params.id", "did you mean `{param.id}`?"),
        ("consumer.nam", "did you mean `{consumer.name}`?"),
        ("request.header.", "`{request.header.}` needs a name behind the dot"),
        ("request.header.a b", "`a b` is no name of a header"),
        ("\"json\": 1", "or `{{` for a brace"),
    ] {
        let problem = problems(json!({ "response": { "headers": { "set": { "x-a": format!("{{{written}}}") } } } }));
        assert!(problem.ends_with(expected), "{problem}");
    }
}

#[test]
fn what_cannot_be_a_path_is_refused() {
    for (path, expected) in [
        ("users", "a path starts with `/` or `{request.path}`"),
        ("{param.rest}", "a path starts with `/` or `{request.path}`"),
        ("/a?b=c", "a path cannot hold `?`; the query is changed under `query`"),
        ("/a/../b", "a path cannot hold `.` or `..` as a segment"),
    ] {
        assert_eq!(problems(json!({ "request": { "path": path } })), format!("/request/path: {expected}"));
    }
}
