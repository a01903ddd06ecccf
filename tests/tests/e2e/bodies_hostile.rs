//! Plugins that misbehave with bodies: each fails its own exchange and no other.

use tests::{Request, Upstream};

use crate::bodies::editor;
use crate::guests::{faults, resident};

#[test]
fn a_plugin_that_fails_on_a_body_fails_only_its_own_exchange() {
    let cases = [
        ("trap", "trap"),
        ("error", "error"),
        ("loop", "deadline"),
        ("fat", "trap"),
        ("huge", "trap"),
        ("fat-reply", "trap"),
    ];
    let upstream = Upstream::saying("from the upstream");
    // Long enough for what is no loop, whatever else the machine does.
    let gateway = editor(&upstream.url(), "limits = { deadline = \"500ms\" }", "");
    for (deed, _) in cases {
        for header in ["x-request-do", "x-response-do"] {
            let answer = gateway.send(Request::post("/evil", "body").header(header, deed));
            assert_eq!((answer.status, answer.problem().as_str()), (500, "plugin-fault"), "{header}: {deed}");
            assert_eq!(gateway.send(Request::post("/good", "body")).text(), "from the upstream");
        }
    }
    assert_eq!((faults(&gateway, "editor", "deadline"), faults(&gateway, "editor", "error")), (2.0, 2.0));
    assert_eq!(faults(&gateway, "editor", "trap"), 8.0);
    assert!(gateway.stderr().contains("a body of 2097152 bytes is more than its limits.max-body of 1048576"));
}

#[test]
fn a_plugin_that_is_skipped_leaves_a_body_as_it_was() {
    let upstream = Upstream::saying("from the upstream");
    let gateway = editor(&upstream.url(), "on-error = \"skip\"", "");
    let answer = gateway.send(Request::post("/", "body").header("x-request-do", "trap"));
    assert_eq!((answer.text().as_str(), answer.header("x-seen")), ("from the upstream", None));
    let received = upstream.only();
    assert_eq!((received.body.as_slice(), received.header("x-seen")), (&b"body"[..], None));
    let answer = gateway.send(Request::post("/", "body").header("x-response-do", "trap"));
    assert_eq!((answer.text().as_str(), answer.header("x-seen")), ("from the upstream", None));
}

#[test]
fn a_plugin_that_keeps_what_it_is_given_meets_its_limit() {
    let upstream = Upstream::saying("");
    let gateway =
        editor(&upstream.url(), "limits = { memory = \"8MiB\", max-body = \"256KiB\", deadline = \"500ms\" }", "");
    let body = vec![b'a'; 200 * 1024];
    let mut client = gateway.client();
    let failed =
        (0..10).find(|_| client.send(Request::post("/", body.clone()).header("x-request-do", "hoard")).status == 500);
    assert!(failed.is_some() && faults(&gateway, "editor", "memory") == 1.0, "{}", gateway.stderr());
    assert_eq!(client.send(Request::post("/", body)).status, 200);
    assert!(resident(&gateway) < 200);
}
