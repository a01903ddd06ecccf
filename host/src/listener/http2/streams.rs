//! The open streams of one connection, and how much of the responses the client takes.
//!
//! hyper does not tell what waits for whom, so both flow-control windows are counted here (RFC 9113, section 5.2).
//! Pure: time comes in. What is wrong with a frame is for h2 to say.

use std::time::{Duration, Instant};

/// RFC 9113, section 6.9.2.
const INITIAL_WINDOW: i64 = 65_535;
/// Who takes this much goes on; who waits and takes less in the time that the listener grants is given up.
const PROGRESS: u64 = 4 * 1024;
/// A client that asks for a response and does not take its first bytes is not slow: it never meant to.
const FIRST_BYTES: Duration = Duration::from_secs(5);
/// Closed streams that are remembered. One on which a client says more is an error of its own, if it was the client who
/// ended it; others may be closed without the client knowing.
const REMEMBERED: usize = 16;
/// When more responses than these wait together, the client has a part of the time only.
const MANY: usize = 8;
const MANY_PART: u32 = 4;

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
}

/// Since when the client is waited for, and what it had taken by then.
#[derive(Debug, Default)]
struct Wait(Option<(Instant, u64)>);

impl Wait {
    /// Whether it is over: answered at each look, so that a client cannot tell when it is looked at.
    fn is_over(&mut self, waits: bool, taken: u64, timeout: Duration, now: Instant) -> bool {
        match self.0 {
            Some((since, before)) if waits && taken - before < PROGRESS => since + timeout <= now,
            _ => {
                self.0 = waits.then_some((now, taken));
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
        let window = self.initial_window;
        self.open.push(Stream { number, lines, ended, answering: false, window, taken: 0, wait: Wait::default() });
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
    pub fn look(&mut self, blocked: bool, timeout: Duration, now: Instant, stalled: &mut Vec<u32>) -> bool {
        let shut = blocked || self.window <= 0;
        let waits = |stream: &Stream| stream.answering && (shut || stream.window <= 0);
        let many = self.open.iter().filter(|stream| waits(stream)).count() > MANY;
        let timeout = if many { timeout / MANY_PART } else { timeout };
        for stream in &mut self.open {
            let timeout = if stream.taken < PROGRESS { timeout.min(FIRST_BYTES) } else { timeout };
            let waits = stream.answering && stream.window <= 0;
            if stream.wait.is_over(waits, stream.taken, timeout, now) {
                stalled.push(stream.number);
            }
        }
        let waits = blocked || shut && self.open.iter().any(|stream| stream.answering);
        self.wait.is_over(waits, self.taken, timeout, now)
    }

    fn find(&self, number: u32) -> Result<usize, usize> {
        self.open.binary_search_by_key(&number, |stream| stream.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(30);

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
                all |= self.streams.look(false, TIMEOUT, self.now, &mut stalled);
                stalled.iter().for_each(|number| self.streams.closed(*number));
                self.now += Duration::from_secs(1);
            }
            (stalled, all)
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
