//! Requests that are small on the wire and large in memory, by clients that take nothing of the responses: they are
//! refused or given up, and what they held is free again.

use std::fs;

use tests::attacks::Bomb;
use tests::frames::{self, Connection, ENHANCE_YOUR_CALM, End};
use tests::{Gate, Gateway, Reply, Upstream, http2, wait_for};

use crate::{everything_to, gateway, gateway_to};

/// Bytes of memory that the gateway has.
fn resident(gateway: &Gateway) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.process_id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    1024 * line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
}

/// How many lines of the access log name this problem.
fn logged(gateway: &Gateway, problem: &str) -> usize {
    gateway.access_log().iter().filter(|line| line["problem"] == problem && line["completed"] == false).count()
}

fn requests(gateway: &Gateway) -> f64 {
    gateway.metric("tollgate_requests")
}

/// What a number is when it no longer changes.
fn settled<T: PartialEq>(look: impl Fn() -> T) -> T {
    let (mut last, mut same) = (look(), 0);
    wait_for("a number to settle", || {
        let now = look();
        same = if now == last { same + 1 } else { 0 };
        last = now;
        (same == 50).then_some(())
    });
    last
}

#[test]
fn a_client_that_lets_no_response_through_has_few_of_them_and_not_for_long() {
    let gateway = gateway_to("internal:echo", "");
    let bomb = Bomb { connections: 1, streams: 30, ..Bomb::default() };
    let mut connections = bomb.drop_on(gateway.address());
    let connection = &mut connections[0];
    let refused = (0..22).map(|_| connection.wait_for("a refusal", |frame| frame.kind == frames::RST_STREAM));
    assert!(refused.into_iter().all(|frame| frame.code() == Some(frames::REFUSED_STREAM)));
    let given_up = (0..8).map(|_| connection.wait_for("a reset", |frame| frame.kind == frames::RST_STREAM));
    let given_up: Vec<_> = given_up.map(|frame| (frame.stream, frame.code())).collect();
    assert!(given_up.iter().all(|(_, code)| *code == Some(frames::CANCEL)), "{given_up:?}");
    wait_for("all to be free", || (requests(&gateway) == 0.0).then_some(()));
    assert_eq!(gateway.metric("tollgate_http2_stalled_total"), 8.0);
    // The connection itself serves on.
    connection.write(frames::settings(&[(frames::INITIAL_WINDOW_SIZE, 65_535)])).expect("it is open");
    connection.write(frames::request(1001, frames::GET)).expect("it is open");
    connection.wait_for("a response", |frame| frame.stream == 1001 && frame.flags & frames::END_STREAM != 0);
}

#[test]
fn a_client_that_insists_is_told_to_be_calm() {
    let gateway = gateway_to("internal:echo", "");
    for bomb in [
        Bomb::default(),
        Bomb { window: 65_535, window_after: Some(0), path: "/delay/60s".to_owned(), ..Bomb::default() },
        Bomb { fields: 4000, ..Bomb::default() },
    ] {
        let bomb = Bomb { connections: 1, ..bomb };
        assert_eq!(bomb.drop_on(gateway.address())[0].end(), End::GoAway(ENHANCE_YOUR_CALM), "{bomb:?}");
        wait_for("all to be free", || (requests(&gateway) == 0.0).then_some(()));
    }
}

/// What is kept for the connections themselves is part of it; the first, smaller one is for what the allocator keeps for
/// good.
#[test]
fn a_bomb_holds_at_most_ten_bytes_for_each_that_it_sent() {
    let gateway = gateway_to("internal:echo", "");
    let within = Bomb::default();
    let beyond = Bomb { fields: 4000, ..Bomb::default() };
    let cookies = Bomb { fields: 550, cookies: Some(3), ..Bomb::default() };
    for shape in [within, beyond, cookies] {
        Bomb { connections: 10, ..shape.clone() }.drop_on(gateway.address());
        let before = resident(&gateway);
        let connections = Bomb { connections: 100, ..shape.clone() }.drop_on(gateway.address());
        let sent: u64 = connections.iter().map(Connection::sent).sum();
        let held = resident(&gateway).saturating_sub(before);
        assert!(held < 10 * sent, "{held} bytes for {sent}: {shape:?}");
        assert_eq!(http2::send(gateway.address(), vec![http2::get("http://x/")])[0].status(), 200);
        wait_for("all to be free", || (requests(&gateway) == 0.0).then_some(()));
    }
}

