//! A plugin that sees bodies piece by piece. It upper-cases them; with `do` in its configuration it does something else with
//! those of requests, or of responses if `at` says so.

use std::cell::Cell;
use std::hint::black_box;

use tollgate_plugin_sdk::prelude::*;

struct Shout {
    config: Config,
    /// Bytes of the body that goes through now.
    counted: Cell<usize>,
}

#[derive(serde::Deserialize)]
struct Config {
    #[serde(default, rename = "do")]
    deed: Option<String>,
    #[serde(default)]
    at: At,
}

#[derive(serde::Deserialize, Clone, Copy, Default, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum At {
    #[default]
    Request,
    Response,
}

#[plugin]
impl Plugin for Shout {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, ConfigError> {
        Ok(Self { config, counted: Cell::new(0) })
    }

    fn on_request_chunk(&self, request: &Request, chunk: &mut Chunk) -> Result<ChunkAction, String> {
        request.path();
        self.chunk(At::Request, chunk)
    }

    fn on_response_chunk(
        &self,
        request: &Request,
        response: &Response,
        chunk: &mut Chunk,
    ) -> Result<ChunkAction, String> {
        if self.config.deed.as_deref() == Some("facts") {
            chunk.replace(format!("{} {}", request.path(), response.status()));
            return Ok(ChunkAction::Next);
        }
        self.chunk(At::Response, chunk)
    }
}

impl Shout {
    fn chunk(&self, here: At, chunk: &mut Chunk) -> Result<ChunkAction, String> {
        match self.config.deed.as_deref().filter(|_| self.config.at == here) {
            None if self.config.deed.is_some() => {}
            None => {
                let mut bytes = chunk.bytes();
                bytes.make_ascii_uppercase();
                chunk.replace(bytes);
            }
            // Puts how many bytes there were in the place of all of them.
            Some("count") => {
                let counted = self.counted.get() + chunk.len();
                match chunk.is_last() {
                    true => {
                        chunk.replace(format!("{counted} bytes"));
                        self.counted.set(0);
                    }
                    false => {
                        chunk.remove();
                        self.counted.set(counted);
                    }
                }
            }
            Some("double") => chunk.replace(chunk.bytes().repeat(2)),
            Some("stop") if chunk.bytes().contains(&b'!') => return Ok(ChunkAction::Stop),
            Some("trap") if chunk.bytes().contains(&b'!') => core::arch::wasm32::unreachable(),
            Some("stop" | "trap") => {}
            Some("loop") => loop {
                black_box(0);
            },
            Some("fat") => chunk.replace(vec![b'a'; 2 * 1024 * 1024]),
            Some(other) => return Err(format!("does not know how to do `{other}`")),
        }
        Ok(ChunkAction::Next)
    }
}
