//! `setup` and `log`: what every plugin may call without a grant.

use http::HeaderName;
use wasmtime::Result;

use crate::sandbox::bindings as wit;
use crate::sandbox::console;
use crate::sandbox::fault::Failed;
use crate::sandbox::host::{Host, Stage};
use crate::wire::headers;

/// Headers that one plugin can own; each costs a look-up on every request.
const MOST_OWNED: usize = 32;

impl wit::setup::Host for Host {
    fn own_header(&mut self, name: String) -> Result<()> {
        self.configuring()?;
        let Ok(name) = HeaderName::from_lowercase(name.as_bytes()) else {
            return Err(wasmtime::Error::msg(format!("`{}` is not a header name in lower case", name.escape_debug())));
        };
        if headers::belongs_to_gateway(&name) {
            return Err(wasmtime::Error::msg(format!("`{name}` belongs to the gateway and cannot be owned")));
        }
        if headers::is_common(&name) {
            return Err(wasmtime::Error::msg(format!("`{name}` is for clients to say and cannot be owned")));
        }
        if self.declarations.owned.len() >= MOST_OWNED {
            return Err(wasmtime::Error::msg(format!("owns more than {MOST_OWNED} headers")));
        }
        self.declarations.owned.push(name);
        Ok(())
    }

    fn log_unanswered_only(&mut self) -> Result<()> {
        self.configuring()?;
        self.declarations.log_unanswered_only = true;
        Ok(())
    }
}

impl Host {
    fn configuring(&self) -> Result<()> {
        if self.stage == Stage::Configure {
            return Ok(());
        }
        Err(wasmtime::Error::msg("`setup` can be called only inside `configure`"))
    }
}

impl wit::log::Host for Host {
    fn log(&mut self, level: wit::log::Level, line: String) -> Result<()> {
        let level = match level {
            wit::log::Level::Trace => tracing::Level::TRACE,
            wit::log::Level::Debug => tracing::Level::DEBUG,
            wit::log::Level::Info => tracing::Level::INFO,
            wit::log::Level::Warn => tracing::Level::WARN,
            wit::log::Level::Error => tracing::Level::ERROR,
        };
        let (console, speaker) = self.console();
        console.line(speaker, level, &line);
        Ok(())
    }

    fn fail(&mut self, failure: wit::log::Failure, text: String) -> Result<()> {
        let text = console::cut(&text).to_owned();
        Err(wasmtime::Error::new(match failure {
            wit::log::Failure::Error => Failed::Error(text),
            wit::log::Failure::Panic => Failed::Panic(text),
        }))
    }
}
