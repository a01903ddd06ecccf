//! The back end of native tests: reads and writes the world that `testing` makes. One module for each interface of the
//! contract.

pub(crate) mod body;
pub(crate) mod client_certificate;
pub(crate) mod clock;
pub(crate) mod consumers;
pub(crate) mod crypto;
pub(crate) mod limiter;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod outbound;
pub(crate) mod outcome;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod setup;
pub(crate) mod state;

use crate::header::SeveralValues;
use crate::testing::message::{Fields, Response};
use crate::testing::world::{self, Exchange, World};

/// One call into the gateway.
fn counted<T>(call: impl FnOnce(&mut World) -> T) -> T {
    world::with(|world| {
        world.calls += 1;
        call(world)
    })
}

fn exchange<T>(call: impl FnOnce(&mut Exchange) -> T) -> T {
    counted(|world| call(world.exchange()))
}

fn response<T>(call: impl FnOnce(&mut Response) -> T) -> T {
    exchange(|exchange| call(exchange.response.as_mut().expect("no response yet: it traps in the gateway")))
}

fn capability<T>(name: &str, call: impl FnOnce(&mut World) -> T) -> T {
    counted(|world| {
        assert!(!world.configuring, "`{name}` may not be called inside `configure`");
        call(world)
    })
}

fn single(headers: &Fields, name: &str) -> Result<Option<Vec<u8>>, SeveralValues> {
    let mut values = all_bytes(headers, name);
    if values.len() > 1 { Err(SeveralValues) } else { Ok(values.pop()) }
}

fn all_bytes(headers: &Fields, name: &str) -> Vec<Vec<u8>> {
    let named = headers.iter().filter(|(other, _)| other == name);
    named.map(|(_, value)| value.as_bytes().to_owned()).collect()
}

fn bytes(headers: &Fields, name: &str) -> Option<Vec<u8>> {
    headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_bytes().to_owned())
}

fn raw(headers: &Fields) -> Vec<(String, Vec<u8>)> {
    let raw =
        |(name, value): &(http::HeaderName, http::HeaderValue)| (name.as_str().to_owned(), value.as_bytes().to_owned());
    headers.iter().map(raw).collect()
}
