//! A plugin that sees bodies, on the fake gateway.

use std::cell::Cell;

use tollgate_plugin_sdk::prelude::*;
use tollgate_plugin_sdk::testing::{Gateway, post, response};

/// Wants JSON of requests, and counts bytes of what goes by in pieces.
struct Example {
    counted: Cell<usize>,
}

#[plugin]
impl Plugin for Example {
    type Config = ();

    fn configure(_: ()) -> Result<Self, ConfigError> {
        Ok(Self { counted: Cell::new(0) })
    }

    fn on_request_body(&self, request: &mut Request, body: &mut Body) -> Result<Action, String> {
        if body.is_empty() {
            return Err("nothing came".into());
        }
        let Ok(names) = body.json::<Vec<String>>() else {
            return Ok(Reply::bad_request().detail("no list of names").into());
        };
        request.set_header("x-names", names.len());
        body.replace(names.join(","));
        Ok(Action::Next)
    }

    fn on_request_chunk(&self, _: &Request, chunk: &mut Chunk) -> ChunkAction {
        let counted = self.counted.replace(0) + chunk.len();
        if chunk.is_last() {
            chunk.replace(counted.to_string());
        } else {
            self.counted.set(counted);
            chunk.remove();
        }
        ChunkAction::Next
    }

    fn on_response_body(&self, _: &Request, response: &mut Response, body: &mut Body) -> Action {
        response.set_header("x-length", body.len());
        Action::Next
    }

    fn on_response_chunk(&self, _: &Request, response: &Response, chunk: &mut Chunk) -> Result<ChunkAction, String> {
        match chunk.bytes().as_slice() {
            b"stop" => Ok(ChunkAction::Stop),
            b"fault" => Err(format!("failed on a {}", response.status())),
            _ => Ok(ChunkAction::Next),
        }
    }
}

#[test]
fn whole_bodies_are_seen_changed_and_refused() {
    let gateway = Gateway::new();
    let plugin = testing::configure::<Example>(json!(null)).expect("it has no configuration");
    plugin.request(post("/")).next();
    assert_eq!(plugin.request_body(r#"["a","b"]"#).next(), b"a,b");
    assert_eq!(gateway.request().header("x-names"), Some("2"));
    assert_eq!(plugin.request_body("{").reply().status(), 400);
    assert_eq!(plugin.request_body("").fault(), "nothing came");
    plugin.respond(response(200)).next();
    assert_eq!(plugin.response_body("body").next(), b"body");
    assert_eq!(gateway.response().expect("it is there").header("x-length"), Some("4"));
}

#[test]
fn pieces_are_seen_changed_and_stopped() {
    let gateway = Gateway::new();
    let plugin = testing::configure::<Example>(json!(null)).expect("it has no configuration");
    assert_eq!(plugin.request_chunks(&["abc", "de", ""]), (b"5".to_vec(), true));
    assert_eq!(plugin.request_chunks(&["abc"]), (b"3".to_vec(), true));
    plugin.respond(response(200)).next();
    assert_eq!(plugin.response_chunks(&["go ", "on"]), (b"go on".to_vec(), true));
    assert_eq!(plugin.response_chunks(&["go ", "stop", "on"]), (b"go ".to_vec(), false));
    assert_eq!(plugin.response_chunks(&["fault"]), (Vec::new(), false));
    assert_eq!(gateway.log(), ["error: failed on a 200 OK"]);
}
