//! Which request is on which stream: hyper does not tell.
//!
//! It asks for each request of a turn, in the order of their streams, unless h2 has refused one: then it is not known of the
//! requests of that turn which they are, and nobody is told what becomes of them.

use std::rc::Rc;

use crate::proxy::{GivenUp, Verdict};

/// The requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Those of this turn; none for one that is refused.
    turn: Vec<Option<Verdict>>,
    /// Those whose streams are known, and who may still be told.
    known: Vec<(u32, Verdict)>,
    /// Forgets who is gone when there are as many.
    sweep: usize,
}

/// Requests that are known before it is first looked who is gone.
const FEW: usize = 16;

impl Asked {
    /// hyper asks for one.
    pub(super) fn request(&mut self) -> Verdict {
        let verdict = Verdict::default();
        self.turn.push(Some(Rc::clone(&verdict)));
        verdict
    }

    /// hyper asks for one that is refused.
    pub(super) fn refused(&mut self) {
        self.turn.push(None);
    }

    /// The turn is over, in which these streams were opened.
    pub(super) fn turned(&mut self, opened: &[u32]) {
        let are_known = opened.len() == self.turn.len();
        for (stream, verdict) in opened.iter().zip(self.turn.drain(..)) {
            if let Some(verdict) = verdict
                && are_known
            {
                self.known.push((*stream, verdict));
            }
        }
        if self.known.len() >= self.sweep.max(FEW) {
            self.known.retain(|(_, verdict)| Rc::strong_count(verdict) > 1);
            self.sweep = 2 * self.known.len();
        }
    }

    /// A stream is given up, for the request's body did not come, or the response was not taken.
    pub(super) fn give_up(&self, stream: u32, of_body: bool) {
        if let Some((_, verdict)) = self.known.iter().find(|(number, _)| *number == stream) {
            verdict.set(if of_body { GivenUp::Body } else { GivenUp::Response });
        }
    }

    /// The stream of a request, if it is known.
    pub(super) fn stream_of(&self, verdict: &Verdict) -> Option<u32> {
        self.known.iter().find(|(_, other)| Rc::ptr_eq(other, verdict)).map(|(stream, _)| *stream)
    }

    /// The connection is, for nothing on it is taken.
    pub(super) fn give_up_all(&self) {
        self.known.iter().for_each(|(_, verdict)| verdict.set(GivenUp::Connection));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_on_which_stream_is_known_unless_one_of_the_turn_is_missing() {
        let mut asked = Asked::default();
        let (first, second) = (asked.request(), asked.request());
        asked.turned(&[1, 3]);
        let missing = asked.request();
        asked.turned(&[5, 7]);
        asked.refused();
        let last = asked.request();
        asked.turned(&[9, 11]);
        [3, 5, 7, 9, 11].into_iter().for_each(|stream| asked.give_up(stream, stream == 3));
        let verdicts = [first, second, missing, last].map(|verdict| verdict.get());
        assert_eq!(verdicts, [GivenUp::Nothing, GivenUp::Body, GivenUp::Nothing, GivenUp::Response]);
    }

    #[test]
    fn nothing_is_kept_of_who_is_gone() {
        let mut asked = Asked::default();
        let stays = asked.request();
        asked.turned(&[1]);
        for stream in (3..10_000).step_by(2) {
            drop(asked.request());
            asked.turned(&[stream]);
        }
        assert!(asked.known.len() <= FEW, "{}", asked.known.len());
        asked.give_up_all();
        assert_eq!(stays.get(), GivenUp::Connection);
    }
}
