//! The imports that a guest can call: one file for each group of interfaces in `wit/`.

mod body;
mod capabilities;
mod crypto;
mod exchange;
mod metrics;
mod outbound;
mod setup;
mod tls;

use wasmtime::component::{HasSelf, Linker};

use super::bindings as wit;
use super::host::Host;

/// Links every interface of the contract. Which of them a component may import is for its grants
/// to say, and is checked before it is linked.
pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    wit::http::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    wit::request::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    wit::response::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    wit::answer::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    wit::body::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    wit::outcome::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    link_setup(linker)?;
    wit::state::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    wit::limiter::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    wit::consumers::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    wit::identity::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    wit::outbound::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    wit::client_certificate::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    Ok(())
}

/// Links what may be called inside `configure`.
pub(super) fn link_setup(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    wit::setup::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    wit::log::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    wit::metrics::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    wit::crypto::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)
}
