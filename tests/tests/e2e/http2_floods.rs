//! Floods of HTTP/2 frames: who sends them is left, and nobody else notices.

use std::thread;

use tests::attacks::Flood;
use tests::frames::{self, Connection, ENHANCE_YOUR_CALM, End};
use tests::{Gateway, http2};

use crate::gateway_to;

/// Sends so many frames, in which the gateway has to find that it is enough.
const MOST: u32 = 20_000;

fn floods(gateway: &Gateway) -> f64 {
    gateway.metric("tollgate_http2_floods_total")
}

#[test]
fn whoever_floods_is_told_to_be_calm_and_left_while_others_are_served() {
    let gateway = gateway_to("internal:echo", "");
    for (count, flood) in Flood::ALL.into_iter().enumerate() {
        let address = gateway.address();
        let attacker = thread::spawn(move || flood.run(address, MOST));
        let answers = http2::send(address, (0..20).map(|_| http2::get("http://x/")).collect());
        assert!(answers.iter().all(|answer| answer.status() == 200));
        let flooded = attacker.join().expect("it is closed");
        assert_eq!(flooded.end, End::GoAway(ENHANCE_YOUR_CALM), "{}: {flooded:?}", flood.name());
        assert!(flooded.received < 2 * flooded.sent + 1000, "{}: {flooded:?}", flood.name());
        tests::wait_for("the flood to be counted", || (floods(&gateway) == (count + 1) as f64).then_some(()));
    }
    let line = gateway.wait_for_log("its connection is closed");
    assert_eq!((&line["level"], &line["reason"]), (&"info".into(), &"http2".into()), "{line}");
}

#[test]
fn a_client_that_cancels_what_it_asked_for_now_and_then_is_served() {
    let gateway = gateway_to("internal:echo", "");
    let mut connection = Connection::open(gateway.address(), &[]);
    for at in 0..1000 {
        let stream = 4 * at + 1;
        connection.write(frames::request(stream, frames::GET)).expect("it is open");
        connection.write(frames::request(stream + 2, frames::GET)).expect("it is open");
        connection.write(frames::reset(stream + 2, frames::CANCEL)).expect("it is open");
        connection.write(frames::window_update(0, 1000)).expect("it is open");
        let is_end = |frame: &frames::Frame| frame.stream == stream && frame.flags & frames::END_STREAM != 0;
        connection.wait_for("the end of a response", is_end);
    }
    assert_eq!(floods(&gateway), 0.0);
}

/// As clients do that measure the round trip for their windows.
#[test]
fn a_download_through_tiny_windows_with_pings_is_no_flood() {
    const SIZE: usize = 2_000_000;
    const WINDOW: usize = 1024;
    let gateway = gateway_to("internal:echo", "");
    let window = u32::try_from(WINDOW).expect("it is small");
    let mut connection = Connection::open(gateway.address(), &[(frames::INITIAL_WINDOW_SIZE, window)]);
    let target = format!("/bytes/{SIZE}b");
    let block =
        [&b"\x82\x86\x01\x01x\x04"[..], &[u8::try_from(target.len()).expect("short")], target.as_bytes()].concat();
    connection.write(frames::request(1, &block)).expect("it is open");
    let (mut received, mut ended) = (0, false);
    while !ended {
        let frame = connection.wait_for("data", |frame| frame.kind == frames::DATA);
        received += frame.payload.len();
        ended = frame.flags & frames::END_STREAM != 0;
        let more = u32::try_from(frame.payload.len()).expect("frames are short");
        if more > 0 && !ended {
            for stream in [0, 1] {
                connection.write(frames::window_update(stream, more)).expect("it is open");
            }
            connection.write(frames::frame(frames::PING, 0, 0, &[0; 8])).expect("it is open");
        }
    }
    assert_eq!((received, floods(&gateway)), (SIZE, 0.0));
}

#[test]
fn many_requests_on_one_connection_are_no_flood() {
    let gateway = gateway_to("internal:echo", "");
    for _ in 0..20 {
        let answers = http2::send(gateway.address(), (0..500).map(|_| http2::get("http://x/")).collect());
        assert!(answers.iter().all(|answer| answer.status() == 200));
    }
    assert_eq!(floods(&gateway), 0.0);
}
