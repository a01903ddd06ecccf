//! Certificates that end soon. Whoever reads the log is told when they are loaded, and once a day from then on.
//!
//! It must not know what is done with a certificate.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::certificates::names::{self, Facts};
use crate::config::{NamedFile, Problem};
use crate::telemetry::metrics::CertificateEnd;

/// How often to say it again.
pub(super) const AGAIN: Duration = Duration::from_secs(DAY as u64);
/// Seconds.
const DAY: i64 = 24 * 60 * 60;
/// Who renews in time has done so by then: with a third of the life of a certificate left, 30 days for one of 90.
const SOON: i64 = 14 * DAY;

/// How long a certificate lasts. Times are seconds since 1970 in UTC.
#[derive(Debug, Clone)]
pub(super) struct Expiry {
    /// Whose clients see it; `None`: endpoints do.
    pub(super) listener: Option<String>,
    pub(super) file: NamedFile,
    /// Its first DNS name, or nothing.
    pub(super) name: String,
    pub(super) not_before: i64,
    pub(super) not_after: i64,
    /// `not_after` as a date.
    pub(super) day: String,
}

impl Expiry {
    pub(super) fn new(listener: Option<String>, file: &NamedFile, Facts { names, validity }: &Facts) -> Self {
        Self {
            listener,
            file: file.clone(),
            name: names.first().cloned().unwrap_or_default(),
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
            day: names::day(validity.not_after),
        }
    }

    /// That it ends soon, if it does: in 14 days, or in the last quarter of a life that is shorter than eight weeks.
    fn warning(&self, now: i64) -> Option<Problem> {
        let left = self.not_after - now;
        if left > SOON.min((self.not_after - self.not_before) / 4) {
            return None;
        }
        Some(match left {
            ..0 => self.expired().help("clients refuse it"),
            0..DAY => self.problem("expires within a day, on"),
            _ => match left / DAY {
                1 => self.problem("expires in 1 day, on"),
                days => self.problem(&format!("expires in {days} days, on")),
            },
        })
    }

    /// The problem with it as a replacement of the one that is `shown` of its file, if it has ended.
    pub(super) fn as_replacement(&self, shown: &[Self]) -> Option<Problem> {
        let old = shown.iter().find(|old| old.is_of_same_file(self))?;
        let is_same = (old.not_before, old.not_after) == (self.not_before, self.not_after);
        (self.not_after < now() && !is_same).then(|| self.expired().help("put a valid one in its place"))
    }

    pub(super) fn is_of_same_file(&self, other: &Self) -> bool {
        self.listener == other.listener && self.file.shown == other.file.shown
    }

    fn expired(&self) -> Problem {
        self.problem("expired on")
    }

    fn problem(&self, when: &str) -> Problem {
        let message = format!("the certificate in {} {when} {}", self.file.shown, self.day);
        Problem::new(&self.file.place, message)
    }

    /// For the metrics of listeners.
    pub(super) fn end(&self) -> Option<CertificateEnd> {
        Some(CertificateEnd {
            listener: self.listener.clone()?,
            file: self.file.shown.trim_matches('`').to_owned(),
            name: self.name.clone(),
            not_after: self.not_after,
        })
    }
}

/// What is to be said of these certificates now.
pub(super) fn warnings(expiries: &[Expiry]) -> impl Iterator<Item = Problem> {
    let now = now();
    expiries.iter().filter_map(move |expiry| expiry.warning(now))
}

/// Seconds since 1970 in UTC.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::config::Place;

    /// What is said when so many days are left of so many.
    fn said(life: i64, left: i64) -> Option<String> {
        let file = NamedFile {
            path: PathBuf::new(),
            shown: "`a.pem`".to_owned(),
            place: Place::whole(Path::new("gateway.toml")),
        };
        let (listener, name, day) = (None, String::new(), "2026-01-01".to_owned());
        let expiry = Expiry { listener, file, name, not_before: 0, not_after: life * DAY, day };
        Some(expiry.warning((life - left) * DAY)?.message)
    }

    #[test]
    fn a_certificate_that_ends_soon_is_told_of_until_it_has_ended() {
        assert_eq!(said(90, 15), None);
        assert_eq!(said(90, 14).as_deref(), Some("the certificate in `a.pem` expires in 14 days, on 2026-01-01"));
        assert_eq!(said(90, 1).as_deref(), Some("the certificate in `a.pem` expires in 1 day, on 2026-01-01"));
        assert_eq!(said(90, 0).as_deref(), Some("the certificate in `a.pem` expires within a day, on 2026-01-01"));
        assert_eq!(said(90, -1).as_deref(), Some("the certificate in `a.pem` expired on 2026-01-01"));
    }

    #[test]
    fn one_that_lives_shortly_ends_soon_in_its_last_quarter() {
        assert_eq!(said(8, 3), None);
        assert!(said(8, 2).is_some());
    }
}
