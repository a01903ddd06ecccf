//! Distinguished names as text (RFC 4514).

use std::fmt::Write as _;

use x509_parser::asn1_rs::{Any, Class, Tag, ToDer};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// Short names, as RFC 4519 and RFC 2985 give them; other types are their numbers.
const SHORT: [(&str, &str); 18] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.42", "givenName"),
    ("2.5.4.43", "initials"),
    ("2.5.4.44", "generationQualifier"),
    ("2.5.4.46", "dnQualifier"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

/// The last part comes first: `CN=alice,OU=ops,O=Example`.
pub(super) fn text(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    let parts: Vec<_> = name.iter_rdn().collect();
    for (at, part) in parts.iter().rev().enumerate() {
        for (within, attribute) in part.iter().enumerate() {
            match (at, within) {
                (0, 0) => {}
                (_, 0) => text.push(','),
                _ => text.push('+'),
            }
            write(attribute, &mut text);
        }
    }
    text
}

fn write(attribute: &AttributeTypeAndValue<'_>, text: &mut String) {
    let number = attribute.attr_type().to_id_string();
    let short = SHORT.iter().find(|(known, _)| *known == number);
    text.push_str(short.map_or(&number, |(_, short)| short));
    text.push('=');
    // Section 2.4: what has no known form is shown as it is encoded.
    match short.and_then(|_| string(attribute.attr_value())) {
        Some(value) => escape(&value, text),
        None => {
            text.push('#');
            for byte in attribute.attr_value().to_der_vec().unwrap_or_default() {
                let _ = write!(text, "{byte:02x}");
            }
        }
    }
}

/// None for what is no string, or one in a set of characters that nobody agrees on.
fn string(value: &Any<'_>) -> Option<String> {
    if value.class() != Class::Universal {
        return None;
    }
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::NumericString | Tag::Ia5String | Tag::VisibleString => {
            String::from_utf8(value.data.to_vec()).ok()
        }
        Tag::BmpString if value.data.len().is_multiple_of(2) => {
            let units = value.data.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        _ => None,
    }
}

/// Section 2.4; controls too, so that a name is one line wherever it is put.
fn escape(value: &str, text: &mut String) {
    let last = value.len().saturating_sub(1);
    for (at, letter) in value.char_indices() {
        match letter {
            ' ' if at == 0 || at == last => text.push_str("\\ "),
            '#' if at == 0 => text.push_str("\\#"),
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => {
                text.push('\\');
                text.push(letter);
            }
            control if control.is_control() => {
                let mut bytes = [0; 4];
                for byte in control.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(text, "\\{byte:02x}");
                }
            }
            letter => text.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::FromDer as _;
    use x509_parser::x509::X509Name;

    use super::{escape, text};

    #[test]
    fn the_last_part_comes_first_and_what_has_no_known_form_is_shown_as_it_is_encoded() {
        // CN=a, then OU=x together with 1.2.3=b, then O of a set of characters that nobody agrees on.
        let der = b"\x30\x2d\
            \x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01a\
            \x31\x13\x30\x08\x06\x03\x55\x04\x0b\x13\x01x\x30\x07\x06\x02\x2a\x03\x0c\x01b\
            \x31\x0a\x30\x08\x06\x03\x55\x04\x0a\x14\x01\xe9";
        let (_, name) = X509Name::from_der(der).expect("it is a name");
        assert_eq!(text(&name), "O=#1401e9,OU=x+1.2.3=#0c0162,CN=a");
    }

    #[test]
    fn what_means_something_in_a_name_is_escaped() {
        for (value, expected) in [
            ("James \"Jim\" Smith, III", "James \\\"Jim\\\" Smith\\, III"),
            ("Before\rAfter", "Before\\0dAfter"),
            (" a ", "\\ a\\ "),
            (" ", "\\ "),
            ("#1 = #2", "\\#1 = #2"),
            ("a+b;<c>\\\0", "a\\+b\\;\\<c\\>\\\\\\00"),
            ("Lučić", "Lučić"),
            ("\u{85}", "\\c2\\85"),
            ("", ""),
        ] {
            let mut text = String::new();
            escape(value, &mut text);
            assert_eq!(text, expected, "{value:?}");
        }
    }
}
