//! A plugin written against `wit/` with bare wit-bindgen: what the SDK does, any tool can do.
//!
//! The request's header `x-ask` says which part of the contract to use, and its answers come back
//! as lines of text. `facts`, `state`, `limiter`, `consumers` are answered here and now; `write`
//! writes to everything that goes on to the upstream and back; `stage` to the response that is still to come;
//! `identify` says who is calling;
//! `16 MiB ..` hands an import more than it can mean (see [`gluttony`]).

mod declarations;
mod gluttony;
mod questions;
mod writes;

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "package tests:bare; world bare {
        include tollgate:plugin/capabilities@0.1.0;
        export tollgate:plugin/configure@0.1.0;
        export tollgate:plugin/on-request@0.1.0;
        export tollgate:plugin/on-response@0.1.0;
        export tollgate:plugin/on-log@0.1.0;
    }",
    generate_all,
});

use exports::tollgate::plugin::{configure, on_log, on_request, on_response};
use tollgate::plugin::http::{Action, Field, Reply};
use tollgate::plugin::{identity, log, outcome, request, setup};

struct Bare;
export!(Bare);

impl configure::Guest for Bare {
    /// Takes any configuration but one that says `wrong`.
    fn configure(config: String) -> Result<(), Vec<configure::Problem>> {
        log::log(log::Level::Info, &format!("configured with {config}"));
        setup::own_header("x-bare");
        if config.contains("\"declare\"") {
            declarations::declare();
        }
        if config.contains("\"wrong\"") {
            let problem =
                |pointer: &str, message: &str| configure::Problem { pointer: pointer.into(), message: message.into() };
            return Err(vec![problem("/deep/wrong", "this is wrong"), problem("/absent", "and this is missing")]);
        }
        Ok(())
    }
}

impl on_request::Guest for Bare {
    fn on_request() -> Action {
        let Some(asked) = request::header("x-ask").and_then(|asked| String::from_utf8(asked).ok()) else {
            return Action::Next;
        };
        match asked.as_str() {
            "facts" => answer(questions::facts()),
            "state" => answer(questions::state()),
            "limiter" => answer(questions::limiter()),
            "consumers" => answer(questions::consumers()),
            "write" => writes::request(),
            "stage" => writes::staged(),
            "identify" => match identity::authenticate("key", "", b"acme-key") {
                true => {
                    let name = request::consumer().unwrap_or_default();
                    let _ = request::set_header("x-bare", name.as_bytes());
                    Action::Next
                }
                false => answer(vec!["nobody".into()]),
            },
            "without a reply" => Action::Reply,
            "too early" => answer(vec![tollgate::plugin::response::status().to_string()]),
            "no body" => answer(vec![format!("{} bytes", tollgate::plugin::body::length())]),
            "too late" => {
                setup::own_header("x-late");
                Action::Next
            }
            other => match other.split_once(" MiB ") {
                Some((size, import)) => answer(vec![gluttony::feed(import, size.parse().unwrap_or(16) << 20)]),
                None => Action::Next,
            },
        }
    }
}

impl on_response::Guest for Bare {
    fn on_response() -> Action {
        if request::header("x-ask").as_deref() == Some(b"write") {
            writes::response();
        }
        Action::Next
    }
}

impl on_log::Guest for Bare {
    fn on_log() {
        let line = format!(
            "{} {} status={:?} completed={} request-bytes={} response-bytes={} took={} endpoint={:?} problem={:?}",
            request::method(),
            request::path(),
            outcome::status(),
            outcome::completed(),
            outcome::request_bytes(),
            outcome::response_bytes(),
            outcome::duration() > 0,
            outcome::endpoint(),
            outcome::problem(),
        );
        log::log(log::Level::Info, &line);
    }
}

/// 200 with these lines.
fn answer(lines: Vec<String>) -> Action {
    let content_type = Field { name: "content-type".into(), value: b"text/plain".to_vec() };
    tollgate::plugin::answer::reply_with(&Reply {
        status: 200,
        headers: vec![content_type],
        body: lines.join("\n").into_bytes(),
    });
    Action::Reply
}
