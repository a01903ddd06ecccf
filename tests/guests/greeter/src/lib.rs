//! Greets in a header, and turns robots away.
use tollgate_plugin_sdk::prelude::*;

struct Greeter(HeaderValue);

#[derive(serde::Deserialize)]
struct Config {
    greeting: String,
}

#[plugin]
impl Plugin for Greeter {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, ConfigError> {
        let problem = |_| ConfigError::at("/greeting", "this cannot stand in a header");
        Ok(Self(config.greeting.parse().map_err(problem)?))
    }

    fn on_request(&self, request: &mut Request) -> Action {
        if request.header_str("user-agent").is_some_and(|agent| agent.contains("bot")) {
            return Reply::forbidden().detail("no robots").into();
        }
        request.set_response_header("x-greeting", &self.0);
        Action::Next
    }
}
