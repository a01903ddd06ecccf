//! What both sides of a connection say, looked at before h2 does: floods, header blocks that are small on the wire and
//! large in memory, clients that take nothing of what they asked for. And frames that are wrong in themselves, where h2
//! lets them pass or calls them by another name than the standard does.
//!
//! h2 bounds by itself: CONTINUATION frames of a block, empty DATA, resets of requests that were not yet accepted, and
//! streams that it has to reset for an error. Pure: bytes and time come in, and nothing is kept but counts.

mod settings;

use std::time::{Duration, Instant};

use super::block::{Block, Value};
use super::breach::{Breach, CALM};
use super::budget::Budget;
use super::fields::Names;
use super::frames::{END_HEADERS, END_STREAM, Frames, Head, Kind, Piece};
use super::streams::{Stalled, Streams, Timeouts};

/// What comes before the first frame (RFC 9113, section 3.4).
const PREFACE: usize = 24;
/// What a reset costs of the budget: a stream was made and thrown away.
const RESET_COST: u32 = 5;
/// What a client earns with a response, and with DATA that it takes: for small ones too as much as the updates of both
/// windows cost, and more for large ones.
const ANSWER_WORTH: u32 = 8;
const DATA_WORTH: u32 = 3;
const BYTES_WORTH_ONE: u32 = 256;
const MOST_OF_ONE_FRAME: u32 = 64;
/// Lines that a block may have beyond those of the listener's limit: pseudo header fields, and cookies, which clients
/// split (RFC 9113, section 8.2.3). A request with more than the limit is a 431; a client with more than these is left.
const MORE_LINES: u32 = 512;
/// Lines after which their requests get a turn before more are made.
const LINES_AT_ONCE: u32 = 256;
/// Lines of a usual request. Those beyond are kept in so many bytes each, an entry of a header map: for all open
/// requests together so many are free, and so many more for each byte that the client sent.
const USUAL_LINES: u32 = 40;
const LINE: usize = 104;
const FREE: usize = 64 * 1024;
const FREE_PER_BYTE: usize = 8;
/// Streams of a client that lets none of its responses begin with more than so little.
const TINY_WINDOW: i64 = 4096;
const MOST_TINY: usize = 8;
/// Refusals of such a client's requests before it is left.
const MOST_TINY_REFUSED: u32 = 32;
/// Streams beyond those of the listener's limit that can be on their way to be refused.
const MORE_STREAMS: usize = 2048;

/// One connection.
#[derive(Debug)]
pub struct Watch {
    limits: Limits,
    /// Bytes of the preface that are yet to come.
    preface: usize,
    input: Frames,
    output: Frames,
    /// The header block that is arriving.
    block: Option<Block>,
    /// Of the client's dynamic table.
    names: Names,
    /// What is known of the payload of the current frame, in each direction.
    said: Value,
    answered: Value,
    budget: Budget,
    streams: Streams,
    /// Bytes from the client.
    received: usize,
    /// Lines of requests since they last had a turn.
    lines: u32,
    /// Streams that were opened since [`take_opened`](Self::take_opened) was last asked.
    opened: Vec<u32>,
    /// The stream whose block was the last is not to be served.
    refuses: bool,
    /// Where the type of a GOAWAY stands in what was received last.
    farewell: Option<usize>,
    /// Requests refused for want of a window.
    refused: u32,
    /// The other side was told to be calm, by whomever.
    calmed: bool,
    /// A header block goes out, and its last frame has not begun.
    heads_out: bool,
    /// The client once wanted a smaller table than HPACK begins with.
    small_table: bool,
}

/// What a listener grants to each connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Streams that are open at once.
    pub streams: usize,
    /// Field lines of a request.
    pub lines: usize,
    /// From the first frame of a header block to its last.
    pub header_timeout: Duration,
    /// In which a client that is waited for has to do something.
    pub timeouts: Timeouts,
}

