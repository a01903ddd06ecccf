//! Percent-encoding (RFC 3986, section 2.1).

/// Encodes all but the unreserved characters (section 2.3) and those that are to stay besides.
pub fn encode(text: &str, stays: fn(char) -> bool) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_ascii_alphanumeric() || "-._~".contains(char) || stays(char) {
            encoded.push(char);
            continue;
        }
        for byte in char.encode_utf8(&mut [0; 4]).bytes() {
            encoded.extend(['%', HEX[usize::from(byte >> 4)].into(), HEX[usize::from(byte & 15)].into()]);
        }
    }
    encoded
}

/// Decodes; what is not UTF-8 becomes U+FFFD. The gateway lets no broken escape come here.
pub fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let escape = behind.split_at_checked(2).filter(|_| *first == b'%');
        let escaped = escape.and_then(|(hex, behind)| {
            let byte = u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok()?;
            Some((byte, behind))
        });
        let (byte, behind) = escaped.unwrap_or((*first, behind));
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
