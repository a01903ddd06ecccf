//! Rates.

use super::capability;
use crate::Subject;
use crate::limiter::{Decision, Quota};

pub(crate) fn acquire(of: Subject, key: &str, quotas: &[Quota], cost: u64) -> Decision {
    capability("limiter", |world| world.meters.acquire(&world.entry(of, key), quotas, cost, world.now))
}
