//! A text that is for nobody's eyes: credentials, and what an interpolation put in.

use std::fmt;

/// A text that is for nobody's eyes; its `Debug` form is `[redacted]`. `==` takes as long as the texts are
/// equal: fit for comparing configs, not for checking a caller.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret(String);

impl Secret {
    pub(super) const REDACTED: &str = "[redacted]";

    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text. Whoever calls this answers for where it goes.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::REDACTED)
    }
}
