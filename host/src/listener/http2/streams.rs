//! The open streams of one connection: how much of the responses the client takes, and how much it sends of bodies.
//!
//! hyper does not tell what waits for whom, so all flow-control windows are counted here (RFC 9113, section 5.2).
//! Pure: time comes in. What is wrong with a frame is for h2 to say.

use std::time::{Duration, Instant};

/// RFC 9113, section 6.9.2.
const INITIAL_WINDOW: i64 = 65_535;
/// What the gateway lets each stream send at first.
pub const ROOM: u32 = 1024 * 1024;
/// A client that asks for a response and does not take its first bytes is not slow: it never meant to.
const FIRST_BYTES: u64 = 4 * 1024;
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// Closed streams that are remembered. One on which a client says more is an error of its own, if it was the client who
/// ended it; others may be closed without the client knowing.
const REMEMBERED: usize = 16;
/// When the client is waited for on more streams than these, it has a part of the time only: of a minute for writing, and
/// of half a minute for bodies, it is the same.
const MANY: usize = 8;
const MANY_WRITE: u32 = 8;
const MANY_BODY: u32 = 4;

/// All that is known of a connection's streams.
#[derive(Debug)]
pub struct Streams {
    /// By number, in which they grow.
    open: Vec<Stream>,
    /// The highest number that the client used.
    highest: u32,
    /// Streams that are closed and were ended by the client, the last ones, in no order.
    ended: [u32; REMEMBERED],
    /// Unusual field lines of the requests that are open.
    lines: usize,
    /// What the client lets each new stream send.
    initial_window: i64,
    /// What it lets all of them send together.
    window: i64,
    /// Bytes of DATA that went out.
    taken: u64,
    wait: Wait,
    /// What the gateway lets all of them send together.
    room: i64,
}

#[derive(Debug)]
struct Stream {
    number: u32,
    /// Unusual ones of its request.
    lines: u32,
    /// The client has said all.
    ended: bool,
    /// The head of the response went out, and not yet its end.
    answering: bool,
    window: i64,
    taken: u64,
    wait: Wait,
    /// The same of the request's body.
    room: i64,
    sent: u64,
    body: Wait,
}

/// How long the client may be waited for: who moves less than the rate in that time is given up.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Bytes a second. Whatever it is, something has to move.
    pub rate: u64,
    /// To take something of a response.
    pub write: Duration,
    /// To send something of a body, of a request that has no response yet.
    pub body: Duration,
}

/// A stream that is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stalled {
    pub number: u32,
    /// The request's body did not come; else the response was not taken.
    pub of_body: bool,
}

/// Since when the client is waited for, and what had moved by then.
#[derive(Debug, Default)]
struct Wait(Option<(Instant, u64)>);

impl Wait {
    /// Whether it is over: answered at each look, so that a client cannot tell when it is looked at.
    fn is_over(&mut self, waits: bool, moved: u64, (timeout, rate): (Duration, u64), now: Instant) -> bool {
        let least = u128::from(rate) * timeout.as_millis() / 1000;
        match self.0 {
            Some((since, before)) if waits && u128::from(moved - before) < least.max(1) => since + timeout <= now,
            _ => {
                self.0 = waits.then_some((now, moved));
                false
            }
        }
    }
}

impl Streams {
    pub fn new() -> Self {
        Self {
            open: Vec::new(),
            highest: 0,
            ended: [0; REMEMBERED],
            lines: 0,
            initial_window: INITIAL_WINDOW,
            window: INITIAL_WINDOW,
            taken: 0,
            wait: Wait::default(),
            room: INITIAL_WINDOW,
        }
    }

    pub fn len(&self) -> usize {
        self.open.len()
    }

    pub fn highest(&self) -> u32 {
        self.highest
    }

    /// Unusual field lines of the requests that are open.
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// What the client lets a new stream send.
    pub fn initial_window(&self) -> i64 {
        self.initial_window
    }

    /// The client opened a stream, if it is a new one.
    pub fn opened(&mut self, number: u32, lines: u32, ended: bool) {
        if number <= self.highest {
            return;
        }
        self.highest = number;
        self.lines += lines as usize;
        self.open.push(Stream {
            number,
            lines,
            ended,
            answering: false,
            window: self.initial_window,
            taken: 0,
            wait: Wait::default(),
            room: i64::from(ROOM),
            sent: 0,
            body: Wait::default(),
        });
    }

    /// Whether the client has sent nothing of its body, and nothing of its response went out.
    pub fn is_silent(&self, number: u32) -> bool {
        self.find(number).map(|at| &self.open[at]).is_ok_and(|it| !it.ended && !it.answering && it.sent == 0)
    }

