//! Sends requests of its own, as the exchange's tell it.
//!
//! `x-send` is a JSON array of requests, each `{"upstream": ["name", "/path"]}` or `{"url": ".."}` with `method`, `headers`,
//! `body`, `timeout` (milliseconds), `redirects` if they are not the usual ones; the hook that `x-in` names sends them: `on-request` if
//! nothing is said, `on-request-body`, `on-response`, `on-response-body`, `on-log`; those that can reply
//! with what came back do, as JSON; what came back to the others is what `x-ask` answers then. `x-times` has them sent so
//! often, one after the other, and `x-spin` has the hook compute for so many rounds before each.

use tollgate_plugin_sdk::prelude::*;

struct Caller;

#[derive(serde::Deserialize)]
struct Config {
    /// What to send inside `configure`, which is refused.
    #[serde(default)]
    at_once: Option<String>,
}

#[derive(serde::Deserialize)]
struct Told {
    upstream: Option<(String, String)>,
    url: Option<String>,
    method: Option<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
    timeout: Option<u64>,
    redirects: Option<u8>,
}

#[plugin]
impl Plugin for Caller {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, ConfigError> {
        match config.at_once {
            Some(url) => {
                let said = outbound::Request::url(Method::GET, url).send().expect_err("nothing is sent here");
                Err(ConfigError::at("/at_once", said))
            }
            None => Ok(Self),
        }
    }

    fn on_request(&self, request: &mut Request) -> Action {
        if request.header("x-ask").is_some() {
            let kept = state::get(Subject::Plugin, "came").unwrap_or_default();
            return Reply::new(StatusCode::OK).body(kept).into();
        }
        answer(request, "on-request")
    }

    fn on_request_body(&self, request: &mut Request, _: &mut Body) -> Action {
        answer(request, "on-request-body")
    }

    fn on_response(&self, request: &Request, _: &mut Response) -> Action {
        answer(request, "on-response")
    }

    fn on_response_body(&self, request: &Request, _: &mut Response, _: &mut Body) -> Action {
        answer(request, "on-response-body")
    }

    fn on_log(&self, entry: &LogEntry) {
        if let Some(came) = send(entry.request(), "on-log") {
            state::set(Subject::Plugin, "came", came.to_string(), None);
        }
    }
}

/// Replies with what came back, if this hook is the one that sends.
fn answer(request: &Request, hook: &str) -> Action {
    match send(request, hook) {
        Some(came) => Reply::new(StatusCode::OK).json(&came).into(),
        None => Action::Next,
    }
}

fn send(request: &Request, hook: &str) -> Option<serde_json::Value> {
    let told = request.header_str("x-send")?;
    if request.header_str("x-in").as_deref().unwrap_or("on-request") != hook {
        return None;
    }
    let number = |name: &str| request.header_str(name).and_then(|text| text.parse::<u64>().ok());
    let told: Vec<Told> = serde_json::from_str(&told).expect("an array of requests");
    let mut came = Vec::new();
    for _ in 0..number("x-times").unwrap_or(1) {
        let mut sum = 0_u64;
        for round in 0..number("x-spin").unwrap_or(0) {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(round));
        }
        let mut requests: Vec<outbound::Request> = told.iter().map(Told::request).collect();
        let answers = match requests.len() {
            1 => vec![requests.remove(0).send()],
            _ => outbound::send_all(requests),
        };
        came.extend(answers.into_iter().map(|answer| match answer {
            Ok(response) => json!({
                "status": response.status().as_u16(),
                "x": response.header_str("x-from"),
                "body": String::from_utf8_lossy(response.body()),
            }),
            Err(error) => json!({ "error": format!("{error:?}") }),
        }));
    }
    Some(came.into())
}

impl Told {
    fn request(&self) -> outbound::Request {
        let method = self.method.as_deref().unwrap_or("GET").parse().expect("a method");
        let mut request = match (&self.upstream, &self.url) {
            (Some((name, target)), _) => outbound::Request::upstream(method, name, target),
            (None, Some(url)) => outbound::Request::url(method, url),
            (None, None) => panic!("it goes nowhere"),
        };
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(millis) = self.timeout {
            request = request.timeout(std::time::Duration::from_millis(millis));
        }
        if let Some(most) = self.redirects {
            request = request.redirects(most);
        }
        request.body(self.body.as_bytes())
    }
}
