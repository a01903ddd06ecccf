use super::{PathError, PathPattern};

fn parse(text: &str) -> PathPattern {
    PathPattern::parse(text).expect("a good pattern")
}

#[test]
fn an_exact_path_is_not_the_one_with_a_final_slash() {
    assert!(parse("/users").matches("/users"));
    assert!(!parse("/users").matches("/users/"));
    assert!(parse("/users/").matches("/users/"));
    assert!(!parse("/users/").matches("/users"));
    assert!(parse("/").matches("/"));
    assert!(!parse("/").matches("/users"));
    assert!(!parse("/").matches("*"));
}

#[test]
fn a_param_is_one_whole_segment_that_is_not_empty() {
    let pattern = parse("/users/{id}/orders/{order-id}");
    assert_eq!(pattern.capture("id", "/users/%C3%A9/orders/7"), Some("%C3%A9"));
    assert_eq!(pattern.capture("order-id", "/users/5/orders/7"), Some("7"));
    assert_eq!(pattern.capture("nothing", "/users/5/orders/7"), None);
    assert_eq!(pattern.capture("id", "/users/5/orders"), None);
    assert!(!pattern.matches("/users//orders/7"));
    assert!(!pattern.matches("/users/5/orders/7/"));
}

#[test]
fn two_stars_take_the_path_itself_and_all_below() {
    let pattern = parse("/users/**");
    assert_eq!(pattern.params(), ["rest".into()]);
    assert_eq!(pattern.capture("rest", "/users"), Some(""));
    assert_eq!(pattern.capture("rest", "/users/"), Some(""));
    assert_eq!(pattern.capture("rest", "/users/5/"), Some("5/"));
    assert_eq!(pattern.capture("rest", "/usersandmore"), None);
    assert_eq!(parse("/**").capture("rest", "/"), Some(""));
    assert_eq!(parse("/**").capture("rest", "/a/b"), Some("a/b"));
    assert_eq!(parse("/{a}/**").capture("a", "/x/y"), Some("x"));
}

#[test]
fn a_pattern_is_held_in_normal_form() {
    assert_eq!(parse("/caf%c3%a9/%7Ejo%2ce/{id}/**").to_string(), "/caf%C3%A9/~jo,e/{id}/**");
    assert_eq!(parse("/@me/a;b+c/%40me/a%3bb%2bc/%2a").to_string(), "/@me/a%3Bb%2Bc/@me/a%3Bb%2Bc/*");
}

#[test]
fn a_regular_expression_is_of_the_whole_path() {
    let pattern = parse("~/v(?P<version>[0-9]+)/(?<rest>.*)");
    assert_eq!(pattern.params(), ["version".into(), "rest".into()]);
    assert_eq!(pattern.capture("version", "/v12/a/b"), Some("12"));
    assert_eq!(pattern.capture("rest", "/v12/a/b"), Some("a/b"));
    assert!(!pattern.matches("/v/a") && !pattern.matches("/x/v1/a"));
    assert_eq!(parse("~^/a$").to_string(), "~^/a$");
}

#[test]
fn an_expression_that_no_path_in_normal_form_matches_is_an_error() {
    for text in
        ["~/a;b", "~/a%3bb", "~/a//b", "~/a%2Fb", "~/a/\\.\\./b", "~/a/\\.", "~/a b", "~/caf\u{e9}", "~/a\\+", "~/%41"]
    {
        assert_eq!(PathPattern::parse(text), Err(PathError::Unreachable(text.to_owned())), "{text}");
    }
    for text in ["~a", "~", "~users/.*", "~ /users", "~[^/]+"] {
        assert_eq!(PathPattern::parse(text), Err(PathError::NeverSlash(text.to_owned())), "{text}");
    }
    for text in ["~/a%3Bb", "~/a(;|/)b", "~/a/..", "~/a/\\.\\.\\..*", "~/.*", "~.+", "~/caf%C3%A9", "~/a%2B", "~/"] {
        assert!(PathPattern::parse(text).is_ok(), "{text}");
    }
}

#[test]
fn an_error_says_what_would_be_right() {
    let wrong = [
        "users",
        "",
        "/a/**/b",
        "/a**",
        "/a/*",
        "/{id}.json",
        "/{}",
        "/{*all}",
        "/{a}/{a}",
        "/{rest}/**",
        "/a//b",
        "//**",
        "/a/../b",
        "/%2e%2E",
        "/a?b=c",
        "/caf\u{e9}",
        "/v[0-9]/x",
        "/a b",
        "/100%",
        "/%+1",
        "/a%2fb",
        "/a%5C",
        "/%00",
        "^/a",
        "~/a;b",
        "~users/.*",
        "~/(",
        "~/(?P<a.b>.*)",
    ];
    let errors = wrong.map(|text| PathPattern::parse(text).expect_err(text).to_string()).join("\n");
    insta::assert_snapshot!(errors, @r"
        `users` does not begin with `/`; write `/users`
        a path is empty; write `/` for the root, `/**` for every path
        `/a/**/b`: `**` stands at the end, as a whole segment, as in `/users/**`
        `/a**`: `**` stands at the end, as a whole segment, as in `/users/**`
        `/a/*`: `*` is no pattern; write `{name}` for one segment, `/**` at the end for all that follows
        `/{id}.json`: a param is a whole segment, as in `/users/{id}`
        `{}`: a param's name is made of letters, digits, `_` and `-`, as in `{id}`
        `{*all}`: a param's name is made of letters, digits, `_` and `-`, as in `{id}`
        param `a` comes twice; give each its own name
        param `rest` is what `**` captures; give `{rest}` another name
        `/a//b` has an empty segment; write one `/` between segments
        `//**` has an empty segment; write one `/` between segments
        `/a/../b`: requests never have `.` and `..` segments; write the path without them
        `/%2e%2E`: requests never have `.` and `..` segments; write the path without them
        `/a?b=c`: a path ends before `?` or `#`; match parameters with `query`
        `/café`: 'é' must be percent-encoded: `%C3%A9`
        `/v[0-9]/x`: '[' must be percent-encoded: `%5B`; a regular expression begins with `~`
        `/a b`: ' ' must be percent-encoded: `%20`
        `/100%`: `%` is followed by two hex digits; a percent sign itself is `%25`
        `/%+1`: `%` is followed by two hex digits; a percent sign itself is `%25`
        `/a%2fb`: requests never have an encoded `/`, `\` or NUL, the gateway refuses them; take it out
        `/a%5C`: requests never have an encoded `/`, `\` or NUL, the gateway refuses them; take it out
        `/%00`: requests never have an encoded `/`, `\` or NUL, the gateway refuses them; take it out
        `^/a` does not begin with `/`; a regular expression begins with `~`: `~^/a`
        `~/a;b` matches no path: it is held against the one form in which paths are routed and forwarded, where `;` is `%3B`, `+` is `%2B`, hex digits are in upper case, and `//`, dot segments and an encoded `/` never are
        `~users/.*` matches no path: it is held against the whole path, and every path begins with `/`
        `~/(` is not a regular expression: unclosed group, at character 3, before `(`
        `{a.b}`: a param's name is made of letters, digits, `_` and `-`, as in `{id}`
    ");
    assert_eq!(PathPattern::parse("/%"), Err(PathError::Percent("/%".into())));
}
