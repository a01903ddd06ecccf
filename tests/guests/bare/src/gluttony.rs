//! Hands imports more than they can mean.

use crate::tollgate::plugin::subjects::Subject;
use crate::tollgate::plugin::{consumers, identity, limiter, log, request, setup, state};

/// Feeds one import, named as in `wit/`, with a name, key or value of so many bytes. Answers what it
/// said, if it lived.
pub fn feed(import: &str, size: usize) -> String {
    let text = "a".repeat(size);
    let bytes = text.as_bytes();
    match import {
        "set-method" => format!("{:?}", request::set_method(&text)),
        "set-path" => format!("{:?}", request::set_path(&text)),
        "set-query" => format!("{:?}", request::set_query(Some(&text))),
        "header" => format!("{:?}", request::header(&text)),
        "set-header name" => format!("{:?}", request::set_header(&text, b"")),
        "set-header value" => format!("{:?}", request::set_header("x-a", bytes)),
        "append-header name" => format!("{:?}", request::append_header(&text, b"")),
        "append-header value" => format!("{:?}", request::append_header("x-a", bytes)),
        "remove-header" => format!("{:?}", request::remove_header(&text)),
        "param" => format!("{:?}", request::param(&text)),
        "steer" => format!("{:?}", request::steer(&text)),
        "note" => format!("{:?}", request::note(&text)),
        "set-note key" => format!("{:?}", request::set_note(&text, b"")),
        "set-note value" => format!("{:?}", request::set_note("a", bytes)),
        "own-header" => format!("{:?}", setup::own_header(&text)),
        "log" => format!("{:?}", log::log(log::Level::Info, &text)),
        "get" => format!("{:?}", state::get(Subject::Plugin, &text)),
        "set key" => format!("{:?}", state::set(Subject::Plugin, &text, b"", None)),
        "set value" => format!("{:?}", state::set(Subject::Plugin, "a", bytes, None)),
        "delete" => format!("{:?}", state::delete(Subject::Plugin, &text)),
        "add" => format!("{:?}", state::add(Subject::Plugin, &text, 1, None)),
        "compare-and-swap" => format!("{:?}", state::compare_and_swap(Subject::Plugin, "a", Some(bytes), bytes, None)),
        "acquire key" => format!("{:?}", limiter::acquire(Subject::Plugin, &text, &[], 1)),
        "acquire quotas" => {
            let quota = limiter::Quota { limit: 1, window: 1, burst: 0, algorithm: limiter::Algorithm::TokenBucket };
            format!("{:?}", limiter::acquire(Subject::Plugin, "a", &vec![quota; size / 40], 1).allowed)
        }
        "find" => format!("{:?}", consumers::find(&text, &text)),
        "verify" => format!("{:?}", consumers::verify("key", "", bytes)),
        "groups" => format!("{:?}", consumers::groups(&text)),
        "identify" => format!("{:?}", identity::identify(&text)),
        "authenticate" => format!("{:?}", identity::authenticate("key", "", bytes)),
        "authenticate-header" => format!("{:?}", identity::authenticate_header("key", &text)),
        _ => "there is no such import".into(),
    }
}
