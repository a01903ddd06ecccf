//! Bodies through plugins piece by piece: the guest `shout` upper-cases them, or does what its configuration says.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use tests::{Gateway, Reply, Request, Upstream, http2, wait_for};

use crate::bodies::chunked;
use crate::guests::{faults, instances, plugin, resident};
use crate::{everything_to, gateway};

/// A gateway with this deed of the guest in front of this endpoint; none upper-cases.
fn shout(endpoint: &str, config: &str, more: &str) -> Gateway {
    let plugin = plugin("shout", "shout", &format!("config = {{ {config} }}\n{more}"));
    gateway(&format!("{plugin}{}", everything_to(endpoint, "plugins = [\"shout\"]")))
}

#[test]
fn each_piece_goes_through_the_plugin_in_both_directions() {
    let upstream = Upstream::saying("from the upstream");
    let gateway = shout(&upstream.url(), "", "");
    let mut client = gateway.client();
    client.write(chunked("/", ""));
    let answer = client.receive();
    assert_eq!((answer.text().as_str(), answer.header("content-length")), ("FROM THE UPSTREAM", None));
    assert_eq!(client.send(Request::post("/", "body")).text(), "FROM THE UPSTREAM");
    let asked = http::Request::post("http://x/").body("over http/2".into()).expect("a request");
    let answer = &http2::send(gateway.address(), vec![asked])[0];
    assert_eq!(&answer.body()[..], b"FROM THE UPSTREAM");
    let received = upstream.received();
    let bodies: Vec<&[u8]> = received.iter().map(|received| received.body.as_slice()).collect();
    assert_eq!(bodies, [&b"HELLO"[..], b"BODY", b"OVER HTTP/2"]);
    assert!(received.iter().all(|received| received.header("content-length").is_none()));
    // They share one instance, for they came one after the other.
    wait_for("the exchanges to end", || (gateway.metric("tollgate_requests") == 0.0).then_some(()));
    assert_eq!(instances(&gateway, "shout"), 1.0);
}

#[test]
fn heads_can_be_read_while_bodies_go_through() {
    let upstream = Upstream::saying("body");
    let gateway = shout(&upstream.url(), "do = \"facts\", at = \"response\"", "");
    assert_eq!(gateway.get("/the/path").text(), "/the/path 200 OK");
}

#[test]
fn exchanges_and_bodies_without_pieces_are_left_alone() {
    let upstream = Upstream::start(|received| match received.target.as_str() {
        "/204" => Reply::raw("HTTP/1.1 204 No Content\r\n\r\n"),
        _ => Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    });
    let gateway = shout(&upstream.url(), "do = \"count\", at = \"response\"", "");
    assert_eq!(gateway.get("/204").status, 204);
    let answer = gateway.get("/");
    assert_eq!((answer.text().as_str(), answer.header("content-length")), ("", Some("0")));
}

#[test]
fn an_instance_remembers_one_body_and_no_other() {
    let upstream = Upstream::saying("");
    let gateway = shout(&upstream.url(), "do = \"count\"", "");
    let begin = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
    let (mut first, mut second, mut third) = (gateway.client(), gateway.client(), gateway.client());
    first.write(begin);
    second.write(begin);
    third.write(begin);
    wait_for("three instances", || (instances(&gateway, "shout") == 3.0).then_some(()));
    // What this one leaves behind nobody counts.
    third.reset();
    first.write("2\r\nde\r\n0\r\n\r\n");
    second.write("1\r\nd\r\n0\r\n\r\n");
    assert_eq!((first.receive().status, second.receive().status), (200, 200));
    wait_for("its instance to go", || (instances(&gateway, "shout") == 2.0).then_some(()));
    for _ in 0..3 {
        gateway.send(Request::post("/", "12"));
    }
    let received = upstream.received();
    let mut counted: Vec<String> =
        received.iter().map(|received| String::from_utf8_lossy(&received.body).into_owned()).collect();
    counted.sort();
    assert_eq!(counted, ["2 bytes", "2 bytes", "2 bytes", "4 bytes", "5 bytes"]);
}

