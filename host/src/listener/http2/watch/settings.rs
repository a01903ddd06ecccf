//! What a client's settings mean for the watch (RFC 9113, section 6.5.2).

use super::{Breach, MOST_TINY, TINY_WINDOW, Watch};

/// SETTINGS_HEADER_TABLE_SIZE, and what it is at first.
const HEADER_TABLE_SIZE: [u8; 2] = [0, 1];
const TABLE: u32 = 4096;
/// SETTINGS_INITIAL_WINDOW_SIZE.
pub(super) const INITIAL_WINDOW_SIZE: [u8; 2] = [0, 4];

impl Watch {
    /// Whether the client can be told to send the body of this stream's request. If it wants a smaller table of HPACK, the
    /// next header block is h2's, and says so.
    pub fn may_invite(&self, stream: u32) -> bool {
        !self.small_table && self.streams.is_silent(stream)
    }

    /// One setting is there.
    pub(super) fn set(&mut self) -> Result<(), Breach> {
        let setting = std::mem::take(&mut self.said);
        if setting.bytes.starts_with(&HEADER_TABLE_SIZE) {
            self.small_table |= setting.number(2).is_some_and(|size| size < TABLE);
        }
        if let Some(window) = setting.number(2)
            && setting.bytes.starts_with(&INITIAL_WINDOW_SIZE)
        {
            if window > i32::MAX.cast_unsigned() {
                return Err(Breach::Window);
            }
            self.streams.set_initial_window(window);
            if self.streams.initial_window() < TINY_WINDOW && self.streams.len() > MOST_TINY {
                return Err(Breach::Tiny);
            }
        }
        Ok(())
    }
}
