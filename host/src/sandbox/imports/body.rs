//! `body`: the body, or the piece of one, that a call serves.

use wasmtime::Result;

use crate::exchange::Piece;
use crate::sandbox::bindings as wit;
use crate::sandbox::host::Host;

impl wit::body::Host for Host {
    fn length(&mut self) -> Result<u64> {
        Ok(self.piece()?.bytes.len() as u64)
    }

    fn read(&mut self) -> Result<Vec<u8>> {
        Ok(self.piece()?.bytes.to_vec())
    }

    fn replace(&mut self, bytes: Vec<u8>) -> Result<()> {
        let piece = self.piece()?;
        if bytes.len() > piece.most {
            let message = format!("a body of {} bytes is more than its limits.max-body of {}", bytes.len(), piece.most);
            return Err(wasmtime::Error::msg(message));
        }
        piece.bytes = bytes.into();
        Ok(())
    }

    fn is_last(&mut self) -> Result<bool> {
        Ok(self.piece()?.is_last)
    }
}

impl Host {
    fn piece(&mut self) -> Result<&mut Piece> {
        match &mut self.exchange()?.piece {
            Some(piece) => Ok(piece),
            None => Err(wasmtime::Error::msg("there is a body only in the hooks of bodies and chunks")),
        }
    }
}