impl Watch {
    pub fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            preface: PREFACE,
            input: Frames::default(),
            output: Frames::default(),
            block: None,
            names: Names::default(),
            said: Value::default(),
            answered: Value::default(),
            budget: Budget::new(now),
            streams: Streams::new(),
            received: 0,
            lines: 0,
            opened: Vec::new(),
            refuses: false,
            farewell: None,
            refused: 0,
            calmed: false,
            heads_out: false,
            small_table: false,
        }
    }

    /// Takes what the client sent. Answers how much of it, at least a byte, may be read on: after that others get a
    /// turn before the rest is given here again.
    pub fn received(&mut self, bytes: &[u8], now: Instant) -> Result<usize, Breach> {
        self.refuses = false;
        self.farewell = None;
        let preface = self.preface.min(bytes.len());
        self.preface -= preface;
        let mut input = &bytes[preface..];
        while let Some(piece) = self.input.next(&mut input) {
            match piece {
                Piece::Head(head) => {
                    self.begins(head, now)?;
                    if head.kind == Kind::GoAway {
                        self.farewell = (bytes.len() - input.len()).checked_sub(Head::AFTER_TYPE);
                    }
                }
                Piece::Payload { head, bytes, last } => {
                    self.payload(head, bytes)?;
                    if last && self.ends(head)? {
                        break;
                    }
                }
            }
        }
        let taken = bytes.len() - input.len();
        self.received += taken;
        Ok(taken)
    }

    /// Takes what went out to the client.
    pub fn sent(&mut self, mut bytes: &[u8], now: Instant) -> Result<(), Breach> {
        while let Some(piece) = self.output.next(&mut bytes) {
            match piece {
                Piece::Head(head) => {
                    self.answered = Value::default();
                    if matches!(head.kind, Kind::Headers | Kind::Continuation) {
                        self.heads_out = !head.has(END_HEADERS);
                    }
                    match head.kind {
                        Kind::Headers => {
                            self.budget.earn(ANSWER_WORTH);
                            self.streams.answered(head.stream);
                        }
                        Kind::Data => {
                            self.budget.earn(DATA_WORTH + MOST_OF_ONE_FRAME.min(head.length / BYTES_WORTH_ONE));
                            self.streams.sent(head.stream, head.length);
                        }
                        _ => {}
                    }
                    if matches!(head.kind, Kind::Headers | Kind::Data) && head.has(END_STREAM) {
                        self.streams.closed(head.stream);
                    }
                }
                Piece::Payload { head, mut bytes, last } => {
                    if matches!(head.kind, Kind::Reset | Kind::GoAway | Kind::WindowUpdate) {
                        self.answered.fill(&mut bytes, 8);
                        if last {
                            self.heard(head, now)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks at what takes too long. Streams that are to be reset go into `stalled`; they count as closed. `blocked`
    /// says that the connection takes no bytes.
    pub fn look(&mut self, blocked: bool, now: Instant, stalled: &mut Vec<Stalled>) -> Result<(), Breach> {
        if self.block.as_ref().is_some_and(|block| block.since + self.limits.header_timeout <= now) {
            return Err(Breach::Late);
        }
        if self.streams.look(blocked, self.limits.timeouts, now, stalled) {
            return Err(Breach::Stalled);
        }
        for stalled in stalled {
            self.streams.closed(stalled.number);
            self.spend(RESET_COST, now)?;
        }
        Ok(())
    }

    /// Whether there is anything to look at.
    pub fn is_waiting(&self) -> bool {
        self.block.is_some() || self.streams.len() > 0
    }

    /// Streams that were opened since this was last asked, in their order.
    pub fn take_opened(&mut self, streams: &mut Vec<u32>) {
        streams.clear();
        std::mem::swap(streams, &mut self.opened);
    }

    /// Bytes that the client sent.
    pub fn bytes(&self) -> usize {
        self.received
    }

    /// Whether the stream whose header block was the last is not to be served.
    pub fn refuses(&self) -> bool {
        self.refuses
    }

    /// Where the type of a GOAWAY stands in what was received last, unless its head came in pieces.
    ///
    /// It asks a server to push nothing more, and Tollgate pushes nothing: the client may still ask for a sign of life, and
    /// leaves when it likes. h2 would close at once.
    pub fn farewell(&self) -> Option<usize> {
        self.farewell
    }

    /// Whether a frame can be put between those of the client.
    pub fn hears_a_frame(&self) -> bool {
        self.preface == 0 && self.input.is_between() && self.block.is_none()
    }

    /// Whether a frame can be put between those that go out. Nothing comes between those of a header block.
    pub fn says_a_frame(&self) -> bool {
        self.output.is_between() && !self.heads_out
    }

    /// The highest stream that the client opened.
    pub fn highest(&self) -> u32 {
        self.streams.highest()
    }

    /// Whether the client was told ENHANCE_YOUR_CALM.
    pub fn calmed(&self) -> bool {
        self.calmed
    }

    fn begins(&mut self, head: Head, now: Instant) -> Result<(), Breach> {
        self.said = Value::default();
        let cost = match head.kind {
            Kind::Data => u32::from(head.length == 0 && !head.has(END_STREAM)),
            Kind::Headers => 0,
            Kind::Reset => RESET_COST,
            Kind::Unknown => 1 + head.length / 1024,
            _ => 1,
        };
        self.spend(cost, now)?;
        if !head.has_a_valid_length() {
            return Err(Breach::Size);
        }
        match head.kind {
            Kind::PushPromise => return Err(Breach::Frame),
            Kind::GoAway if head.stream != 0 => return Err(Breach::Frame),
            Kind::Headers | Kind::Data if self.streams.is_ended(head.stream) => return Err(Breach::Ended),
            Kind::Headers => {
                self.block = Some(Block::begun(head, self.names, now));
            }
            Kind::Continuation => {
                if let Some(block) = &mut self.block {
                    block.goes_on(head);
                }
            }
            Kind::Reset => {
                self.streams.ended(head.stream);
                self.streams.closed(head.stream);
            }
            // Nothing comes between the frames of a block; h2 says so.
            _ => self.block = None,
        }
        Ok(())
    }

    fn payload(&mut self, head: Head, mut bytes: &[u8]) -> Result<(), Breach> {
        match (head.kind, &mut self.block) {
            (Kind::Headers | Kind::Continuation, Some(block)) => {
                block.feed(bytes);
                if block.fields.lines() as usize > self.limits.lines + MORE_LINES as usize {
                    return Err(Breach::Lines);
                }
            }
            (Kind::Settings, _) => {
                while !bytes.is_empty() {
                    self.said.fill(&mut bytes, 6);
                    if self.said.filled == 6 {
                        self.set()?;
                    }
                }
            }
            (Kind::WindowUpdate, _) => self.said.fill(&mut bytes, 4),
            _ => {}
        }
        Ok(())
    }

    /// A frame of the client is complete. Answers whether others get a turn.
    fn ends(&mut self, head: Head) -> Result<bool, Breach> {
        match head.kind {
            Kind::WindowUpdate => {
                if let Some(more) = self.said.number(0) {
                    self.streams.granted(head.stream, more & 0x7fff_ffff);
                }
            }
            Kind::Data => {
                self.streams.received(head.stream, head.length);
                if head.has(END_STREAM) {
                    self.streams.ended(head.stream);
                }
            }
            Kind::Headers | Kind::Continuation if head.has(END_HEADERS) => {
                return self.block.take().map_or(Ok(false), |block| self.complete(block));
            }
            // One at a time is told of.
            Kind::GoAway => return Ok(true),
            _ => {}
        }
        Ok(false)
    }

    /// A header block is complete. Answers whether others get a turn.
    fn complete(&mut self, block: Block) -> Result<bool, Breach> {
        let Block { stream, ends, fields, .. } = block;
        if !fields.is_whole() {
            return Err(Breach::Block);
        }
        self.names = fields.names();
        let lines = fields.lines();
        if stream > self.streams.highest() {
            let unusual = lines.saturating_sub(USUAL_LINES);
            let kept = (self.streams.lines() + unusual as usize) * LINE;
            let tiny = self.streams.initial_window() < TINY_WINDOW && self.streams.len() >= MOST_TINY;
            self.refuses = tiny || kept > FREE + FREE_PER_BYTE * self.received;
            self.refused += u32::from(tiny);
            if self.refused > MOST_TINY_REFUSED {
                return Err(Breach::Tiny);
            }
            self.streams.opened(stream, unusual, ends);
            self.opened.push(stream);
            if self.streams.len() > self.limits.streams + MORE_STREAMS {
                return Err(Breach::Flood);
            }
        } else if fields.has_pseudo() {
            // h2 drops them, and takes the rest for a request that is whole.
            return Err(Breach::Trailers);
        } else if ends {
            self.streams.ended(stream);
        }
        self.lines += lines;
        // Where the next one may be refused, it comes alone: hyper asks of the requests of a turn all at once.
        let alone = self.streams.initial_window() < TINY_WINDOW || self.streams.lines() > 0;
        let turn = alone || self.refuses || self.lines >= LINES_AT_ONCE;
        if turn {
            self.lines = 0;
        }
        Ok(turn)
    }

    /// RST_STREAM, GOAWAY or WINDOW_UPDATE went out. What the client is not to blame for costs it nothing.
    fn heard(&mut self, head: Head, now: Instant) -> Result<(), Breach> {
        const BLAMELESS: [u32; 3] = [0 /* NO_ERROR */, 2 /* INTERNAL_ERROR */, 8 /* CANCEL */];
        if head.kind == Kind::GoAway {
            self.calmed |= self.answered.number(4) == Some(CALM);
            return Ok(());
        }
        if head.kind == Kind::WindowUpdate {
            self.streams.made_room(head.stream, self.answered.number(0).unwrap_or_default());
            return Ok(());
        }
        self.streams.closed(head.stream);
        match self.answered.number(0) {
            Some(code) if !BLAMELESS.contains(&code) => self.spend(RESET_COST, now),
            _ => Ok(()),
        }
    }

    fn spend(&mut self, cost: u32, now: Instant) -> Result<(), Breach> {
        if cost == 0 || self.budget.spend(cost, now) { Ok(()) } else { Err(Breach::Flood) }
    }
}

#[cfg(test)]
mod tests;
