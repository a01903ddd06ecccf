//! Which content codings a client takes (RFC 9110, section 12.5.3).

use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, HeaderValue};

use super::coding::Coding;

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

/// Of what a client takes, as it says it, the codings that the gateway can take off. `*` is no such, for it may be any.
pub fn decodable(headers: &HeaderMap) -> HeaderValue {
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    let elements = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    let known = elements.filter(|element| {
        let name = element.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        Coding::named(name).is_some() || name.eq_ignore_ascii_case(b"identity")
    });
    let known = known.collect::<Vec<_>>().join(&b", "[..]);
    // With nothing said the upstream could send anything.
    let known = if known.is_empty() { b"identity".to_vec() } else { known };
    HeaderValue::from_bytes(&known).unwrap_or(HeaderValue::from_static("identity"))
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
    use super::*;

    #[test]
    fn upstreams_are_asked_for_what_can_be_decoded() {
        let asked = |values: &[&'static str]| {
            decodable(&values.iter().map(|value| (ACCEPT_ENCODING, HeaderValue::from_static(value))).collect())
        };
        assert_eq!(asked(&["gzip, deflate, br, zstd"]), "gzip, deflate");
        assert_eq!(asked(&["br;q=1.0", "X-Gzip;q=0.8 , *;q=0"]), "X-Gzip;q=0.8");
        assert_eq!(asked(&["identity;q=0.5, *"]), "identity;q=0.5");
        for other in ["br", "*", ""] {
            assert_eq!(asked(&[other]), "identity", "{other}");
        }
    }

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
