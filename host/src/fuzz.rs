//! A door for the fuzz targets of `tests/fuzz`: what is written by hand and meets bytes of others, with what must hold of
//! it whatever they are. A target panics when it does not.
//!
//! It is there only with the feature `fuzz`, calls what the gateway calls, and nothing knows of it. A test replays what
//! was found, through the same functions (`tests/tests/corpus.rs`).

mod bodies;
mod codings;
mod config;
mod frames;
mod heads;
mod names;
mod peers;
mod pieces;

/// A target takes any bytes.
pub type Target = fn(&[u8]);

/// Every target with its name, which is that of its binary and of its corpus.
pub const TARGETS: [(&str, Target); 14] = [
    ("http2_frames", frames::frames),
    ("request_head", heads::request),
    ("response_head", heads::response),
    ("body", bodies::body),
    ("chunks", bodies::chunks),
    ("coding", codings::coding),
    ("path", names::path),
    ("authority", names::authority),
    ("url", names::url),
    ("forwarded", names::forwarded),
    ("upgrade", names::upgrade),
    ("certificate", names::certificate),
    ("proxy_protocol", peers::proxy_protocol),
    ("config", config::config),
];

/// Runs the target of this name.
///
/// # Panics
/// When there is none, or when what must hold does not.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(other, _)| *other == name).expect("there is such a target").1;
    target(bytes);
}
