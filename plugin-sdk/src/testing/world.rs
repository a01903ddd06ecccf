//! What the fake gateway of this thread knows.

use super::meters::Meters;
use super::store::Store;
use super::{Entry, Request, Response, apply};
use crate::Subject;
use crate::crypto::Signer;
use crate::outbound;
use crate::request::WriteError;
use crate::setup::{Condition, Edit, Fact, Hook};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new());
}

/// Reads or changes the world. What `with` calls must not.
pub(crate) fn with<T>(with: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(with)
}

pub(crate) struct World {
    /// Milliseconds since 1970 in UTC.
    pub(crate) now: u64,
    /// `level: line`.
    pub(crate) log: Vec<String>,
    pub(crate) store: Store,
    pub(crate) meters: Meters,
    pub(crate) consumers: Vec<Known>,
    /// Names of the upstreams to steer to; any when there are none.
    pub(crate) upstreams: Vec<String>,
    /// Whether `configure` runs.
    pub(crate) configuring: bool,
    pub(crate) own_headers: Vec<String>,
    pub(crate) told: Vec<(String, Fact)>,
    pub(crate) request_edits: Vec<Edit>,
    pub(crate) response_edits: Vec<Edit>,
    /// The last one of a hook counts.
    pub(crate) call_when: Vec<(Hook, Vec<Condition>)>,
    pub(crate) log_unanswered_only: bool,
    /// In the order of their handles.
    pub(crate) own: Vec<Own>,
    /// In the order of their handles: what makes the signatures of each key.
    pub(crate) keys: Vec<Signer>,
    /// To requests of the plugin's own that are yet to be sent.
    pub(crate) answers: VecDeque<Result<outbound::Response, outbound::SendError>>,
    pub(crate) sent: Vec<outbound::Request>,
    pub(crate) exchange: Option<Exchange>,
    /// Into the gateway, by the hook that was called last, its own call included; 0 if it was not called.
    pub(crate) calls: usize,
}

/// A consumer.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    pub(crate) credentials: Vec<Credential>,
}

/// A metric that the plugin has declared.
pub(crate) struct Own {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    /// A counter's or a gauge's one; all that a histogram was told. None before there was one.
    pub(crate) numbers: Vec<f64>,
}

pub(crate) struct Credential {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) secret: Vec<u8>,
}

/// The exchange that hooks are called for.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) request: Request,
    pub(crate) response: Option<Response>,
    /// What a hook of bodies is called for.
    pub(crate) piece: Option<Piece>,
    /// Name of the caller.
    pub(crate) consumer: Option<String>,
    pub(crate) notes: BTreeMap<String, Vec<u8>>,
    /// What was said of the response before there was one.
    pub(crate) staged: Vec<Edit>,
    /// Whether `on_response` was called.
    pub(crate) answered: bool,
    /// What became of it, once `on_log` runs.
    pub(crate) entry: Option<Entry>,
}

