//! What a plugin declares.

use crate::setup::{Condition, Edit, Fact, Hook};
use crate::testing::world::{self, World};

pub(crate) fn own_header(name: &str) {
    configuring(|world| world.own_headers.push(name.to_owned()));
}

pub(crate) fn tell_consumer(name: &str, fact: Fact) {
    own_header(name);
    configuring(|world| world.told.push((name.to_owned(), fact)));
}

pub(crate) fn edit_request(edits: Vec<Edit>) {
    configuring(|world| world.request_edits.extend(edits));
}

pub(crate) fn edit_response(edits: Vec<Edit>) {
    configuring(|world| world.response_edits.extend(edits));
}

pub(crate) fn call_when(hook: Hook, conditions: Vec<Condition>) {
    configuring(|world| world.call_when.push((hook, conditions)));
}

pub(crate) fn log_unanswered_only() {
    configuring(|world| world.log_unanswered_only = true);
}

fn configuring(declare: impl FnOnce(&mut World)) {
    world::with(|world| {
        assert!(world.configuring, "`setup` may be called only inside `configure`");
        declare(world);
    });
}
