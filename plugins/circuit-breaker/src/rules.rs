//! When failures are too many: so many in a row, or such a part of a window.

use crate::outcome::Outcome;
use tollgate_plugin_sdk::prelude::*;

pub struct Rules {
    /// Failures in a row.
    pub in_a_row: Option<u32>,
    pub ratio: Option<Ratio>,
}

/// A part of the responses of a window.
pub struct Ratio {
    /// Failures for each response: above 0, at most 1.
    pub threshold: f64,
    /// From its first response on; then the next begins.
    pub window: Duration,
    /// Responses before the ratio means anything.
    pub minimum: u32,
}

/// The key of the counter among what is kept for an upstream.
const WINDOW: &str = "window";

/// Failures count in the upper half of a counter, all responses in the lower: one atomic addition
/// changes both and answers both, and they have one window.
const FAILURE: i64 = 1 << 32;
const RESPONSES: i64 = FAILURE - 1;

impl Rules {
    /// Why `failures` in a row are too many.
    pub fn row(&self, failures: u32) -> Option<String> {
        let most = self.in_a_row?;
        (failures >= most).then(|| format!("{failures} failures in a row"))
    }

    /// Counts a response into its window. Answers why there are too many failures in it.
    pub fn count(&self, outcome: Outcome) -> Option<String> {
        let ratio = self.ratio.as_ref()?;
        let delta = match outcome {
            Outcome::Success => 1,
            Outcome::Failure => 1 + FAILURE,
            Outcome::Neither => return None,
        };
        let counter = state::add(Subject::Upstream, WINDOW, delta, ratio.window);
        let (failures, responses) = (counter / FAILURE, counter & RESPONSES);
        let is_much = responses >= ratio.minimum.into() && failures as f64 >= ratio.threshold * responses as f64;
        is_much.then(|| format!("{failures} of {responses} responses failed"))
    }

    /// Begins a new window, so that failures from before a recovery do not count after it.
    pub fn forget(&self) {
        if self.ratio.is_some() {
            state::delete(Subject::Upstream, WINDOW);
        }
    }
}