#[test]
fn a_plugin_can_stop_a_body() {
    let upstream = Upstream::saying("fine");
    let gateway = shout(&upstream.url(), "do = \"stop\"", "");
    assert_eq!(gateway.send(Request::post("/", "well")).text(), "fine");
    let answer = gateway.send(Request::post("/", "stop!"));
    assert_eq!((answer.status, answer.problem().as_str()), (403, "plugin-stop"));
    gateway.wait_for_log("plugin stopped a body");

    let upstream = Upstream::start(|_| Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstop!"));
    let gateway = shout(&upstream.url(), "do = \"stop\", at = \"response\"", "");
    let mut client = gateway.client();
    client.start(Request::get("/stopped"));
    assert!(client.try_receive().is_err());
    let line = gateway.wait_for_access("/stopped");
    assert_eq!((&line["completed"], &line["problem"]), (&false.into(), &"plugin-stop".into()), "{line}");
}

#[test]
fn a_plugin_that_fails_on_a_piece_fails_only_its_own_exchange() {
    for (deed, kind) in [("trap", "trap"), ("loop", "deadline"), ("fat", "trap")] {
        let upstream = Upstream::saying("!");
        let gateway = shout(&upstream.url(), &format!("do = \"{deed}\""), "");
        let answer = gateway.send(Request::post("/", "now!"));
        assert_eq!((answer.status, answer.problem().as_str()), (500, "plugin-fault"), "{deed}");
        assert_eq!(gateway.get("/").text(), "!");
        assert_eq!(faults(&gateway, "shout", kind), 1.0, "{deed}");

        let gateway = shout(&upstream.url(), &format!("do = \"{deed}\", at = \"response\""), "");
        let mut client = gateway.client();
        client.start(Request::get("/cut"));
        assert!(client.try_receive().is_err(), "{deed}");
        let line = gateway.wait_for_access("/cut");
        assert_eq!((&line["completed"], &line["problem"]), (&false.into(), &"plugin-fault".into()), "{line}");
    }
}

#[test]
fn a_plugin_that_is_skipped_leaves_the_rest_of_a_body_as_it_is() {
    let upstream = Upstream::saying("all of it!");
    let gateway = shout(&upstream.url(), "do = \"trap\", at = \"response\"", "on-error = \"skip\"");
    assert_eq!(gateway.get("/").text(), "all of it!");
}

#[test]
fn exchanges_wait_for_an_instance_or_are_refused() {
    let upstream = Upstream::saying("");
    let gateway = shout(&upstream.url(), "", "limits = { instances = 1, queue = 0 }");
    let mut slow = gateway.client();
    slow.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nhal");
    wait_for("its instance", || (instances(&gateway, "shout") == 1.0).then_some(()));
    let answer = gateway.send(Request::post("/", "body"));
    assert_eq!((answer.status, answer.problem().as_str()), (503, "plugin-busy"));
    slow.write("f");
    assert_eq!(slow.receive().status, 200);
}

/// What goes through between a request of another client and its answer, on the only worker, at the median.
fn passes_meanwhile(gateway: &Gateway, mut passed: impl FnMut() -> usize) -> usize {
    let mut client = gateway.client();
    let mut between: Vec<_> = (0..31)
        .map(|_| {
            let before = passed();
            assert_eq!(client.get("/other").status, 200);
            passed() - before
        })
        .collect();
    between.sort_unstable();
    between[between.len() / 2]
}

#[test]
fn others_have_their_turn_while_a_body_goes_through() {
    // Pieces: a request has three or four turns from its first byte to its answer.
    const FEW: usize = 8;
    const PIECE: usize = 64 << 10;
    let plugin = plugin("shout", "shout", "config = {}");
    let route = "[[route]]\nname = \"long\"\nmatch = { path = \"/bytes/**\" }\nupstream = \"behind\"\n\
                 plugins = [\"shout\"]\n";
    let gateway = gateway(&format!("{plugin}{}{route}", everything_to("internal:echo", "")));
    let mut reader = gateway.client();
    // Always the next one is at hand.
    reader.write(format!("GET /bytes/{}b HTTP/1.1\r\nhost: x\r\n\r\n", 64 << 20).repeat(100));
    let read = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&read);
    thread::spawn(move || {
        let mut piece = vec![0; 1 << 20];
        while let Ok(more @ 1..) = reader.read(&mut piece) {
            count.fetch_add(more, SeqCst);
        }
    });
    wait_for("the body to flow", || (read.load(SeqCst) > 100 * PIECE).then_some(()));
    let few = passes_meanwhile(&gateway, || read.load(SeqCst) / PIECE);
    assert!(few < FEW, "{few} pieces went through between a request and its answer");
}

#[test]
fn a_long_body_goes_through_in_constant_memory() {
    const MIB: usize = 64;
    let gateway = shout("internal:echo", "", "");
    // Once before: what is made at the first time is not counted.
    let answer = gateway.get("/bytes/1000000b");
    assert_eq!((answer.status, answer.body.len()), (200, 1_000_000), "{:.300}", answer.text());
    let before = resident(&gateway);
    let mut client = gateway.client();
    client.start(Request::get(&format!("/bytes/{}b", MIB << 20)).header("connection", "close"));
    let (mut piece, mut read, mut most) = (vec![0; 1 << 20], 0, 0);
    loop {
        match client.read(&mut piece).expect("it goes on") {
            0 => break,
            more => read += more,
        }
        most = most.max(resident(&gateway));
    }
    assert!(read > MIB << 20, "{read}");
    assert!(most < before + 16, "{before} MiB before, {most} MiB while it went through");
}
