use super::settings::INITIAL_WINDOW_SIZE;
use super::*;
use crate::listener::http2::frames::{PADDED, PRIORITY};

const LIMITS: Limits = Limits {
    streams: 100,
    lines: 100,
    header_timeout: Duration::from_secs(10),
    timeouts: Timeouts { rate: 100, write: Duration::from_secs(30), body: Duration::from_secs(30) },
};

/// `:method`, `:scheme` and `:path` of a GET, indexed.
const GET: &[u8] = b"\x82\x86\x84";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = u32::try_from(payload.len()).expect("it is short").to_be_bytes();
    let mut frame = vec![high, middle, low, kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn headers(stream: u32, block: &[u8]) -> Vec<u8> {
    frame(1, END_STREAM | END_HEADERS, stream, block)
}

fn initial_window(window: u32) -> Vec<u8> {
    frame(4, 0, 0, &[&INITIAL_WINDOW_SIZE[..], &window.to_be_bytes()].concat())
}

struct Client {
    watch: Watch,
    now: Instant,
}

impl Client {
    fn new() -> Self {
        let now = Instant::now();
        let mut watch = Watch::new(LIMITS, now);
        assert_eq!(watch.received(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", now), Ok(PREFACE));
        Self { watch, now }
    }

    /// All of it, in as many turns as it takes.
    fn says(&mut self, bytes: &[u8]) -> Result<(), Breach> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = self.watch.received(rest, self.now)?;
            assert!(taken > 0);
            rest = &rest[taken..];
        }
        Ok(())
    }

    fn hears(&mut self, bytes: &[u8]) -> Result<(), Breach> {
        self.watch.sent(bytes, self.now)
    }

    /// How many of these frames it takes until it is closed, if that is before a hundred thousand.
    fn flood(&mut self, frame: &[u8]) -> Option<usize> {
        (0..100_000).find(|_| self.says(frame).is_err())
    }
}

#[test]
fn a_flood_of_any_frame_that_asks_for_nothing_is_a_breach() {
    let window = 100_u32.to_be_bytes();
    for (kind, payload) in [(2, &[0, 0, 0, 3, 1][..]), (4, &[]), (6, &[0; 8]), (8, &window), (0, &[]), (0x42, b"what")]
    {
        let flooded = Client::new().flood(&frame(kind, 0, 1, payload));
        assert_eq!(flooded, Some(1000), "frames of the type {kind}");
    }
    assert_eq!(Client::new().flood(&frame(7, 0, 0, &[0; 8])), Some(1000), "goodbyes");
    assert_eq!(Client::new().flood(&frame(3, 0, 1, &[0, 0, 0, 8])), Some(200), "resets");
}

#[test]
fn it_is_told_where_a_client_says_goodbye() {
    let mut client = Client::new();
    let goodbye = frame(7, 0, 0, &[0; 8]);
    let pinged = [frame(6, 0, 0, &[1; 8]), goodbye.clone(), goodbye.clone()].concat();
    assert_eq!(client.watch.received(&pinged, client.now), Ok(34), "the second comes in a turn of its own");
    let at = client.watch.farewell().expect("it said goodbye");
    assert_eq!((at, pinged[at]), (20, 7));
    assert_eq!(client.watch.received(&goodbye[..9], client.now), Ok(9));
    assert_eq!(client.watch.farewell(), Some(3));
    assert_eq!(client.watch.received(&goodbye[9..], client.now), Ok(8));
    assert_eq!(client.watch.farewell(), None);
    // The type has gone on already.
    assert_eq!(client.watch.received(&goodbye[..4], client.now), Ok(4));
    assert_eq!(client.watch.received(&goodbye[4..], client.now), Ok(13));
    assert_eq!(client.watch.farewell(), None);
    assert_eq!(client.says(&frame(7, 0, 1, &[0; 8])), Err(Breach::Frame));
    assert_eq!(Client::new().says(&frame(7, 0, 0, &[0; 7])), Err(Breach::Size));
}

#[test]
fn requests_and_bodies_are_no_flood() {
    let mut client = Client::new();
    for at in 0..10_000 {
        client.says(&headers(2 * at + 1, GET)).expect("a request");
        client.hears(&headers(2 * at + 1, b"\x88")).expect("its response");
    }
    assert_eq!(client.flood(&frame(0, 0, 99_999, b"x")), None);
}

#[test]
fn a_download_pays_for_the_updates_of_its_windows_and_a_ping_each() {
    let mut client = Client::new();
    client.says(&headers(1, GET)).expect("a request");
    for _ in 0..10_000 {
        client.hears(&frame(0, 0, 1, b"x")).expect("a piece");
        for stream in [0, 1] {
            client.says(&frame(8, 0, stream, &[0, 0, 0, 1])).expect("an update");
        }
        client.says(&frame(6, 0, 0, &[0; 8])).expect("a ping");
    }
}

#[test]
fn resets_are_paid_with_requests_that_were_not_reset() {
    let mut client = Client::new();
    for at in 0..10_000 {
        let number = 4 * at + 1;
        client.says(&headers(number, GET)).expect("a request");
        client.hears(&headers(number, b"\x88")).expect("its response");
        client.says(&headers(number + 2, GET)).expect("a request");
        client.says(&frame(3, 0, number + 2, &[0, 0, 0, 8])).expect("one reset for each response");
    }
}

#[test]
fn resets_that_the_client_provokes_are_its_own() {
    let reset = |code| frame(3, 0, 1, &[0, 0, 0, code]);
    let provoked = |code| {
        let mut client = Client::new();
        (0..1000).find(|_| client.hears(&reset(code)).is_err())
    };
    assert_eq!(provoked(1), Some(200), "PROTOCOL_ERROR");
    assert_eq!(provoked(7), Some(200), "REFUSED_STREAM");
    assert_eq!(provoked(2), None, "INTERNAL_ERROR");
}

#[test]
fn a_block_has_no_more_lines_than_cookies_can_make() {
    let block = |lines: usize| headers(1, &[0x82].repeat(lines));
    assert_eq!(Client::new().says(&block(612)), Ok(()));
    assert_eq!(Client::new().says(&block(613)), Err(Breach::Lines));
    let begun = frame(1, 0, 1, &[0x82; 400]);
    let more = frame(9, 0, 1, &[0x82; 400]);
    assert_eq!(Client::new().says(&[begun, more].concat()), Err(Breach::Lines));
}

#[test]
fn padding_and_priority_are_no_lines() {
    let payload = [&[200][..], &[0; 5], &[0x82; 10], &[0x82; 200]].concat();
    let frame = frame(1, END_STREAM | END_HEADERS | PADDED | PRIORITY, 1, &payload);
    for at in 1..frame.len() {
        let mut client = Client::new();
        client.says(&frame[..at]).expect("a part");
        client.says(&frame[at..]).expect("the rest");
        assert_eq!(client.watch.lines, 10, "cut at {at}");
    }
}

#[test]
fn others_get_a_turn_between_requests_with_many_lines() {
    let mut client = Client::new();
    let requests: Vec<u8> = (0..14).flat_map(|at| headers(2 * at + 1, &[0x82; 40])).collect();
    assert_eq!(client.watch.received(&requests, client.now), Ok(7 * 49));
    assert_eq!(client.watch.received(&requests[7 * 49..], client.now), Ok(7 * 49));
}

#[test]
fn a_request_that_may_be_refused_comes_alone() {
    let mut client = Client::new();
    client.says(&initial_window(0)).expect("a setting");
    let requests: Vec<u8> = (0..9).flat_map(|at| headers(2 * at + 1, GET)).collect();
    let one = requests.len() / 9;
    for at in 0..9 {
        assert_eq!(client.watch.received(&requests[at * one..], client.now), Ok(one));
        assert_eq!(client.watch.refuses(), at == 8);
    }
    let mut client = Client::new();
    let requests = [headers(1, &[0x82; 100]), headers(3, GET), headers(5, GET)].concat();
    assert_eq!(client.watch.received(&requests, client.now), Ok(109));
    assert_eq!(client.watch.received(&requests[109..], client.now), Ok(12));
}

#[test]
fn many_requests_with_unusually_many_lines_are_refused_until_they_are_paid_for() {
    let mut client = Client::new();
    let refused: Vec<u32> = (0..100)
        .filter(|at| {
            client.says(&headers(2 * at + 1, &[0x82; 100])).expect("no breach");
            client.watch.refuses()
        })
        .collect();
    let served = 100 - refused.len();
    assert!((10..30).contains(&served), "{served} of 100 are served");
    let mut client = Client::new();
    for at in 0..100 {
        client.says(&headers(2 * at + 1, &[0x82; USUAL_LINES as usize])).expect("no breach");
        assert!(!client.watch.refuses(), "{at}");
    }
}

#[test]
fn a_client_that_lets_no_response_begin_has_few_of_them() {
    let mut client = Client::new();
    client.says(&initial_window(0)).expect("a setting");
    for at in 0..40 {
        client.says(&headers(2 * at + 1, GET)).expect("no breach");
        assert_eq!(client.watch.refuses(), at >= 8, "{at}");
    }
    assert_eq!(client.says(&headers(99, GET)), Err(Breach::Tiny));
    let mut client = Client::new();
    let requests: Vec<u8> = (0..9).flat_map(|at| headers(2 * at + 1, GET)).collect();
    client.says(&requests).expect("no breach");
    assert_eq!(client.says(&initial_window(0)), Err(Breach::Tiny));
}

#[test]
fn frames_that_are_wrong_in_themselves_are_called_what_they_are() {
    let get = headers(1, GET);
    for (frames, breach) in [
        (frame(2, 0, 1, &[0; 4]), Breach::Size),
        (frame(3, 0, 1, &[0; 3]), Breach::Size),
        (frame(4, 0, 0, &[0; 5]), Breach::Size),
        (frame(4, 1, 0, &[0; 6]), Breach::Size),
        (frame(6, 0, 0, &[0; 7]), Breach::Size),
        (frame(8, 0, 0, &[0; 5]), Breach::Size),
        (initial_window(0x8000_0000), Breach::Window),
        (frame(5, 4, 1, &[0; 8]), Breach::Frame),
        (headers(1, b"\x40"), Breach::Block),
        ([&get[..], &get].concat(), Breach::Ended),
        ([&get[..], &frame(0, 0, 1, b"x")].concat(), Breach::Ended),
        ([frame(1, END_HEADERS, 1, GET), headers(1, b"\x84")].concat(), Breach::Trailers),
        ([&frame(1, END_HEADERS, 1, GET)[..], &frame(3, 0, 1, &[0; 4]), &get].concat(), Breach::Ended),
    ] {
        assert_eq!(Client::new().says(&frames), Err(breach), "{frames:?}");
    }
    let trailers = [frame(1, END_HEADERS, 1, GET), frame(0, 0, 1, b"x"), headers(1, b"\x00\x01a\x01b")].concat();
    assert_eq!(Client::new().says(&trailers), Ok(()));
}

#[test]
fn who_goes_on_with_what_the_server_closed_is_not_to_blame() {
    let mut client = Client::new();
    client.says(&frame(1, END_HEADERS, 1, GET)).expect("the head of a request");
    client.hears(&headers(1, b"\x88")).expect("an early response");
    assert_eq!(client.says(&[frame(0, 0, 1, b"x"), headers(1, b"\x00\x01a\x01b")].concat()), Ok(()));
}

#[test]
fn a_block_that_does_not_end_is_late() {
    let mut client = Client::new();
    client.says(&frame(1, 0, 1, GET)).expect("a part");
    let mut stalled = Vec::new();
    assert_eq!(client.watch.look(false, client.now + Duration::from_secs(9), &mut stalled), Ok(()));
    assert_eq!(client.watch.look(false, client.now + Duration::from_secs(10), &mut stalled), Err(Breach::Late));
}

#[test]
fn whoever_says_be_calm_is_heard() {
    let mut client = Client::new();
    client.hears(&super::super::frames::go_away(1, 1)).expect("no breach");
    assert!(!client.watch.calmed());
    client.hears(&super::super::frames::go_away(1, CALM)).expect("no breach");
    assert!(client.watch.calmed());
}

/// A small generator: the bytes are the same in each run.
fn noise(seed: u64) -> impl Iterator<Item = u8> {
    std::iter::successors(Some(seed | 1), |state| {
        let state = state ^ (state << 13);
        let state = state ^ (state >> 7);
        Some(state ^ (state << 17))
    })
    .map(|state| (state >> 32) as u8)
}

#[test]
fn whatever_comes_is_the_same_however_it_is_cut() {
    for seed in 1..200 {
        let mut random = noise(seed * 0x9e37_79b9);
        let mut bytes = Vec::new();
        for _ in 0..60 {
            let length = random.next().expect("it is endless") % 40;
            let payload: Vec<u8> = random.by_ref().take(length.into()).collect();
            let (kind, flags) = (random.next().expect("endless") % 11, random.next().expect("endless"));
            bytes.extend(frame(kind, flags, u32::from(random.next().expect("endless") % 16), &payload));
        }
        let (mut whole, mut cut) = (Client::new(), Client::new());
        let end = whole.says(&bytes);
        let ends =
            bytes.chunks(usize::from(random.next().expect("endless")) % 7 + 1).try_for_each(|bytes| cut.says(bytes));
        assert_eq!(end, ends, "seed {seed}");
        let seen = |client: &Client| (client.watch.streams.len(), client.watch.highest(), client.watch.streams.lines());
        assert_eq!(seen(&whole), seen(&cut), "seed {seed}");
        let _ = whole.hears(&bytes);
    }
}

#[test]
fn nothing_is_put_between_the_frames_of_a_header_block() {
    let mut client = Client::new();
    client.says(&headers(1, GET)).expect("a request");
    client.hears(&frame(1, 0, 1, b"\x88")).expect("the first part of a head");
    assert!(!client.watch.says_a_frame());
    client.hears(&frame(9, END_HEADERS, 1, b"")).expect("its last part");
    assert!(client.watch.says_a_frame());
}

#[test]
fn a_client_is_invited_that_sent_nothing_of_a_body_and_got_nothing_of_a_response() {
    let mut client = Client::new();
    for stream in [1, 3, 5, 7] {
        client.says(&frame(1, END_HEADERS, stream, GET)).expect("a request with a body");
    }
    client.says(&headers(9, GET)).expect("a request without one");
    client.says(&frame(0, 0, 3, b"body")).expect("a part of a body");
    client.hears(&frame(1, END_HEADERS, 5, b"\x88")).expect("the head of a response");
    client.says(&frame(3, 0, 7, &[0, 0, 0, 8])).expect("a reset");
    let invited = |client: &Client| [1, 3, 5, 7, 9, 11].map(|stream| client.watch.may_invite(stream));
    assert_eq!(invited(&client), [true, false, false, false, false, false]);
    client.says(&frame(4, 0, 0, &[0, 1, 0, 0, 16, 0])).expect("the size that the table has");
    assert!(client.watch.may_invite(1));
    client.says(&frame(4, 0, 0, &[0, 1, 0, 0, 15, 255])).expect("a smaller table");
    assert!(!client.watch.may_invite(1));
}
