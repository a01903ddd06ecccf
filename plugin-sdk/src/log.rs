//! Lines in the gateway's log, under the plugin's name. Needs no grant.
//!
//! Lines longer than 4 KiB are cut; more than 64 lines a call are dropped and counted.
//!
//! ```
//! # use tollgate_plugin_sdk::{prelude::*, testing};
//! # let gateway = testing::Gateway::new();
//! log::warn!("{} of 3 keys expired", 2);
//! # assert_eq!(gateway.log(), ["warn: 2 of 3 keys expired"]);
//! ```

use crate::backend;
use std::fmt::{self, Display};

#[doc(inline)]
pub use crate::{__debug as debug, __error as error, __info as info, __trace as trace, __warn as warn};

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// Every step, for the author of the plugin.
    Trace,
    /// What helps to find a fault.
    Debug,
    /// What the operator may want to know.
    Info,
    /// What the operator should look at.
    Warn,
    /// What went wrong.
    Error,
}

impl Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

/// Logs a line. The macros of this module format one.
pub fn log(level: Level, line: &str) {
    backend::log::log(level, line);
}

/// Logs a line at the level `trace`, formatted as by [`format!`].
#[macro_export]
#[doc(hidden)]
macro_rules! __trace {
    ($($line:tt)*) => { $crate::log::log($crate::log::Level::Trace, &::std::format!($($line)*)) };
}

/// Logs a line at the level `debug`, formatted as by [`format!`].
#[macro_export]
#[doc(hidden)]
macro_rules! __debug {
    ($($line:tt)*) => { $crate::log::log($crate::log::Level::Debug, &::std::format!($($line)*)) };
}

/// Logs a line at the level `info`, formatted as by [`format!`].
#[macro_export]
#[doc(hidden)]
macro_rules! __info {
    ($($line:tt)*) => { $crate::log::log($crate::log::Level::Info, &::std::format!($($line)*)) };
}

/// Logs a line at the level `warn`, formatted as by [`format!`].
#[macro_export]
#[doc(hidden)]
macro_rules! __warn {
    ($($line:tt)*) => { $crate::log::log($crate::log::Level::Warn, &::std::format!($($line)*)) };
}

/// Logs a line at the level `error`, formatted as by [`format!`].
#[macro_export]
#[doc(hidden)]
macro_rules! __error {
    ($($line:tt)*) => { $crate::log::log($crate::log::Level::Error, &::std::format!($($line)*)) };
}
