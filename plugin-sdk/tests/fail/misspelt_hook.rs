use tollgate_plugin_sdk::prelude::*;

struct Example;

#[plugin]
impl Plugin for Example {
    type Config = ();

    fn configure(_: ()) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    fn on_requst(&self, _: &mut Request) -> Action {
        Action::Next
    }

    fn helper(&self) {}
}

fn main() {}