    /// The client has said all on it.
    pub fn ended(&mut self, number: u32) {
        if let Ok(at) = self.find(number) {
            self.open[at].ended = true;
        }
    }

    /// Whether the client itself has said before that it says no more on it.
    pub fn is_ended(&self, number: u32) -> bool {
        match self.find(number) {
            Ok(at) => self.open[at].ended,
            Err(_) => number > 0 && self.ended.contains(&number),
        }
    }

    /// One side reset it, or the response is sent.
    pub fn closed(&mut self, number: u32) {
        if let Ok(at) = self.find(number) {
            let stream = self.open.remove(at);
            self.lines -= stream.lines as usize;
            if stream.ended {
                self.ended[(number / 2) as usize % REMEMBERED] = number;
            }
        }
    }

    /// The client granted more.
    pub fn granted(&mut self, number: u32, more: u32) {
        if number == 0 {
            self.window += i64::from(more);
        } else if let Ok(at) = self.find(number) {
            self.open[at].window += i64::from(more);
        }
    }

    /// The client sent DATA.
    pub fn received(&mut self, number: u32, length: u32) {
        self.room -= i64::from(length);
        if let Ok(at) = self.find(number) {
            let stream = &mut self.open[at];
            stream.room -= i64::from(length);
            stream.sent += u64::from(length);
        }
    }

    /// The gateway granted more.
    pub fn made_room(&mut self, number: u32, more: u32) {
        if number == 0 {
            self.room += i64::from(more);
        } else if let Ok(at) = self.find(number) {
            self.open[at].room += i64::from(more);
        }
    }

    /// The client said what each stream may send: also those that are open.
    pub fn set_initial_window(&mut self, window: u32) {
        let change = i64::from(window) - self.initial_window;
        self.initial_window += change;
        self.open.iter_mut().for_each(|stream| stream.window += change);
    }

    /// The head of a response went out.
    pub fn answered(&mut self, number: u32) {
        if let Ok(at) = self.find(number) {
            self.open[at].answering = true;
        }
    }

    /// DATA went out.
    pub fn sent(&mut self, number: u32, length: u32) {
        self.window -= i64::from(length);
        self.taken += u64::from(length);
        if let Ok(at) = self.find(number) {
            let stream = &mut self.open[at];
            stream.window -= i64::from(length);
            stream.taken += u64::from(length);
        }
    }

    /// Looks who waits for the client in vain: puts the streams into `stalled`, and answers whether it is all of the
    /// connection. `blocked` says that the connection itself takes no bytes.
    pub fn look(&mut self, blocked: bool, timeouts: Timeouts, now: Instant, stalled: &mut Vec<Stalled>) -> bool {
        let (shut, full) = (blocked || self.window <= 0, self.room <= 0);
        let takes_none = |stream: &Stream| stream.answering && (shut || stream.window <= 0);
        let sends_none = |stream: &Stream| !stream.ended && !stream.answering && !full && stream.room > 0;
        let several = |waits: &dyn Fn(&Stream) -> bool| self.open.iter().filter(|stream| waits(stream)).count() > MANY;
        let write = timeouts.write / if several(&takes_none) { MANY_WRITE } else { 1 };
        let body = timeouts.body / if several(&sends_none) { MANY_BODY } else { 1 };
        let rate = timeouts.rate;
        for stream in &mut self.open {
            let write = if stream.taken < FIRST_BYTES { write.min(FIRST_WAIT) } else { write };
            let takes_none = stream.answering && stream.window <= 0;
            let sends_none = sends_none(stream);
            let is_taken = !stream.wait.is_over(takes_none, stream.taken, (write, rate), now);
            let is_sent = !stream.body.is_over(sends_none, stream.sent, (body, rate), now);
            if !is_taken || !is_sent {
                stalled.push(Stalled { number: stream.number, of_body: is_taken });
            }
        }
        let waits = blocked || shut && self.open.iter().any(|stream| stream.answering);
        self.wait.is_over(waits, self.taken, (write, rate), now)
    }

