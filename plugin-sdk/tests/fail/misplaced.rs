use tollgate_plugin_sdk::prelude::*;

#[plugin]
struct Example;

struct Other;

#[plugin]
impl Other {
    fn on_request(&self, _: &mut Request) -> Action {
        Action::Next
    }
}

struct Generic<T>(T);

#[plugin]
impl<T> Plugin for Generic<T> {}

struct Empty;

#[plugin]
impl Plugin for Empty {}

#[plugin(hooks)]
impl Plugin for Other {}

fn main() {}
