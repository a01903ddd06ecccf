//! Lets in callers that bring a known API key, and tells the upstream who they are.
//!
//! The key is looked for in each configured [`Place`]. A request must bring exactly one: with two,
//! the gateway and the upstream could take different callers for the one who asks.
#![forbid(unsafe_code)]

use tollgate_plugin_sdk::prelude::*;
use tollgate_plugin_sdk::setup::Fact;

mod config;
mod place;
#[cfg(test)]
mod tests;

use config::Config;
use place::Place;

const NAME: &str = "x-consumer-name";
const GROUPS: &str = "x-consumer-groups";

/// Rejects requests without a known key.
pub struct KeyAuth {
    /// At least one.
    places: Vec<Place>,
    hide_credentials: bool,
    /// Who may pass; `None` lets every known caller pass.
    allow_groups: Option<Vec<String>>,
    /// The one answer to a missing, an unknown and an ambiguous key, so that none is told apart.
    unauthorized: Reply,
}

#[plugin]
impl Plugin for KeyAuth {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        setup::tell_consumer(GROUPS, Fact::Groups);
        setup::tell_consumer(NAME, Fact::Name);
        let places = config.places();
        if config.hide_credentials {
            setup::edit_request(places.iter().filter_map(Place::removal));
        }
        Ok(Self {
            unauthorized: config.unauthorized(),
            places,
            hide_credentials: config.hide_credentials,
            allow_groups: config.allow_groups,
        })
    }

    fn on_request(&self, request: &mut Request) -> Action {
        let Some(consumer) = self.caller(request) else {
            return self.unauthorized.clone().into();
        };
        if !self.allows(&consumer) {
            return Reply::forbidden().detail("The caller is in no group that may pass here.").into();
        }
        Action::Next
    }
}

impl KeyAuth {
    /// Who asks, if the request brings one key that is known.
    fn caller(&self, request: &mut Request) -> Option<Consumer> {
        if let [Place::Header { name, scheme: None }] = &*self.places {
            return request.authenticate_header("key", name);
        }
        let (place, key) = self.only_key(request)?;
        let consumer = request.authenticate("key", "", &key)?;
        if self.hide_credentials {
            place.clear(request);
        }
        Some(consumer)
    }

    /// The key of the request and its place, if it brings one and no more.
    fn only_key(&self, request: &Request) -> Option<(&Place, Vec<u8>)> {
        let mut found = None;
        for place in &self.places {
            if let Some(key) = place.key(request).ok()?
                && found.replace((place, key)).is_some()
            {
                return None;
            }
        }
        found
    }

    fn allows(&self, consumer: &Consumer) -> bool {
        let Some(allowed) = &self.allow_groups else { return true };
        consumer.groups().iter().any(|group| allowed.contains(group))
    }
}
