//! The README's session: run as a user would run it, and compared with what the README says.

use std::path::Path;
use std::process::Command;

use tests::{Builder, Request};

use crate::{BINARY, gateway};

/// One command of the session, and what the README says it prints.
#[derive(Debug)]
struct Step {
    command: String,
    prints: String,
}

#[test]
fn the_session_of_the_readme_prints_what_the_readme_says() {
    let gateway = Builder::new(BINARY, &root("config/gateway.toml").replace("127.0.0.1:8080", "127.0.0.1:0")).start();
    let address = gateway.address().to_string();
    let steps = session(&root("README.md"));
    assert!(steps.len() > 5, "the README has a session: {steps:?}");
    for step in steps {
        let printed = run(&step.command.replace("localhost:8080", &address));
        let printed = printed.replace(&address, "localhost:8080");
        assert_eq!(settle(&printed), settle(&step.prints), "$ {}", step.command);
    }
}

#[test]
fn the_plugin_of_the_readme_is_the_one_that_is_built_and_run_here() {
    let code = fenced(&root("README.md"), "rust").remove(0);
    assert_eq!(code, root("tests/guests/greeter/src/lib.rs"));

    let component = std::fs::read(Path::new(env!("TOLLGATE_GUESTS")).join("greeter.wasm")).expect("it was built");
    let gateway = Builder::new(
        BINARY,
        r#"
[[upstream]]
name = "echo"
endpoints = ["internal:echo"]

[[route]]
name = "greeted"
match = { path = "/greeted/**" }
plugins = [{ source = "./greeter.wasm", config = { greeting = "hello" } }]
upstream = "echo"
"#,
    )
    .file("greeter.wasm", component)
    .start();
    assert_eq!(gateway.client().get("/greeted").header("x-greeting"), Some("hello"));
    let robot = gateway.client().send(Request::get("/greeted").header("user-agent", "a-bot"));
    assert_eq!((robot.status, robot.json()["detail"].as_str()), (403, Some("no robots")));
    let config = std::fs::read_to_string(gateway.folder().path().join("gateway.toml")).expect("it runs on it");
    gateway.edit(&config.replace("\"hello\"", "\"he\\u0000llo\""));
    gateway.wait_for_log("plugin `greeter`: this cannot stand in a header");
}

#[test]
fn every_configuration_in_a_readme_of_a_plugin_loads() {
    let mut seen = 0;
    for plugin in ["key-auth", "rate-limit", "circuit-breaker", "transform"] {
        for example in fenced(&root(&format!("plugins/{plugin}/README.md")), "toml") {
            if example.contains("[[listener]]") {
                gateway(&example.replace("127.0.0.1:8080", "127.0.0.1:0").replace("0.0.0.0:8080", "127.0.0.1:0"));
                seen += 1;
            }
        }
    }
    assert!(seen >= 4, "each plugin's README has a whole example, found {seen}");
}

/// The commands in the README's `console` blocks.
fn session(readme: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in fenced(readme, "console").join("").lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command: command.into(), prints: String::new() }),
            (None, Some(step)) => step.prints.push_str(&format!("{line}\n")),
            (None, None) => panic!("a session begins with a command, not with {line:?}"),
        }
    }
    steps
}

/// What stands in the fenced blocks of a language.
fn fenced(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let block = |rest: &str| rest.split_once("```").expect("a fence is closed").0.to_owned();
    text.split(&fence).skip(1).map(block).collect()
}

/// Runs a line in a shell whose `curl` is ours.
fn run(command: &str) -> String {
    let curl = Path::new(env!("CARGO_BIN_EXE_curl")).parent().expect("it is in a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh").args(["-c", command]).env("PATH", format!("{}:{path}", curl.display())).output();
    let output = output.expect("there is a shell");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Without what differs from run to run: the date, ids, seconds that are left.
fn settle(text: &str) -> String {
    let mut settled = String::new();
    for line in text.trim_end().lines() {
        match line.split_once(": ") {
            Some(("date", _)) => settled.push_str("date: [date]"),
            Some(("ratelimit", _)) => settled.push_str("ratelimit: [standing]"),
            Some(("retry-after", _)) => settled.push_str("retry-after: [seconds]"),
            _ => settled.push_str(&without_ids(line)),
        }
        settled.push('\n');
    }
    settled
}

fn without_ids(line: &str) -> String {
    let is_id = |word: &str| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words = line.split_inclusive(|char: char| !char.is_ascii_alphanumeric());
    words
        .map(|word| {
            let plain = word.trim_end_matches(|char: char| !char.is_ascii_alphanumeric());
            if is_id(plain) { word.replace(plain, "[id]") } else { word.to_owned() }
        })
        .collect()
}

/// A file of the repository.
fn root(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
