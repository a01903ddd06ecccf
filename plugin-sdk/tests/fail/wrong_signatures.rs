use tollgate_plugin_sdk::prelude::*;

struct Example;

#[plugin]
impl Plugin for Example {
    type Config = ();

    fn configure() -> Result<Self, ConfigError> {
        Ok(Self)
    }

    async fn on_request(&mut self, _: &mut Request) -> Action {
        Action::Next
    }

    fn on_response(&self, _: &Request, _: &Response) -> Action {
        Action::Next
    }

    fn on_log(&mut self, _: &LogEntry) {}
}

fn main() {}
