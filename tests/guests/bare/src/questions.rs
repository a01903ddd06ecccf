//! What a plugin can ask: each answer is a line.

use crate::tollgate::plugin::subjects::Subject;
use crate::tollgate::plugin::{consumers, limiter, request, state};

/// Everything that can be read of a request.
pub fn facts() -> Vec<String> {
    let mut lines = vec![
        format!("method {}", request::method()),
        format!("scheme {}", request::scheme()),
        format!("authority {}", request::authority()),
        format!("path {}", request::path()),
        format!("query {:?}", request::query()),
        format!("id {}", request::id()),
        format!("first {}", text(request::header("x-many"))),
        format!("absent {}", text(request::header("x-absent"))),
        format!("upper case {}", text(request::header("X-Many"))),
        format!("param {:?}", request::param("id")),
        format!("rest {:?}", request::param("rest")),
        format!("no param {:?}", request::param("none")),
        format!("client {}", request::client_address()),
        format!("route {}", request::route()),
        format!("upstream {}", request::upstream()),
        format!("consumer {:?} {:?}", request::consumer(), request::consumer_groups()),
        format!("note {}", text(request::note("none"))),
    ];
    let values = request::header_values("x-many");
    lines.extend(values.iter().map(|value| format!("value {}", String::from_utf8_lossy(value))));
    let many = request::headers().into_iter().filter(|field| field.name == "x-many");
    lines.extend(many.map(|field| format!("{}: {}", field.name, String::from_utf8_lossy(&field.value))));
    lines
}

const SUBJECTS: [Subject; 4] = [Subject::Route, Subject::Upstream, Subject::Client(128), Subject::Plugin];

/// Every function of `state`; its entries are gone afterwards.
pub fn state() -> Vec<String> {
    let soon = Some(60_000);
    let lines = vec![
        format!("absent {}", text(state::get(Subject::Plugin, "a"))),
        format!("set {}", {
            state::set(Subject::Plugin, "a", b"1", soon);
            text(state::get(Subject::Plugin, "a"))
        }),
        format!("swap wrong {}", state::compare_and_swap(Subject::Plugin, "a", Some(b"2"), b"3", None)),
        format!("swap right {}", state::compare_and_swap(Subject::Plugin, "a", Some(b"1"), b"3", None)),
        format!("swapped {}", text(state::get(Subject::Plugin, "a"))),
        format!("swap absent {}", state::compare_and_swap(Subject::Plugin, "b", None, b"new", soon)),
        format!("add {} {}", state::add(Subject::Plugin, "c", 5, soon), state::add(Subject::Plugin, "c", -7, None)),
        format!("saturates {}", {
            state::add(Subject::Plugin, "d", i64::MAX, soon);
            state::add(Subject::Plugin, "d", 1, None) == i64::MAX
        }),
        format!("delete {} {}", state::delete(Subject::Plugin, "a"), state::delete(Subject::Plugin, "a")),
        format!("gone {}", text(state::get(Subject::Plugin, "a"))),
        format!("of each subject {}", {
            for (subject, value) in SUBJECTS.into_iter().zip(["r", "u", "w", "p"]) {
                state::set(subject, "k", value.as_bytes(), soon);
            }
            let values = SUBJECTS.into_iter().map(|subject| state::get(subject, "k").unwrap_or_default());
            String::from_utf8_lossy(&values.collect::<Vec<_>>().concat()).into_owned()
        }),
        // Nobody is identified, and the address is of IPv4: who calls is the client.
        format!("caller {}", text(state::get(Subject::Caller(64), "k"))),
    ];
    for subject in SUBJECTS {
        state::delete(subject, "k");
    }
    for key in ["b", "c", "d"] {
        state::delete(Subject::Plugin, key);
    }
    lines
}

/// A token bucket and a window together: all or nothing.
pub fn limiter() -> Vec<String> {
    let quota = |limit, algorithm| limiter::Quota { limit, window: 3_600_000, burst: 0, algorithm };
    let quotas = [quota(10, limiter::Algorithm::TokenBucket), quota(3, limiter::Algorithm::SlidingWindow)];
    let line = |cost| {
        let decision = limiter::acquire(Subject::Plugin, "bare", &quotas, cost);
        let remaining: Vec<u64> = decision.standings.iter().map(|standing| standing.remaining).collect();
        let waits: Vec<bool> = decision.standings.iter().map(|standing| standing.retry_after > 0).collect();
        let resets = decision.standings.iter().all(|standing| standing.reset <= 2 * 3_600_000);
        format!("cost {cost} allowed {} remaining {remaining:?} waits {waits:?} resets {resets}", decision.allowed)
    };
    vec![line(2), line(2), line(1)]
}

/// Who is known, and by what.
pub fn consumers() -> Vec<String> {
    vec![
        format!("right key {:?}", consumers::verify("key", "", b"acme-key")),
        format!("wrong key {:?}", consumers::verify("key", "", b"acme-kez")),
        format!("other kind {:?}", consumers::verify("password", "acme", b"acme-key")),
        format!("find {:?}", consumers::find("key", "acme")),
        format!("groups {:?} {:?}", consumers::groups("acme"), consumers::groups("nobody")),
        format!("still nobody {:?}", request::consumer()),
    ]
}

fn text(value: Option<Vec<u8>>) -> String {
    format!("{:?}", value.map(|value| String::from_utf8_lossy(&value).into_owned()))
}
