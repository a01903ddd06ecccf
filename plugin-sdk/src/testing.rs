//! Tests of plugins without WebAssembly and without a gateway, under plain `cargo test`.
//!
//! A [`Gateway`] is a fake of all that the real one lends to a plugin, for the thread of one test:
//! time stands still until the test moves it, consumers are those that the test names, and
//! [`state`](crate::state), [`limiter`](crate::limiter) and [`log`](crate::log) work on memory. The
//! test itself may call `state::set` to prepare and `state::get` to look.
//!
//! ```
//! use tollgate_plugin_sdk::prelude::*;
//!
//! struct Limit(Quota);
//!
//! #[plugin]
//! impl Plugin for Limit {
//!     type Config = u64;
//!
//!     fn configure(limit: u64) -> Result<Self, ConfigError> {
//!         Ok(Self(Quota::new(limit, Duration::from_secs(1))))
//!     }
//!
//!     fn on_request(&self, request: &mut Request) -> Action {
//!         let decision = limiter::acquire(Subject::Plugin, request.client_address(), &[self.0.clone()], 1);
//!         if decision.allowed() { Action::Next } else { Reply::too_many_requests().into() }
//!     }
//!
//!     fn on_response(&self, _: &Request, response: &mut Response) -> Action {
//!         response.set_header("x-limited", "yes");
//!         Action::Next
//!     }
//! }
//!
//! let gateway = testing::Gateway::new();
//! let plugin = testing::configure::<Limit>(json!(1)).unwrap();
//!
//! plugin.request(testing::get("/")).next();
//! let response = plugin.respond(testing::response(200)).next();
//! assert_eq!(response.header("x-limited"), Some("yes"));
//!
//! assert_eq!(plugin.request(testing::get("/")).reply().status(), 429);
//! gateway.advance(Duration::from_secs(1));
//! plugin.request(testing::get("/")).next();
//! ```

pub(crate) mod apply;
mod bodies;
mod certificate;
mod entry;
mod gateway;
mod hooks;
pub(crate) mod message;
mod meters;
mod outcome;
mod sign;
mod store;
mod tester;
pub(crate) mod world;

pub use certificate::{ClientCertificate, client_certificate};
pub use entry::{Entry, entry};
pub use gateway::{Gateway, KnownConsumer};
pub use hooks::Hooks;
pub use message::{Request, RequestBuilder, Response, ResponseBuilder, get, post, request, response};
pub use outcome::Outcome;
pub use sign::{sign, sign_with_secret};
pub use tester::{Tester, configure};
