//! A request's way along the chain of the first route of a configuration, and back.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};

use crate::chain::{Halt, Run};
use crate::config;
use crate::exchange::{Directory, Exchange, Origin, Outcome, Progress, RequestHead, RequestId, ResponseHead};
use crate::gateway;
use crate::gateway::loader::{self, Loader};
use crate::live::Live;
use crate::telemetry::metrics::Registry;

/// A live configuration on one worker.
pub struct Chained {
    live: Live,
    directory: Arc<Directory>,
    /// Holds the engine, and so the clock of the deadlines.
    _loader: Loader,
}

/// A request before its way, or after it.
pub struct Journey {
    run: Run,
    response: Option<ResponseHead>,
}

const WORKER: usize = 0;

impl Chained {
    /// Loads a `gateway.toml`, as the gateway does.
    ///
    /// # Errors
    /// With the problems of the file.
    pub fn load(file: &Path) -> Result<Self, String> {
        let config = config::load(file, &loader::surroundings()).map_err(|problems| problems.to_string())?;
        let engine = gateway::engine(&config, gateway::cache::folder()).map_err(|error| error.to_string())?;
        let state = Arc::new(loader::state(&config.gateway));
        let mut loader = Loader::new(engine, state, Arc::new(Registry::new(1)), 1);
        let live = loader.load(&config).map_err(|problems| problems.to_string())?;
        loader.commit();
        let directory = Arc::new(live.directory.clone());
        Ok(Self { live, directory, _loader: loader })
    }

    /// A `GET` with these headers, and the response that it will get.
    pub fn journey(&self, headers: &[(&'static str, &'static str)]) -> Journey {
        let target = PathAndQuery::from_static("/v1/users/42");
        let exchange = Exchange {
            directory: Arc::clone(&self.directory),
            route: 0,
            upstream: self.live.routes[0].destination.upstream(|| 0),
            routed: target.clone(),
            request: RequestHead {
                method: Method::GET,
                version: Version::HTTP_11,
                scheme: "http",
                authority: "gateway.example".into(),
                target,
                headers: fields(headers),
                takes_trailers: false,
                upgrade: None,
            },
            response: None,
            piece: None,
            client: IpAddr::V4(Ipv4Addr::LOCALHOST),
            id: RequestId::made([b'0'; 32]),
            certificate: None,
            consumer: None,
            notes: Vec::new(),
            staged: Vec::new(),
            timings: Vec::with_capacity(2 * self.live.routes[0].chain.links().len()),
            progress: Progress::default(),
            outcome: Outcome::default(),
            started: Instant::now(),
            now: Instant::now(),
        };
        let headers = fields(&[("content-type", "application/json"), ("content-length", "81"), ("server", "nginx")]);
        let response = ResponseHead { status: StatusCode::OK, headers, origin: Origin::Upstream };
        Journey { run: Run::new(Box::new(exchange), WORKER), response: Some(response) }
    }

    /// The request hooks, then the response hooks.
    ///
    /// # Panics
    /// When a plugin ends the way, or waits: nothing is to be measured then.
    pub fn pass(&self, mut journey: Journey) -> Journey {
        let chain = &self.live.routes[0].chain;
        passed(journey.run.on_request(chain));
        journey.run.exchange_mut().response = journey.response.take();
        passed(journey.run.on_response(chain));
        journey
    }
}

fn passed(way: impl Future<Output = Option<Halt>>) {
    match pin!(way).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(None) => {}
        Poll::Ready(Some(halt)) => panic!("a plugin ends the way: {halt:?}"),
        Poll::Pending => panic!("a plugin waits for an instance, which reused ones never do"),
    }
}

fn fields(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}
