//! Counts and verifies by the contract alone, so that it can also do what the SDK does not let happen.
//!
//! `metrics` of its configuration is a list of `{ kind, name, bounds }`, `keys` one of `{ algorithm, pem | jwk | secret }`.
//! The request's header `x-do` says what to do: `add 0 3`, `set 1 0.5`, `observe 2 7`, `verify 0 <message> <hex>`, which
//! answers `true` or `false`; `declare` and `key` do in a hook what only `configure` may. A number behind `long` verifies a
//! message of so many bytes.

wit_bindgen::generate!({ path: "../../../wit", world: "tollgate:plugin/request-only" });

use exports::tollgate::plugin::{configure, on_request};
use serde_json::Value;
use tollgate::plugin::answer::reply_with;
use tollgate::plugin::crypto::{self, Algorithm, KeyForm};
use tollgate::plugin::http::{Action, Reply};
use tollgate::plugin::metrics::{self, Label};
use tollgate::plugin::request;

struct Capable;
export!(Capable);

impl configure::Guest for Capable {
    fn configure(config: String) -> Result<(), Vec<configure::Problem>> {
        let config: Value = serde_json::from_str(&config).expect("the gateway hands over JSON");
        for metric in list(&config, "metrics") {
            let labels = [Label { name: "of".into(), value: "capable".into() }];
            let name = text(metric, "name");
            match text(metric, "kind") {
                "counter" => metrics::counter(name, "A counter.", &labels),
                "gauge" => metrics::gauge(name, "A gauge.", &labels),
                _ => {
                    let bounds: Vec<f64> = list(metric, "bounds").iter().filter_map(Value::as_f64).collect();
                    metrics::histogram(name, "A histogram.", &labels, &bounds)
                }
            };
        }
        for (index, key) in list(&config, "keys").iter().enumerate() {
            let algorithm = match text(key, "algorithm") {
                "RS256" => Algorithm::Rs256,
                "ES256" => Algorithm::Es256,
                _ => Algorithm::Hs256,
            };
            let form = match (key["pem"].as_str(), key["jwk"].as_str()) {
                (Some(pem), _) => KeyForm::Pem(pem.into()),
                (_, Some(jwk)) => KeyForm::Jwk(jwk.into()),
                _ => KeyForm::Secret(text(key, "secret").into()),
            };
            let problem = |message| vec![configure::Problem { pointer: format!("/keys/{index}"), message }];
            crypto::key(algorithm, &form).map_err(problem)?;
        }
        Ok(())
    }
}

impl on_request::Guest for Capable {
    fn on_request() -> Action {
        let Some(told) = request::header("x-do").and_then(|told| String::from_utf8(told).ok()) else {
            return Action::Next;
        };
        let words: Vec<&str> = told.split(' ').collect();
        let handle = || words[1].parse().expect("a handle");
        let number = || words[2].parse().expect("a number");
        match words[0] {
            "add" => metrics::add(handle(), words[2].parse().expect("a whole number")),
            "set" => metrics::set(handle(), number()),
            "observe" => metrics::observe(handle(), number()),
            "declare" => drop(metrics::counter("late", "Too late.", &[])),
            "key" => drop(crypto::key(Algorithm::Hs256, &KeyForm::Secret(vec![0; 32]))),
            "verify" => return answer(crypto::verify(handle(), words[2].as_bytes(), &hex(words[3])).to_string()),
            "long" => return answer(crypto::verify(0, &vec![0; handle() as usize], b"").to_string()),
            _ => {}
        }
        Action::Next
    }
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn hex(text: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex digits");
    (0..text.len() / 2).map(|byte| digits(2 * byte)).collect()
}

fn answer(text: String) -> Action {
    reply_with(&Reply { status: 200, headers: Vec::new(), body: text.into_bytes() });
    Action::Reply
}
