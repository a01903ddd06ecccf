//! What a path asks of `internal:echo`. Pure: a path in, directives or a complaint out.

use std::time::Duration;

use http::StatusCode;

/// The longest wait, in milliseconds.
const MOST_DELAY: u64 = 60_000;
const MOST_BYTES: u64 = 10_000_000_000;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Directives {
    pub(super) status: StatusCode,
    pub(super) delay: Duration,
    /// Answer with so many bytes, not with JSON.
    pub(super) bytes: Option<u64>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is no value of the directive `/{directive}/..`: {help}")]
pub(super) struct BadDirective {
    directive: &'static str,
    value: String,
    help: &'static str,
}

impl Directives {
    /// Skips segments up to the first directive that has a value, then reads directives until a
    /// segment is none.
    pub(super) fn parse(path: &str) -> Result<Self, BadDirective> {
        let mut directives = Self { status: StatusCode::OK, delay: Duration::ZERO, bytes: None };
        let mut segments = path.split('/').skip_while(|segment| !is_directive(segment));
        while let (Some(directive), Some(value)) = (segments.next(), segments.next()) {
            match directive {
                "status" => directives.status = status(value)?,
                "delay" => directives.delay = delay(value)?,
                "bytes" => directives.bytes = Some(bytes(value)?),
                _ => break,
            }
        }
        Ok(directives)
    }
}

fn is_directive(segment: &str) -> bool {
    matches!(segment, "status" | "delay" | "bytes")
}

fn status(value: &str) -> Result<StatusCode, BadDirective> {
    number(value)
        .and_then(|code| u16::try_from(code).ok())
        .filter(|code| (200..=599).contains(code))
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or_else(|| bad("status", value, "a number from 200 to 599 is, such as `503`"))
}

fn delay(value: &str) -> Result<Duration, BadDirective> {
    scaled(&value.to_ascii_lowercase(), &[("ms", 1), ("s", 1_000)])
        .filter(|milliseconds| *milliseconds <= MOST_DELAY)
        .map(Duration::from_millis)
        .ok_or_else(|| bad("delay", value, "milliseconds or seconds up to `60s` are, such as `200ms`"))
}

fn bytes(value: &str) -> Result<u64, BadDirective> {
    scaled(&value.to_ascii_lowercase(), &[("kb", 1_000), ("mb", 1_000_000), ("gb", 1_000_000_000), ("b", 1)])
        .filter(|bytes| *bytes <= MOST_BYTES)
        .ok_or_else(|| bad("bytes", value, "a size in `b`, `kb`, `mb` or `gb` up to `10gb` is, such as `1mb`"))
}

/// A whole number times what its unit stands for. The first unit that fits is taken.
fn scaled(value: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (digits, scale) =
        units.iter().find_map(|(unit, scale)| value.strip_suffix(unit).map(|digits| (digits, scale)))?;
    number(digits)?.checked_mul(*scale)
}

/// Digits only: `parse` alone would take a plus sign.
fn number(digits: &str) -> Option<u64> {
    digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn bad(directive: &'static str, value: &str, help: &'static str) -> BadDirective {
    BadDirective { directive, value: value.to_owned(), help }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str) -> (u16, u128, Option<u64>) {
        let directives = Directives::parse(path).expect("good directives");
        (directives.status.as_u16(), directives.delay.as_millis(), directives.bytes)
    }

    #[test]
    fn a_path_without_directives_asks_for_nothing() {
        for path in ["/", "/users/7", "/users/status", "/statuses/503", "/a//b/"] {
            assert_eq!(parse(path), (200, 0, None), "{path}");
        }
    }

    #[test]
    fn directives_stand_at_the_start_or_after_a_prefix_and_combine() {
        assert_eq!(parse("/status/503"), (503, 0, None));
        assert_eq!(parse("/demo/v1/status/404/more"), (404, 0, None));
        assert_eq!(parse("/delay/1s/status/503"), (503, 1_000, None));
        assert_eq!(parse("/x/bytes/10gb/delay/60s"), (200, 60_000, Some(10_000_000_000)));
        assert_eq!(parse("/bytes/0b"), (200, 0, Some(0)));
        assert_eq!(parse("/bytes/2MB/delay/3Ms"), (200, 3, Some(2_000_000)));
        assert_eq!(parse("/delay/200ms/users/status/503"), (200, 200, None));
    }

    #[test]
    fn a_bad_value_is_told_what_would_be_right() {
        let bad = [
            "/status/199",
            "/status/600",
            "/status/x",
            "/status/",
            "/status/+503",
            "/delay/5",
            "/delay/61s",
            "/delay/-1s",
            "/delay/+1s",
            "/delay/s",
            "/bytes/1",
            "/bytes/11gb",
            "/bytes/1tb",
            "/bytes/99999999999999999999gb",
        ];
        for path in bad {
            assert!(Directives::parse(path).is_err(), "{path}");
        }
        assert_eq!(
            Directives::parse("/bytes/1tb").expect_err("bad").to_string(),
            "`1tb` is no value of the directive `/bytes/..`: a size in `b`, `kb`, `mb` or `gb` up to \
             `10gb` is, such as `1mb`"
        );
    }
}
