//! A plugin that sees whole bodies, and does with them what the request's headers `x-request-do` and `x-response-do` say.
//! Of each body that it sees it tells the length, in a header `x-seen` of the same message, behind its `mark`.

use std::hint::black_box;
use std::sync::Mutex;

use tollgate_plugin_sdk::prelude::*;

struct Editor {
    config: Config,
}

#[derive(serde::Deserialize)]
struct Config {
    #[serde(default)]
    mark: String,
}

/// What the deed `hoard` keeps.
static HOARD: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

#[plugin]
impl Plugin for Editor {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, ConfigError> {
        Ok(Self { config })
    }

    fn on_request_body(&self, request: &mut Request, body: &mut Body) -> Result<Action, String> {
        request.append_header("x-seen", self.seen(body));
        request.set_note("seen", body.len().to_string());
        match request.header_str("x-request-do").as_deref() {
            Some("path") => request.set_path("/elsewhere"),
            Some(deed) => return edit(deed, body),
            None => {}
        }
        Ok(Action::Next)
    }

    fn on_response_body(&self, request: &Request, response: &mut Response, body: &mut Body) -> Result<Action, String> {
        response.append_header("x-seen", self.seen(body));
        if let Some(seen) = request.note("seen") {
            response.set_header("x-request-seen", seen);
        }
        match request.header_str("x-response-do").as_deref() {
            Some("status") => response.set_status(StatusCode::IM_A_TEAPOT),
            Some(deed) if deed.strip_prefix("reply ") == Some(&self.config.mark) => return edit("reply", body),
            Some(deed) if !deed.starts_with("reply ") => return edit(deed, body),
            _ => {}
        }
        Ok(Action::Next)
    }
}

impl Editor {
    fn seen(&self, body: &Body) -> String {
        format!("{}{}", self.config.mark, body.len())
    }
}

fn edit(deed: &str, body: &mut Body) -> Result<Action, String> {
    match deed {
        "upper" => body.replace(body.bytes().to_ascii_uppercase()),
        "double" => body.replace(body.bytes().repeat(2)),
        "empty" => body.replace([]),
        "reply" => {
            return Ok(Reply::new(StatusCode::FORBIDDEN).body([&b"refused: "[..], &body.bytes()].concat()).into());
        }
        "trap" => {
            body.replace("left behind");
            core::arch::wasm32::unreachable()
        }
        "error" => return Err("failed as it was told".into()),
        "loop" => loop {
            black_box(0);
        },
        // More than limits.max-body.
        "fat" => body.replace(vec![b'a'; 2 * 1024 * 1024]),
        // More than an import takes of a guest.
        "huge" => body.replace(vec![b'a'; 12 * 1024 * 1024]),
        "fat-reply" => return Ok(Reply::new(StatusCode::OK).body(vec![b'a'; 12 * 1024 * 1024]).into()),
        "hoard" => HOARD.lock().map_err(|error| error.to_string())?.extend((0..16).map(|_| body.bytes())),
        other => return Err(format!("does not know how to do `{other}`")),
    }
    Ok(Action::Next)
}
