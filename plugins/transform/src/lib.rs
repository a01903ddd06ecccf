//! Changes requests on their way to the upstream and responses on their way back: headers, query
//! parameters, the path, the status. Values are [`Template`](template::Template)s over the request.
//!
//! Every template of a hook is rendered before anything is written, so that no value depends on the
//! order of the changes.
#![forbid(unsafe_code)]

use tollgate_plugin_sdk::prelude::*;
use tollgate_plugin_sdk::setup::Hook;

mod config;
mod edits;
mod path;
mod status;
mod template;
#[cfg(test)]
mod tests;

use config::{Config, Missing};
use edits::Edits;
use path::Unfit;

/// Changes requests and responses.
pub struct Transform {
    missing: Missing,
    path: Option<path::Path>,
    query: Edits,
    request_headers: Edits,
    response_headers: Edits,
    status: status::Map,
}

/// Fields of a query; more take longer to edit than a hook may. PHP takes as many.
const MOST_PARAMS: usize = 1_000;

#[plugin]
impl Plugin for Transform {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, ConfigError> {
        let transform = config.check()?;
        transform.declare();
        Ok(transform)
    }

    fn on_request(&self, request: &mut Request) -> Result<Action, String> {
        let path = match self.path.as_ref().map(|path| path.render(request)).transpose() {
            Ok(path) => path,
            Err(Unfit::Request(detail)) => return Ok(Reply::bad_request().detail(detail).into()),
            Err(Unfit::Route(reason)) => return Err(reason),
        };
        let headers = self.request_headers.render(request, self.missing);
        let query = self.query.render(request, self.missing);

        self.request_headers.apply(request, headers);
        if !self.query.is_empty() {
            if request.query().is_some_and(|query| query.matches('&').count() >= MOST_PARAMS) {
                return Ok(Reply::bad_request().detail("The query has too many fields.").into());
            }
            let before = request.query_params();
            let mut params = before.clone();
            self.query.apply(&mut params, query);
            if params != before {
                let query = params.to_string();
                if request.try_set_query(Some(query.as_str()).filter(|query| !query.is_empty())).is_err() {
                    return Ok(too_long());
                }
            }
        }
        if let Some(path) = path
            && request.try_set_path(path).is_err()
        {
            return Ok(too_long());
        }
        Ok(Action::Next)
    }

    fn on_response(&self, request: &Request, response: &mut Response) -> Action {
        let headers = self.response_headers.render(request, self.missing);
        self.response_headers.apply(response, headers);
        self.status.apply(response);
        Action::Next
    }
}

impl Transform {
    /// What is the same for every exchange is declared, and needs no call.
    fn declare(&self) {
        if self.path.is_none()
            && self.query.is_empty()
            && let Some(edits) = self.request_headers.constant()
        {
            setup::edit_request(edits);
            setup::omit(Hook::OnRequest);
        }
        if self.status.is_empty()
            && let Some(edits) = self.response_headers.constant()
        {
            setup::edit_response(edits);
            setup::omit(Hook::OnResponse);
        }
    }
}

/// What was well-formed before it was edited is too long after.
fn too_long() -> Action {
    Reply::problem(StatusCode::URI_TOO_LONG, "The request target is too long").into()
}
