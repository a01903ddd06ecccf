//! Reading a file that the operator named, without waiting for anything and up to a size.

use std::fs::OpenOptions;
use std::io::{Error, Read as _, Result};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

/// What a regular file holds. A pipe or a device is refused: it may have no end, or nobody at the other.
pub fn read(path: &Path, most_bytes: u64) -> Result<Vec<u8>> {
    // Without this flag, opening a pipe waits for its other end.
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(most_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most_bytes {
        return Err(Error::other(format!("it is larger than {} KiB", most_bytes / 1024)));
    }
    Ok(bytes)
}
