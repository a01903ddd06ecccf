//! Requests that are small on the wire and large in memory, by clients that take nothing of the responses: they are
//! refused or given up, and what they held is free again.

use std::fs;

use tests::attacks::Bomb;
use tests::frames::{self, Connection, ENHANCE_YOUR_CALM, End};
use tests::{Gateway, http2, wait_for};

use crate::{everything_to, gateway, gateway_to};

/// Bytes of memory that the gateway has.
fn resident(gateway: &Gateway) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.process_id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    1024 * line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
}

fn requests(gateway: &Gateway) -> f64 {
    gateway.metric("tollgate_requests")
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

/// Lines that the table has, each of some kilobytes: no request of them is refused, and few are served at once.
#[test]
fn long_heads_of_few_bytes_wait_for_each_other() {
    let gateway = gateway_to("internal:echo", "timeout = \"60s\"");
    let path = "/delay/60s".to_owned();
    let shape = Bomb { fields: 15, cookies: Some(3600), window: 65_535, path, ..Bomb::default() };
    Bomb { connections: 1, ..shape.clone() }.drop_on(gateway.address());
    wait_for("the first to be gone", || (requests(&gateway) == 0.0).then_some(()));
    let before = resident(&gateway);
    let connections = Bomb { connections: 20, ..shape }.drop_on(gateway.address());
    wait_for("two of each", || (requests(&gateway) == 40.0).then_some(()));
    let held = resident(&gateway).saturating_sub(before);
    assert!(held < 40 * 1024 * 1024, "{held} bytes");
    drop(connections);
    wait_for("all to be free", || (requests(&gateway) == 0.0).then_some(()));
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
    wait_for("all to be free", || (requests(&gateway) == 0.0).then_some(()));
}

#[test]
fn bodies_that_many_requests_promise_and_do_not_send_are_not_waited_for() {
    let gateway = gateway_to("internal:echo", "timeout = \"60s\"");
    let bomb = Bomb { connections: 1, streams: 20, fields: 10, window: 65_535, without_end: true, ..Bomb::default() };
    let connections = bomb.drop_on(gateway.address());
    wait_for("all to be given up", || (gateway.metric("tollgate_http2_stalled_total") == 20.0).then_some(()));
    drop(connections);
}