    fn find(&self, number: u32) -> Result<usize, usize> {
        self.open.binary_search_by_key(&number, |stream| stream.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUTS: Timeouts = Timeouts { rate: 100, write: Duration::from_secs(30), body: Duration::from_secs(20) };
    /// More than has to move in any time.
    const PROGRESS: u64 = 5000;

    struct Watched {
        streams: Streams,
        now: Instant,
    }

    impl Watched {
        /// Each asked for and answered.
        fn new(window: u32, numbers: &[u32]) -> Self {
            let mut streams = Streams::new();
            streams.set_initial_window(window);
            for number in numbers {
                streams.opened(*number, 4, true);
                streams.answered(*number);
            }
            Self { streams, now: Instant::now() }
        }

        /// Who is given up within that many seconds, looked at each second.
        fn stalled(&mut self, seconds: u64) -> (Vec<u32>, bool) {
            let (mut stalled, mut all) = (Vec::new(), false);
            for _ in 0..seconds {
                all |= self.streams.look(false, TIMEOUTS, self.now, &mut stalled);
                stalled.iter().for_each(|stalled| self.streams.closed(stalled.number));
                self.now += Duration::from_secs(1);
            }
            (stalled.iter().map(|stalled| stalled.number).collect(), all)
        }
    }

    #[test]
    fn a_response_of_which_nothing_may_be_sent_is_given_up_after_five_seconds() {
        let mut watched = Watched::new(0, &[1, 3]);
        assert_eq!(watched.stalled(5), (vec![], false));
        watched.streams.granted(3, 5000);
        assert_eq!(watched.stalled(2), (vec![1], false));
        assert_eq!((watched.streams.len(), watched.streams.lines()), (1, 4));
    }

    #[test]
    fn bytes_that_trickle_are_no_progress_and_a_slow_reader_is() {
        let mut watched = Watched::new(PROGRESS as u32, &[1, 3]);
        for number in [1, 3] {
            watched.streams.sent(number, PROGRESS as u32);
        }
        for second in 0..60 {
            watched.streams.granted(1, 1);
            watched.streams.sent(1, 1);
            if second % 10 == 0 {
                watched.streams.granted(3, PROGRESS as u32);
                watched.streams.sent(3, PROGRESS as u32);
            }
            let (stalled, all) = watched.stalled(1);
            assert!(!all && !stalled.contains(&3), "{second}");
        }
        assert_eq!(watched.streams.len(), 1);
    }

    #[test]
    fn who_waits_for_the_upstream_waits_for_nobody_here() {
        let mut watched = Watched::new(10_000, &[1]);
        watched.streams.opened(3, 4, true);
        watched.streams.sent(1, 5000);
        assert_eq!(watched.stalled(600), (vec![], false));
    }

    #[test]
    fn a_connection_whose_window_is_shut_is_given_up_with_all_that_wait() {
        let mut watched = Watched::new(INITIAL_WINDOW as u32 + 1, &[1]);
        watched.streams.sent(1, INITIAL_WINDOW as u32);
        assert_eq!(watched.stalled(30), (vec![], false));
        assert_eq!(watched.stalled(2), (vec![], true));
        let many: Vec<u32> = (0..=MANY as u32).map(|at| 2 * at + 1).collect();
        let mut watched = Watched::new(INITIAL_WINDOW as u32 + 1, &many);
        watched.streams.sent(1, INITIAL_WINDOW as u32);
        assert_eq!(watched.stalled(10), (vec![], true));
    }

    #[test]
    fn a_body_that_does_not_come_is_given_up_and_one_that_may_not_come_is_not() {
        let mut watched = Watched::new(10_000, &[]);
        for number in [1, 3, 5, 7] {
            watched.streams.opened(number, 4, false);
        }
        watched.streams.answered(3);
        watched.streams.received(5, ROOM);
        watched.streams.made_room(0, ROOM);
        for second in 0..60 {
            if second % 10 == 0 {
                watched.streams.received(7, PROGRESS as u32);
            }
            let expected = if second == 20 { vec![1] } else { vec![] };
            assert_eq!(watched.stalled(1), (expected, false), "{second}");
        }
        watched.streams.made_room(5, 1);
        assert_eq!(watched.stalled(9), (vec![], false));
        for number in (9..40).step_by(2) {
            watched.streams.opened(number, 4, false);
        }
        assert_eq!(watched.stalled(7).0.len(), 18, "many have a part of the time");
    }

    #[test]
    fn who_ended_a_stream_is_remembered_for_some_time() {
        let mut streams = Streams::new();
        for number in [1, 3, 5] {
            streams.opened(number, 4, number != 3);
            assert_eq!(streams.is_ended(number), number != 3);
            streams.closed(number);
        }
        assert!(streams.is_ended(1) && !streams.is_ended(3) && streams.is_ended(5) && !streams.is_ended(7));
        streams.opened(33, 4, true);
        streams.closed(33);
        assert!(!streams.is_ended(1) && streams.is_ended(33));
    }

    #[test]
    fn a_smaller_initial_window_is_one_of_open_streams_too() {
        let mut watched = Watched::new(100, &[1]);
        watched.streams.set_initial_window(0);
        assert_eq!(watched.stalled(7).0, [1]);
    }
}