/// A body, or a piece of one.
#[derive(Clone)]
pub(crate) struct Piece {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_last: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            now: 1_767_225_600_000, // 2026-01-01, midnight
            log: Vec::new(),
            store: Store::default(),
            meters: Meters::default(),
            consumers: Vec::new(),
            upstreams: Vec::new(),
            configuring: false,
            own_headers: Vec::new(),
            told: Vec::new(),
            request_edits: Vec::new(),
            response_edits: Vec::new(),
            call_when: Vec::new(),
            log_unanswered_only: false,
            own: Vec::new(),
            keys: Vec::new(),
            answers: VecDeque::new(),
            sent: Vec::new(),
            exchange: None,
            calls: 0,
        }
    }

    pub(crate) fn exchange(&mut self) -> &mut Exchange {
        self.exchange.as_mut().expect("no exchange yet: it traps in the gateway")
    }

    pub(crate) fn has_upstream(&self, name: &str) -> bool {
        self.upstreams.is_empty() || self.upstreams.iter().any(|upstream| upstream == name)
    }

    /// Begins an exchange, without the client's copies of headers that plugins own.
    pub(crate) fn begin(&mut self, mut request: Request) {
        let plain = |name: &str| name.replace(['_', '.'], "-");
        let owned = |name: &str| self.own_headers.iter().any(|own| plain(own) == plain(name));
        request.headers.retain(|(name, _)| !owned(name.as_str()));
        let (response, consumer, entry) = (None, request.consumer.clone(), None);
        let (notes, staged) = (BTreeMap::new(), Vec::new());
        let (piece, answered) = (None, false);
        self.exchange = Some(Exchange { request, response, piece, consumer, notes, staged, answered, entry });
    }

    /// Name of the consumer that has such a credential.
    pub(crate) fn consumer(&self, is: impl Fn(&Credential) -> bool) -> Option<String> {
        let mut consumers = self.consumers.iter();
        let found = consumers.find(|consumer| consumer.credentials.iter().any(&is))?;
        Some(found.name.clone())
    }

    /// The caller is known: says so in the headers that are declared for it.
    pub(crate) fn identified(&mut self, consumer: &str) {
        let groups = self.groups(consumer).join(",");
        let told = self.told.clone();
        let exchange = self.exchange();
        exchange.consumer = Some(consumer.to_owned());
        for (name, fact) in told {
            let value = match fact {
                Fact::Name => consumer,
                Fact::Groups => &groups,
            };
            let edit = if value.is_empty() { Edit::remove(name) } else { Edit::set(name, value) };
            apply::edit(&mut exchange.request.headers, &edit).expect("the gateway refuses such names at load");
        }
    }

    /// Whether a hook is worth a call for the exchange.
    pub(crate) fn minds(&mut self, hook: Hook) -> bool {
        let Some((_, conditions)) = self.call_when.iter().rev().find(|(other, _)| *other == hook) else {
            return true;
        };
        let status = self.exchange.as_ref().and_then(|exchange| Some(exchange.response.as_ref()?.status.as_u16()));
        conditions.clone().into_iter().any(|condition| match condition {
            Condition::Status(statuses) => status.is_some_and(|status| statuses.contains(&status)),
            Condition::Kept(of, key) => {
                let entry = self.entry(of, key);
                self.store.get(&entry, self.now).is_some()
            }
        })
    }

    /// The name of an entry: whose it is, and what the plugin calls it.
    pub(crate) fn entry(&self, of: Subject, key: &str) -> String {
        let exchange = self.exchange.as_ref().map(|exchange| (&exchange.request, &exchange.consumer));
        let client = |prefix: u8| match exchange
            .map(|(request, _)| request.client_address.parse().map(|address: IpAddr| address.to_canonical()))
        {
            Some(Ok(IpAddr::V6(address))) => {
                let network = address.to_bits().checked_shr(128 - u32::from(prefix.min(128))).unwrap_or(0);
                format!("{network:x}/{prefix}")
            }
            Some(Ok(IpAddr::V4(address))) => address.to_string(),
            _ => String::new(),
        };
        let whose = match (of, exchange) {
            (Subject::Plugin, _) => "plugin".to_owned(),
            (Subject::Client { ipv6_prefix }, _) => format!("client {}", client(ipv6_prefix)),
            (Subject::Caller { .. }, Some((_, Some(consumer)))) => format!("consumer {consumer}"),
            (Subject::Caller { ipv6_prefix }, _) => format!("client {}", client(ipv6_prefix)),
            (Subject::Route, Some((request, _))) => format!("route {}", request.route),
            (Subject::Upstream, Some((request, _))) => format!("upstream {}", request.upstream),
            (Subject::Route | Subject::Upstream, None) => panic!("no exchange yet: it traps in the gateway"),
        };
        format!("{whose}\0{key}")
    }

    /// The groups of a consumer.
    pub(crate) fn groups(&self, name: &str) -> Vec<String> {
        let mut consumers = self.consumers.iter();
        consumers.find(|consumer| consumer.name == name).map(|found| found.groups.clone()).unwrap_or_default()
    }
}

impl Exchange {
    /// Keeps a note, within the bounds of the gateway.
    pub(crate) fn keep(&mut self, key: &str, value: &[u8]) -> Result<(), WriteError> {
        let others = self.notes.iter().filter(|(other, _)| *other != key);
        let (count, bytes) = others.fold((1, key.len() + value.len()), |(count, bytes), (key, value)| {
            (count + 1, bytes + key.len() + value.len())
        });
        if count > 64 || bytes > 64 * 1024 {
            return Err(WriteError::Full);
        }
        self.notes.insert(key.to_owned(), value.to_owned());
        Ok(())
    }
}
