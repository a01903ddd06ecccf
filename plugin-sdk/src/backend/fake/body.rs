//! `body`: what the test hands to a hook of bodies.

use super::exchange;
use crate::testing::world::Piece;

fn piece<T>(call: impl FnOnce(&mut Piece) -> T) -> T {
    exchange(|exchange| call(exchange.piece.as_mut().expect("no body in this hook: it traps in the gateway")))
}

pub(crate) fn length() -> u64 {
    piece(|piece| piece.bytes.len() as u64)
}

pub(crate) fn read() -> Vec<u8> {
    piece(|piece| piece.bytes.clone())
}

pub(crate) fn replace(bytes: &[u8]) {
    piece(|piece| bytes.clone_into(&mut piece.bytes));
}

pub(crate) fn is_last() -> bool {
    piece(|piece| piece.is_last)
}