/// The windows are open, so that h2 would take from the upstream whatever it has; the socket takes nothing.
#[test]
fn responses_that_nobody_reads_are_not_gathered() {
    const CONNECTIONS: usize = 3;
    /// Of each connection: what waits for the socket, and what 100 requests and their connections to the upstream take.
    const MOST: u64 = 4 * 1024 * 1024;
    let page = "all that there is ".repeat(24_000);
    // What is asked for after the socket is full need not be read.
    let all_asked = Gate::closed();
    let gate = all_asked.clone();
    let upstream = Upstream::start(move |_| Reply::ok(&page).after(&gate));
    // So many connections at once are more than the queue of an upstream that is slow to accept takes.
    let config = everything_to(&upstream.url(), "");
    let gateway = gateway(&config.replacen("[[route]]", "[upstream.timeout]\nconnect = \"30s\"\n\n[[route]]", 1));
    let bomb =
        Bomb { connections: CONNECTIONS, fields: 1, window: i32::MAX.cast_unsigned(), unread: true, ..Bomb::default() };
    let before = resident(&gateway);
    let connections = bomb.drop_on(gateway.address());
    wait_for("all to be asked for", || (upstream.received().len() == 100 * CONNECTIONS).then_some(()));
    all_asked.open();
    let held = settled(|| resident(&gateway)).saturating_sub(before);
    assert!(held < CONNECTIONS as u64 * MOST, "{held} bytes");
    // Whoever reads after all gets all of it.
    let mut connection = connections.into_iter().next().expect("there are some");
    connection
        .wait_for("the end of a response", |frame| frame.kind == frames::DATA && frame.flags & frames::END_STREAM != 0);
}

/// The table has one field of some kilobytes, which is the head of every request: as browsers send their cookies.
#[test]
fn long_heads_of_few_bytes_wait_for_each_other() {
    let gateway = gateway_to("internal:echo", "timeout = \"60s\"");
    let path = "/delay/60s".to_owned();
    let bomb = Bomb { connections: 1, fields: 1, cookies: Some(3600), window: 65_535, path, ..Bomb::default() };
    let mut connection = bomb.drop_on(gateway.address()).remove(0);
    connection.write(frames::frame(frames::PING, 0, 0, b"all read")).expect("it is open");
    connection.wait_for("a PING", |frame| frame.kind == frames::PING);
    let served = settled(|| requests(&gateway));
    assert!((10.0..30.0).contains(&served), "{served} of 100");
    // Whoever is served makes room for another.
    connection.write(frames::reset(1, frames::CANCEL)).expect("it is open");
    wait_for("a line of the first", || gateway.access_log().first().cloned());
    wait_for("the next", || (requests(&gateway) == served).then_some(()));
}

/// Each line is one byte, and some kilobytes of the head: more than the table has.
fn repeating() -> Bomb {
    let path = "/delay/60s".to_owned();
    Bomb { fields: 15, cookies: Some(3600), window: 65_535, path, ..Bomb::default() }
}

#[test]
fn a_head_that_repeats_what_the_table_has_again_and_again_is_not_served() {
    const FORGIVEN: u32 = 8;
    let gateway = gateway_to("internal:echo", "timeout = \"60s\"");
    let bomb = Bomb { connections: 1, streams: FORGIVEN, ..repeating() };
    let mut connection = bomb.drop_on(gateway.address()).remove(0);
    for _ in 0..FORGIVEN {
        let frame = connection.wait_for("a reset", |frame| frame.stream > 0);
        assert_eq!((frame.kind, frame.code()), (frames::RST_STREAM, Some(ENHANCE_YOUR_CALM)), "{frame:?}");
    }
    // The connection itself serves on.
    connection.write(frames::request(1001, frames::GET)).expect("it is open");
    connection.wait_for("a response", |frame| frame.stream == 1001 && frame.flags & frames::END_STREAM != 0);
    // Whoever goes on is told to be calm. The cookie is the newest that the table has.
    let again = [frames::GET, &[0x80 | 62; 15]].concat();
    connection.write(frames::request(1003, &again)).expect("it is open");
    assert_eq!(connection.end(), End::GoAway(ENHANCE_YOUR_CALM));
}

