use tollgate_plugin_sdk::prelude::*;

struct Example;

#[plugin]
impl Plugin for Example {
    type Config = ();

    fn configure(_: ()) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    fn on_request(&self, _: &mut Request) -> bool {
        true
    }
}

fn main() {}
