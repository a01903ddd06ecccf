//! What a plugin can write. What is refused is told in the header `x-refused` of either message.

use std::fmt::Display;

use crate::answer;
use crate::tollgate::plugin::http::Action;
use crate::tollgate::plugin::{request, response};

/// Writes to every part of the request, well and badly.
pub fn request() -> Action {
    let good = [
        request::set_method("PUT").is_ok(),
        request::set_path("/made//of/./it").is_ok(),
        request::set_query(Some("a=1&b=2")).is_ok(),
        request::set_header("x-one", b"first").is_ok(),
        request::set_header("x-one", b"last").is_ok(),
        request::append_header("x-many", b"more").is_ok(),
        request::append_header("x-bytes", b"\xff").is_ok(),
        request::remove_header("x-gone").is_ok(),
        request::remove_header("x-never-there").is_ok(),
        request::steer("other").is_ok(),
        request::set_note("kept", b"by bare").is_ok(),
    ];
    if good.contains(&false) {
        return answer(vec![format!("what is right was refused: {good:?}")]);
    }
    let refused = [
        why(request::set_method("CONNECT")),
        why(request::set_method("G T")),
        why(request::set_path("no-slash")),
        why(request::set_path("/with?query")),
        why(request::set_query(Some("a b#c"))),
        why(request::set_header("X-Upper", b"1")),
        why(request::set_header("x-split", b"1\r\nx-more: 2")),
        why(request::append_header("transfer-encoding", b"chunked")),
        why(request::remove_header("host")),
        why(request::steer("nowhere")),
        why(request::set_note("big", &[0; 64 * 1024])),
    ];
    let _ = request::set_header("x-refused", refused.join(" ").as_bytes());
    Action::Next
}

/// Writes to the response that is still to come, well and badly.
pub fn staged() -> Action {
    let refused = [why(response::set_header("content-length", b"3")), why(response::append_header("x-a", b"\0"))];
    let written = [
        response::set_header("x-refused", refused.join(" ").as_bytes()),
        response::append_header("x-staged", b"one"),
        response::append_header("x-staged", b"two"),
        response::remove_header("content-type"),
    ];
    assert!(written.iter().all(Result::is_ok), "what is right was refused");
    Action::Next
}

/// Writes to every part of the response, well and badly.
pub fn response() {
    let refused = [
        why(response::set_status(199)),
        why(response::set_header("content-length", b"3")),
        why(response::append_header("x-a", b"\0")),
        why(response::remove_header("connection")),
    ];
    let seen = format!(
        "{} {:?} {:?} {} {}",
        response::status(),
        response::origin(),
        response::header("content-type").map(|value| String::from_utf8_lossy(&value).into_owned()),
        !response::headers().is_empty(),
        response::header_values("content-type").len(),
    );
    let note = request::note("kept").unwrap_or_default();
    let written = [
        response::set_header("x-refused", refused.join(" ").as_bytes()),
        response::set_header("x-seen", seen.as_bytes()),
        response::set_header("x-note", &note),
        response::append_header("x-note", b"twice"),
        response::remove_header("content-type"),
    ];
    assert!(response::set_status(203).is_ok() && written.iter().all(Result::is_ok), "what is right was refused");
}

/// The name of the error, as in `wit/`.
fn why<E: Display>(result: Result<(), E>) -> String {
    result.map_or_else(|error| error.to_string(), |()| "written".into())
}