/// What was held for some is there for the next.
#[test]
fn heads_that_repeat_what_the_table_has_hold_at_most_ten_bytes_for_each_that_was_sent() {
    let gateway = gateway_to("internal:echo", "timeout = \"60s\"");
    let bomb = Bomb { connections: 100, ..repeating() };
    Bomb { connections: 1, ..bomb.clone() }.drop_on(gateway.address())[0].end();
    let before = resident(&gateway);
    for _ in 0..3 {
        let mut connections = bomb.drop_on(gateway.address());
        let sent: u64 = connections.iter().map(Connection::sent).sum();
        for connection in &mut connections {
            assert_eq!(connection.end(), End::GoAway(ENHANCE_YOUR_CALM));
            let held = resident(&gateway).saturating_sub(before);
            assert!(held < 10 * sent, "{held} bytes for {sent}");
        }
        wait_for("all to be free", || (requests(&gateway) == 0.0).then_some(()));
    }
}

#[test]
fn long_cookies_that_were_sent_are_served_from_the_first_request_on() {
    let gateway = gateway_to("internal:echo", "");
    for length in [3_000, 30_000] {
        let cookie = http::HeaderValue::try_from(format!("a={}", "b".repeat(length))).expect("a value");
        let requests = std::iter::repeat_with(|| {
            let mut request = http2::get("http://x/");
            request.headers_mut().insert(http::header::COOKIE, cookie.clone());
            request
        });
        let answers = http2::send(gateway.address(), requests.take(50).collect());
        assert!(answers.iter().all(|answer| answer.status() == 200), "{length} bytes");
    }
}

#[test]
fn a_byte_now_and_then_keeps_no_response() {
    let limits = "limits = { write-timeout = \"2s\", min-rate = \"100kB\" }";
    let listener = format!("[[listener]]\naddress = \"127.0.0.1:0\"\n{limits}\n");
    let gateway = gateway(&(everything_to("internal:echo", "") + &listener));
    let bomb = Bomb { connections: 1, streams: 8, path: "/bytes/1mb".to_owned(), ..Bomb::default() };
    let mut connections = bomb.drop_on(gateway.address());
    wait_for("all to be given up", || {
        bomb.trickle(&mut connections);
        (gateway.metric("tollgate_http2_stalled_total") == 8.0).then_some(())
    });
    wait_for("their lines", || (logged(&gateway, "client-write-timeout") == 8).then_some(()));
    wait_for("all to be free", || (requests(&gateway) == 0.0).then_some(()));
}

#[test]
fn bodies_that_many_requests_promise_and_do_not_send_are_not_waited_for() {
    let gateway = gateway_to("internal:echo", "timeout = \"60s\"");
    let bomb = Bomb { connections: 1, streams: 20, fields: 10, window: 65_535, without_end: true, ..Bomb::default() };
    let connections = bomb.drop_on(gateway.address());
    wait_for("all to be given up", || (gateway.metric("tollgate_http2_stalled_total") == 20.0).then_some(()));
    wait_for("their lines", || (logged(&gateway, "request-body-timeout") == 20).then_some(()));
    // Nobody hears of a status; it is that of the same over HTTP/1, and the log gives the same reason.
    assert!(gateway.access_log().iter().all(|line| line["status"] == 408), "{}", gateway.stdout());
    assert_eq!(gateway.wait_for_log("has no complete body")["reason"], "request-body-timeout");
    drop(connections);
}
