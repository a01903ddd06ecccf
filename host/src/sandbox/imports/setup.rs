//! `setup` and `log`: what every plugin may call without a grant.

use http::HeaderName;
use wasmtime::Result;

use crate::exchange::Edit;
use crate::sandbox::bindings as wit;
use crate::sandbox::condition::Condition;
use crate::sandbox::console;
use crate::sandbox::fault::Failed;
use crate::sandbox::host::{Fact, Host, Stage};
use crate::state::Misuse;
use crate::wire::headers;

/// Headers that one plugin can own; each costs a look-up on every request.
const MOST_OWNED: usize = 32;

/// Conditions of one hook; each is looked at for every exchange.
const MOST_CONDITIONS: usize = 16;

/// Edits that one plugin can declare for either message.
const MOST_EDITS: usize = 64;

impl wit::setup::Host for Host {
    fn own_header(&mut self, name: String) -> Result<()> {
        self.own(&name).map(drop)
    }

    fn tell_consumer(&mut self, name: String, fact: wit::setup::ConsumerFact) -> Result<()> {
        let name = self.own(&name)?;
        let fact = match fact {
            wit::setup::ConsumerFact::Name => Fact::Name,
            wit::setup::ConsumerFact::Groups => Fact::Groups,
        };
        self.declarations.told.push((name, fact));
        Ok(())
    }

    fn edit_request(&mut self, edits: Vec<wit::http::Edit>) -> Result<()> {
        self.configuring()?;
        declare(&mut self.declarations.request_edits, edits)
    }

    fn edit_response(&mut self, edits: Vec<wit::http::Edit>) -> Result<()> {
        self.configuring()?;
        declare(&mut self.declarations.response_edits, edits)
    }

    fn call_when(&mut self, hook: wit::setup::Hook, conditions: Vec<wit::setup::Condition>) -> Result<()> {
        self.configuring()?;
        if conditions.len() > MOST_CONDITIONS {
            return Err(wasmtime::Error::msg(format!("declares more than {MOST_CONDITIONS} conditions")));
        }
        let conditions = conditions.into_iter().map(condition).collect::<Result<_>>()?;
        match hook {
            wit::setup::Hook::OnRequest => self.declarations.request_when = Some(conditions),
            wit::setup::Hook::OnResponse => self.declarations.response_when = Some(conditions),
        }
        Ok(())
    }

    fn log_unanswered_only(&mut self) -> Result<()> {
        self.configuring()?;
        self.declarations.log_unanswered_only = true;
        Ok(())
    }
}

fn condition(condition: wit::setup::Condition) -> Result<Condition> {
    Ok(match condition {
        wit::setup::Condition::Kept((_, key)) if key.len() > Misuse::MAX_KEY => {
            return Err(wasmtime::Error::new(Misuse::Key(key.len())));
        }
        wit::setup::Condition::Kept((of, key)) => Condition::Kept(of.into(), key.into()),
        wit::setup::Condition::Status((first, last)) => Condition::Status(first..=last),
    })
}

fn declare(declared: &mut Vec<Edit>, edits: Vec<wit::http::Edit>) -> Result<()> {
    if declared.len() + edits.len() > MOST_EDITS {
        return Err(wasmtime::Error::msg(format!("declares more than {MOST_EDITS} edits")));
    }
    for edit in edits {
        let checked = match &edit {
            wit::http::Edit::Remove(name) => Edit::remove(name),
            wit::http::Edit::Rename((from, to)) => Edit::rename(from, to),
            wit::http::Edit::Set(field) => Edit::set(&field.name, &field.value),
            wit::http::Edit::Add(field) => Edit::add(&field.name, &field.value),
            wit::http::Edit::Append(field) => Edit::append(&field.name, &field.value),
        };
        declared.push(checked.map_err(|error| wasmtime::Error::msg(format!("a declared edit: {error}")))?);
    }
    Ok(())
}

impl Host {
    fn own(&mut self, name: &str) -> Result<HeaderName> {
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
        self.declarations.owned.push(name.clone());
        Ok(name)
    }

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
