//! Percent-encoding (RFC 3986, section 2.1), for what goes into a path or a query.

/// Encodes the bytes of all characters but those that stay.
///
/// ```
/// # use tollgate_plugin_sdk::percent;
/// assert_eq!(percent::encode("a/é", percent::is_unreserved), "a%2F%C3%A9");
/// ```
pub fn encode(text: &str, stays: fn(char) -> bool) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for char in text.chars() {
        if stays(char) {
            encoded.push(char);
            continue;
        }
        for byte in char.encode_utf8(&mut [0; 4]).bytes() {
            encoded.extend(['%', HEX[usize::from(byte >> 4)].into(), HEX[usize::from(byte & 15)].into()]);
        }
    }
    encoded
}

/// Whether a character means itself wherever it stands (RFC 3986, section 2.3).
pub fn is_unreserved(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '-' | '.' | '_' | '~')
}

/// Decodes. A broken escape stays as it is; what is not UTF-8 then becomes U+FFFD.
///
/// ```
/// # use tollgate_plugin_sdk::percent;
/// assert_eq!(percent::decode("caf%C3%A9 100%"), "café 100%");
/// ```
pub fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let (byte, behind) = match behind {
            [high, low, behind @ ..] if *first == b'%' => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, behind),
                _ => (b'%', &rest[1..]),
            },
            _ => (*first, behind),
        };
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_escapes_stay_as_they_are() {
        for text in ["100%", "%zz%4", "%+f", "%%"] {
            assert_eq!(decode(text), text);
        }
        assert_eq!(decode("%C3%a9+%41%ff"), "é+A\u{fffd}");
    }

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        for text in ["", "a-._~Z9", "a b+c%41", "é/🦀?&=\0\r\n"] {
            let encoded = encode(text, is_unreserved);
            assert!(encoded.bytes().all(|byte| byte == b'%' || is_unreserved(byte.into())), "{encoded}");
            assert_eq!(decode(&encoded), text);
        }
    }
}
