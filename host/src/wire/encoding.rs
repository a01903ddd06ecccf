//! Which content codings a client takes (RFC 9110, section 12.5.3).

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// Whether a client would rather have gzip than no coding at all, or likes both as much. One that says nothing takes
/// anything by the letter, and is better sent what needs no decoding.
pub fn wants_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut any, mut identity) = (None, None, None);
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    for element in values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')) {
        let mut parts = element.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let coding = parts.next().unwrap_or_default();
        let known = match coding.to_ascii_lowercase().as_slice() {
            b"gzip" | b"x-gzip" => &mut gzip,
            b"*" => &mut any,
            b"identity" => &mut identity,
            _ => continue,
        };
        // What cannot be read is not wanted.
        let weight = parts.next().map_or(Some(MOST), weight).filter(|_| parts.next().is_none()).unwrap_or(0);
        *known = Some(known.unwrap_or(0).max(weight));
    }
    let gzip = gzip.or(any).unwrap_or(0);
    gzip > 0 && identity.is_none_or(|identity| identity <= gzip)
}

/// The weight of `q=1`.
const MOST: u16 = 1_000;

/// `q=0.5` in thousandths (RFC 9110, section 12.4.2).
fn weight(parameter: &[u8]) -> Option<u16> {
    let (b'q' | b'Q', rest) = parameter.split_first()? else { return None };
    let [b'=', whole @ (b'0' | b'1'), rest @ ..] = rest else { return None };
    let digits = match rest {
        [] => rest,
        [b'.', digits @ ..] if digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) => digits,
        _ => return None,
    };
    let whole = u16::from(whole - b'0') * MOST;
    let places = [100, 10, 1].into_iter().zip(digits);
    let weight = whole + places.map(|(place, digit)| place * u16::from(digit - b'0')).sum::<u16>();
    (weight <= MOST).then_some(weight)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn wants(values: &[&'static str]) -> bool {
        let value = |value: &&'static str| (ACCEPT_ENCODING, HeaderValue::from_static(value));
        wants_gzip(&values.iter().map(value).collect())
    }

    #[test]
    fn gzip_is_wanted_if_it_is_named_or_anything_is() {
        for value in [
            "gzip",
            "GZip, deflate, br",
            "br;q=1.0, x-gzip;q=0.8",
            "*",
            "deflate, *;q=0.1",
            "gzip;q=0.001",
            " gzip ; q=1.000 ",
            "identity;q=0.5, gzip;q=0.5",
            "identity;q=0, *",
            "gzip;q=0, gzip",
        ] {
            assert!(wants(&[value]), "{value}");
        }
        assert!(wants(&["br", "gzip"]));
    }

    #[test]
    fn gzip_is_not_wanted_if_it_is_refused_or_something_else_is_better() {
        for value in [
            "",
            "identity",
            "br, deflate",
            "gzip;q=0",
            "gzip;q=0.000, *",
            "*;q=0",
            "gzip;q=0.5, identity",
            "identity;q=1, *;q=0.5",
            "gzipped",
            "gzip;q=2",
            "gzip;q=1.001",
            "gzip;q=0.5000",
            "gzip;q=",
            "gzip;level=1",
            "gzip;q=1;x=y",
        ] {
            assert!(!wants(&[value]), "{value}");
        }
        assert!(!wants(&[]));
    }
}
