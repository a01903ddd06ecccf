//! Sends requests by `wstd`, which speaks `wasi:http` and knows nothing of this gateway.
//!
//! `x-url` has URLs, separated by spaces: they are asked for at once, and the answers joined by line breaks are the reply.
//! `x-method` and `x-body` are of each; `x-timeout` is the milliseconds that the first byte may take, `x-sleep` those that the
//! hook sleeps before.

use tollgate_plugin_sdk::prelude::*;
use wstd::http::{Body as HttpBody, Client, Request as HttpRequest};
use wstd::runtime::{block_on, spawn};
use wstd::task::sleep;

struct Asker;

#[derive(serde::Deserialize)]
struct Config {}

#[plugin]
impl Plugin for Asker {
    type Config = Config;

    fn configure(_: Config) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    fn on_request(&self, request: &mut Request) -> Action {
        let text = |name: &str| request.header_str(name);
        let number = |name: &str| text(name).and_then(|text| text.parse::<u64>().ok());
        if let Some(millis) = number("x-sleep") {
            block_on(async { sleep(wstd::time::Duration::from_millis(millis)).await });
        }
        let Some(urls) = text("x-url") else { return Action::Next };
        let answers = block_on(async {
            let asked: Vec<_> = urls
                .split(' ')
                .map(|url| {
                    let (method, body) = (text("x-method").unwrap_or("GET".into()), text("x-body").unwrap_or_default());
                    spawn(ask(url.to_owned(), method, body, number("x-timeout")))
                })
                .collect();
            let mut answers = Vec::new();
            for asked in asked {
                answers.push(asked.await.unwrap_or_else(|error| format!("error: {error}")));
            }
            answers.join("\n")
        });
        Reply::new(StatusCode::OK).body(answers).into()
    }
}

async fn ask(url: String, method: String, body: String, timeout: Option<u64>) -> Result<String, wstd::http::Error> {
    let mut client = Client::new();
    if let Some(millis) = timeout {
        client.set_first_byte_timeout(wstd::time::Duration::from_millis(millis));
    }
    let request = HttpRequest::builder().method(method.as_str()).uri(url).header("x-own", "1");
    let response = client.send(request.body(HttpBody::from(body))?).await?;
    let status = response.status().as_u16();
    let from = response.headers().get("x-from").and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned();
    let mut body = response.into_body();
    Ok(format!("{status} {from} {}", body.str_contents().await?))
}
