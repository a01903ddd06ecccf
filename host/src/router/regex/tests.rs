use super::*;

fn parse(written: &str) -> Regex {
    Regex::parse(written).expect("a good expression")
}

#[test]
fn an_expression_matches_the_whole_text() {
    for (written, text, matches) in [
        ("/v[0-9]+", "/v12", true),
        ("/v[0-9]+", "/v12/", false),
        ("/v[0-9]+", "x/v12", false),
        ("^/v[0-9]+$", "/v12", true),
        ("a|ab", "ab", true),
        ("a|ab", "b", false),
        ("^a|b$", "b", true),
        ("^a|b$", "ab", false),
        ("(?i)gzip", "GZip", true),
        (r".*\.png", "/a/b.png", true),
        ("(?m)a$.*", "a", true),
        (r"\bx\b", "x", true),
        ("", "", true),
        ("", "x", false),
    ] {
        assert_eq!(parse(written).matches(text.as_bytes()), matches, "{written} {text}");
    }
    // Not UTF-8, and not ASCII: bytes.
    assert!(parse(r"[\x80-\xff]").matches(b"\xe9"));
    assert!(parse("\u{e9}").matches("\u{e9}".as_bytes()) && !parse(r"\w+").matches("\u{e9}".as_bytes()));
}

#[test]
fn named_groups_are_captured() {
    let regex = parse("/(?P<kind>[a-z]+)/(?<id>[0-9]+)(/(?P<rest>.*))?");
    assert_eq!(regex.names().collect::<Vec<_>>(), ["kind", "id", "rest"]);
    assert_eq!(regex.capture("id", "/users/7"), Some("7"));
    assert_eq!(regex.capture("rest", "/users/7/a/b"), Some("a/b"));
    assert_eq!((regex.capture("rest", "/users/7"), regex.capture("id", "/users")), (None, None));
    assert_eq!(regex.capture("other", "/users/7"), None);
    assert_eq!(parse("(a)(?:b)").names().count(), 0);
}

#[test]
fn an_error_says_what_is_wrong_and_where() {
    let long = format!("/{}", "a".repeat(MOST_WRITTEN));
    let wrong =
        ["/v[0-9", "/(?P<id>.*", "/a**(", "/(?P<a>x)(?P<a>y)", r"/\p{L}", "(?=x)", r"(a)\1", "^/a", "a$", &long];
    let errors = wrong.map(|text| Regex::parse(text).expect_err(text).to_string()).join("\n");
    insta::assert_snapshot!(errors, @r"
    `~/v[0-9` is not a regular expression: unclosed character class, at character 4, before `[0-9`
    `~/(?P<id>.*` is not a regular expression: unclosed group, at character 3, before `(?P<id>.*`
    `~/a**(` is not a regular expression: unclosed group, at character 6, before `(`
    `~/(?P<a>x)(?P<a>y)` is not a regular expression: duplicate capture group name, at character 15, before `a>y)`
    `~/\p{L}` is not a regular expression: Unicode not allowed here, at character 3, before `\p{L}`
    `~(?=x)` is not a regular expression: look-around, including look-ahead and look-behind, is not supported, at character 2, before `(?=x)`
    `~(a)\1` is not a regular expression: backreferences are not supported, at character 5, before `\1`
    `~^/a`: a regular expression matches from the beginning to the end; write both `^` and `$` or neither, and `.*` for what may be there besides
    `~a$`: a regular expression matches from the beginning to the end; write both `^` and `$` or neither, and `.*` for what may be there besides
    `~/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…`: a regular expression has at most 1000 bytes
    ");
}

/// An engine that makes its states as it goes would pass them, and pay for it at each request.
#[test]
fn what_grows_beyond_bounds_is_refused_in_bounded_time() {
    for written in [
        ".*[ab].{20}",
        "(a{100}){100}",
        "((a{0,100}){0,100}){0,100}",
        "[a-z]{1,10000}",
        &format!("{}a{}", "(".repeat(60), ")".repeat(60)),
    ] {
        let started = std::time::Instant::now();
        assert!(Regex::parse(written).is_err(), "{written}");
        assert!(started.elapsed().as_secs() < 10, "{written}");
    }
}

/// A backtracking engine would need 2^60000 steps for it.
#[test]
fn what_makes_others_backtrack_takes_one_step_for_each_byte() {
    let text = format!("{}!", "a".repeat(60_000));
    assert!(!parse("(a+)+").matches(text.as_bytes()));
    assert!(!parse("(a|a)*").matches(text.as_bytes()));
    assert!(parse("(a|aa)+!").matches(text.as_bytes()));
}
