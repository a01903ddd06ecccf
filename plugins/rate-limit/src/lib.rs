//! Limits how many requests each caller may make: several quotas at once, of which a request is
//! charged to all or to none.
//!
//! The counting is the gateway's (`limiter`). This plugin says who the caller is (`caller`), what a
//! request costs (`cost`) and how the quotas stand (`fields`).
#![forbid(unsafe_code)]

mod caller;
mod config;
mod cost;
mod fields;
#[cfg(test)]
mod tests;

use crate::caller::Caller;
use crate::config::Config;
use crate::cost::Cost;
use crate::fields::Fields;
use tollgate_plugin_sdk::limiter::Decision;
use tollgate_plugin_sdk::prelude::*;
use tollgate_plugin_sdk::setup::Edit;

/// Lets a request pass if every quota of its caller has room for it.
pub struct RateLimit {
    caller: Caller,
    cost: Cost,
    quotas: Vec<Quota>,
    fields: Fields,
    /// Whether responses say how the quotas stand.
    headers: bool,
}

#[plugin]
impl Plugin for RateLimit {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, ConfigError> {
        let plugin = config.check()?;
        if plugin.headers {
            // Both fields are lists: another entry of this plugin, or the upstream, may have its own lines.
            setup::edit_response([Edit::append(fields::POLICY, plugin.fields.policy())]);
        }
        Ok(plugin)
    }

    fn on_request(&self, request: &mut Request) -> Action {
        let cost = match self.cost.of(request) {
            Ok(cost) => cost,
            Err(detail) => return Reply::bad_request().detail(detail).into(),
        };
        let decision = self.caller.acquire(request, &self.quotas, cost);
        if !decision.allowed() {
            return self.refusal(&decision).into();
        }
        if self.headers {
            request.append_response_header(fields::STANDING, self.fields.standing(&decision));
        }
        Action::Next
    }
}

impl RateLimit {
    fn refusal(&self, decision: &Decision) -> Reply {
        let mut reply = Reply::too_many_requests()
            .problem_type("https://iana.org/assignments/http-problem-types#quota-exceeded")
            .detail(self.fields.exceeded(decision));
        if let Some(seconds) = fields::wait(decision.retry_after()) {
            reply = reply.header(fields::RETRY_AFTER, seconds);
        }
        if self.headers {
            reply = reply
                .header(fields::POLICY, self.fields.policy())
                .header(fields::STANDING, self.fields.standing(decision));
        }
        reply
    }
}
