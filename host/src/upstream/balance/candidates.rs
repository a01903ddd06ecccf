//! The endpoints as they stand for one choice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::upstream::vitals::{Standing, Vitals, millis, moment};

/// Who may be chosen.
#[derive(Debug)]
pub(in crate::upstream) struct Candidates<'a> {
    vitals: &'a [Arc<Vitals>],
    /// Where the request has been already.
    tried: &'a [usize],
    /// Whether those that are out of service are passed over.
    heeds_health: bool,
    /// The time, and that of a slow start, in milliseconds, while somebody starts slowly.
    start: Option<(u64, u64)>,
}

/// The whole share of an endpoint. It has a part of it while it starts slowly.
pub(super) const WHOLE: u32 = 1024;
/// What it begins with: a tenth.
const LEAST: u64 = 102;

impl<'a> Candidates<'a> {
    /// `panic`: where less than this part of the endpoints is in service, in thousandths, all are taken to be.
    pub(in crate::upstream) fn new(
        vitals: &'a [Arc<Vitals>],
        standing: &Standing,
        panic: u32,
        slow_start: Option<Duration>,
        tried: &'a [usize],
    ) -> Self {
        let (out, all) = (standing.out(), vitals.len());
        let in_panic = all.saturating_sub(out) * 1000 < panic as usize * all;
        let slow_until = standing.slow_until();
        // The clock is only looked at when somebody may be slow.
        let start = slow_start.filter(|_| slow_until != 0).and_then(|time| {
            let now = moment(Instant::now());
            (now < slow_until).then(|| (now, millis(time)))
        });
        Self { vitals, tried, heeds_health: out > 0 && !in_panic, start }
    }

    pub(super) fn len(&self) -> usize {
        self.vitals.len()
    }

    /// Whether every endpoint may be taken, wholly.
    pub(super) fn are_all(&self) -> bool {
        !self.heeds_health && self.tried.is_empty() && self.start.is_none()
    }

    pub(super) fn takes(&self, index: usize) -> bool {
        let is_out = self.heeds_health && self.vitals[index].is_out();
        !is_out && !self.tried.contains(&index)
    }

    /// The part of its share that an endpoint has, of [`WHOLE`].
    pub(super) fn share(&self, index: usize) -> u32 {
        let Some((now, time)) = self.start else { return WHOLE };
        let since = self.vitals[index].since();
        let gone = now.saturating_sub(since);
        if since == 0 || gone >= time {
            return WHOLE;
        }
        let share = u128::from(WHOLE) * u128::from(gone) / u128::from(time);
        u32::try_from(share.max(LEAST.into())).unwrap_or(WHOLE)
    }

    /// Unfinished requests of all workers.
    pub(super) fn load(&self, index: usize) -> u32 {
        self.vitals[index].load()
    }
}
