//! A well-behaved plugin that tells what it met: where it stood in the chain, what it could read, and
//! how often and with what its `on-log` ran.
//!
//! Its `mark` is appended to the request's header `x-way` and to the response's `x-back`. A request
//! with `x-reply: <mark>` is answered here, one with `x-replace: <mark>` has its response replaced, one with
//! `x-certificate: <mark>` is answered with what its client's certificate says, and one with `x-ask: <mark>` with what
//! `on-log` saw of its path.

use tollgate_plugin_sdk::prelude::*;

struct Witness {
    config: Config,
}

#[derive(serde::Deserialize)]
struct Config {
    mark: String,
    /// A header that this plugin alone may say; it says its mark.
    #[serde(default)]
    owns: Option<String>,
}

/// Tests put another digit here to make another component. It is long so that it stays in one piece.
const EDITION: &str = "edition 1 of the witness, a component that stands for all that are replaced";

#[plugin]
impl Plugin for Witness {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, ConfigError> {
        if let Some(name) = &config.owns {
            setup::own_header(name);
        }
        Ok(Self { config })
    }

    fn on_request(&self, request: &mut Request) -> Action {
        let mark = self.config.mark.as_str();
        let told = |name: &str| request.header_str(name).as_deref() == Some(mark);
        if told("x-ask") {
            let times = state::add(Subject::Plugin, &format!("times {}", request.path()), 0, None);
            let last = state::get(Subject::Plugin, &format!("last {}", request.path())).unwrap_or_default();
            let last: serde_json::Value = serde_json::from_slice(&last).unwrap_or_default();
            return Reply::new(StatusCode::OK).json(&json!({ "times": times, "last": last })).into();
        }
        if told("x-certificate") {
            return Reply::new(StatusCode::OK).json(&certificate(request)).into();
        }
        if told("x-reply") {
            return Reply::new(StatusCode::OK).body(format!("a reply by {mark}")).into();
        }
        request.append_header("x-way", mark);
        request.append_header("x-edition", EDITION);
        if let Some(name) = &self.config.owns {
            request.set_header(name.as_str(), mark);
        }
        assert_eq!(request.note("mark"), None, "a note of another plugin");
        request.set_note("mark", mark);
        Action::Next
    }

    fn on_response(&self, request: &Request, response: &mut Response) -> Action {
        let mark = self.config.mark.as_str();
        if request.header_str("x-replace").as_deref() == Some(mark) {
            return Reply::new(StatusCode::IM_A_TEAPOT).body(format!("a replacement by {mark}")).into();
        }
        response.append_header("x-back", mark);
        response.append_header("x-edition", EDITION);
        response.append_header("x-origin", format!("{:?}", response.origin()));
        response.append_header("x-note", request.note("mark").unwrap_or_default());
        Action::Next
    }

    fn on_log(&self, entry: &LogEntry) {
        let path = entry.request().path();
        let note = entry.request().note("mark").map(|note| String::from_utf8_lossy(&note).into_owned());
        let seen = json!({
            "status": entry.status().map(|status| status.as_u16()),
            "completed": entry.completed(),
            "responseBytes": entry.response_bytes(),
            "endpoint": entry.endpoint(),
            "problem": entry.problem(),
            "note": note,
        });
        state::set(Subject::Plugin, &format!("last {path}"), seen.to_string(), None);
        state::add(Subject::Plugin, &format!("times {path}"), 1, None);
    }
}

/// What the client has shown, or null.
fn certificate(request: &Request) -> serde_json::Value {
    let shown = request.client_certificate().map(|certificate| {
        json!({
            "fingerprint": certificate.fingerprint(),
            "subject": certificate.subject(),
            "issuer": certificate.issuer(),
            "serialNumber": certificate.serial_number(),
            "notAfter": certificate.not_after(),
            "dnsNames": certificate.dns_names(),
            "emailAddresses": certificate.email_addresses(),
            "uris": certificate.uris(),
            "ipAddresses": certificate.ip_addresses(),
            "der": certificate.der(),
        })
    });
    json!(shown)
}
