//! Parts of a whole: `20%`, `0.5%`.

use serde_json::{Value as Json, json};

use super::pattern;
use crate::config::node::Node;
use crate::config::read::{Form, Reading, Wrong};

/// A part of a whole, more than nothing, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) struct Percent(pub(in crate::config) u32);

impl Form for Percent {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        reading.parse(node, "a string with a percentage, such as \"20%\"", percent)
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": pattern(r"\d+(\.\d)?%"), "examples": ["20%", "0.5%"] })
    }
}

fn percent(text: &str) -> Result<Percent, Wrong> {
    let wrong =
        || Wrong::help("is not a percentage", "a number from 0.1 to 100 and `%`, with one decimal at most: `20%`");
    let number = text.strip_suffix('%').ok_or_else(wrong)?;
    let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |digits: &str, most: usize| {
        (1..=most).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !is_number(whole, 3) || !is_number(tenths, 1) {
        return Err(wrong());
    }
    let thousandths = (whole.to_owned() + tenths).parse().map_err(|_| wrong())?;
    if !(1..=1000).contains(&thousandths) {
        return Err(wrong());
    }
    Ok(Percent(thousandths))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_a_number_up_to_100_with_one_decimal() {
        let good = [("20%", 200), ("0.5%", 5), ("100%", 1000), ("99.9%", 999)];
        for (text, thousandths) in good {
            assert_eq!(percent(text).ok(), Some(Percent(thousandths)), "{text}");
        }
        for text in ["", "%", "20", "0%", "0.0%", "100.1%", "101%", "-1%", "+1%", "1.25%", ".5%", "1.%", "1e1%", "20 %"]
        {
            assert!(percent(text).is_err(), "{text}");
        }
    }
}
