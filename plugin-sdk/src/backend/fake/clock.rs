//! The time.

use crate::testing::world;

pub(crate) fn now() -> u64 {
    world::with(|world| world.now)
}
