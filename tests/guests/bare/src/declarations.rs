//! What a plugin says once, in `configure`, of every exchange.

use crate::tollgate::plugin::http::{Edit, Field};
use crate::tollgate::plugin::setup::{self, ConsumerFact, Hook};

/// An edit of each kind for either message, in whose headers the others can be told apart. Neither hook of them
/// needs to be called.
pub fn declare() {
    let field = |name: &str, value: &str| Field { name: name.into(), value: value.into() };
    setup::edit_request(&[
        Edit::Remove("x-gone".into()),
        Edit::Rename(("x-old".into(), "x-new".into())),
        Edit::Set(field("x-set", "declared")),
        Edit::Add(field("x-many", "not added")),
        Edit::Add(field("x-added", "declared")),
        Edit::Append(field("x-many", "declared")),
    ]);
    setup::edit_response(&[Edit::Set(field("x-declared", "yes")), Edit::Remove("content-type".into())]);
    setup::tell_consumer("x-caller", ConsumerFact::Name);
    setup::tell_consumer("x-caller-groups", ConsumerFact::Groups);
    setup::call_when(Hook::OnResponse, &[]);
}
