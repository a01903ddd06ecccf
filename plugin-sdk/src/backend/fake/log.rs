//! Lines of the log.

use crate::log::Level;
use crate::testing::world;

pub(crate) fn log(level: Level, line: &str) {
    world::with(|world| {
        world.calls += 1;
        world.log.push(format!("{level}: {line}"));
    });
}
