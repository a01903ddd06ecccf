//! Greets in a header, and turns robots away.
use tollgate_plugin_sdk::prelude::*;

struct Greeter {
    greeting: HeaderValue,
}

#[derive(serde::Deserialize)]
struct Config {
    greeting: String,
}

#[plugin]
impl Plugin for Greeter {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, ConfigError> {
        let problem = |_| ConfigError::at("/greeting", "this cannot stand in a header");
        Ok(Self { greeting: config.greeting.parse().map_err(problem)? })
    }

    fn on_request(&self, request: &mut Request) -> Action {
        match request.header_str("user-agent") {
            Some(agent) if agent.contains("bot") => Reply::forbidden().detail("no robots").into(),
            _ => Action::Next,
        }
    }

    fn on_response(&self, _request: &Request, response: &mut Response) -> Action {
        response.set_header("x-greeting", &self.greeting);
        Action::Next
    }
}
