//! UTC times as text. The date part is computed once per second, so that a line costs a copy.

use std::time::{SystemTime, UNIX_EPOCH};

/// Formats times; remembers the text of the last second it formatted.
pub(super) struct Timestamp {
    second: u64,
    /// `2026-02-03T04:05:06`
    text: [u8; 19],
}

impl Timestamp {
    pub(super) const fn new() -> Self {
        Self { second: 0, text: *b"1970-01-01T00:00:00" }
    }

    /// RFC 3339 with milliseconds: `2026-02-03T04:05:06.789Z`.
    pub(super) fn rfc3339(&mut self, now: SystemTime, out: &mut Vec<u8>) {
        let millis = self.turn_to(now);
        out.extend_from_slice(&self.text);
        out.extend_from_slice(&millis);
        out.push(b'Z');
    }

    /// The time of day, for people: `04:05:06.789`.
    pub(super) fn time_of_day(&mut self, now: SystemTime, out: &mut Vec<u8>) {
        let millis = self.turn_to(now);
        out.extend_from_slice(&self.text[11..]);
        out.extend_from_slice(&millis);
    }

    /// Brings `text` to the second of `now` and returns the fraction, `.789`. A clock before 1970 reads as 1970.
    fn turn_to(&mut self, now: SystemTime) -> [u8; 4] {
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        if since_epoch.as_secs() != self.second {
            self.second = since_epoch.as_secs();
            self.text = date_and_time(self.second);
        }
        let millis = u64::from(since_epoch.subsec_millis());
        [b'.', digit(millis / 100), digit(millis / 10), digit(millis)]
    }
}

fn date_and_time(second: u64) -> [u8; 19] {
    let (year, month, day) = civil_from_days(second / 86_400);
    let (hour, minute, second) = (second / 3_600 % 24, second / 60 % 60, second % 60);
    let mut text = *b"0000-00-00T00:00:00";
    for (place, value) in [(2, year), (5, month), (8, day), (11, hour), (14, minute), (17, second)] {
        text[place] = digit(value / 10);
        text[place + 1] = digit(value);
    }
    text[0] = digit(year / 1_000);
    text[1] = digit(year / 100);
    text
}

/// Days since 1970-01-01 to (year, month, day), for any day from then on.
/// Howard Hinnant, <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // since 0000-03-01: years that begin in March end with the leap day
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

fn digit(value: u64) -> u8 {
    b'0' + (value % 10) as u8
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn both(millis: u64) -> (String, String) {
        let (mut stamp, mut long, mut short) = (Timestamp::new(), Vec::new(), Vec::new());
        let now = UNIX_EPOCH + Duration::from_millis(millis);
        stamp.rfc3339(now, &mut long);
        stamp.time_of_day(now, &mut short);
        (String::from_utf8(long).expect("ASCII"), String::from_utf8(short).expect("ASCII"))
    }

    #[test]
    fn known_instants_are_written_as_other_tools_write_them() {
        for (millis, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), // a leap day in a century year
            (1_709_251_199_007, "2024-02-29T23:59:59.007Z"),
            (1_735_689_600_000, "2025-01-01T00:00:00.000Z"),
            (4_107_542_400_010, "2100-03-01T00:00:00.010Z"), // 2100 has no leap day
        ] {
            assert_eq!(both(millis).0, expected);
            assert_eq!(both(millis).1, expected[11..23]);
        }
    }

    #[test]
    fn a_new_second_replaces_the_remembered_one_in_either_direction() {
        let mut stamp = Timestamp::new();
        for (second, expected) in [(59, "00:00:59.000"), (60, "00:01:00.000"), (59, "00:00:59.000")] {
            let mut out = Vec::new();
            stamp.time_of_day(UNIX_EPOCH + Duration::from_secs(second), &mut out);
            assert_eq!(out, expected.as_bytes());
        }
    }
}
