//! Whether a request that failed is sent again, and how much of that there may be.
//!
//! What was not sent can do no harm twice: it goes to another endpoint, whatever its method. What was sent is sent again
//! only if the config says so and its method allows it, within a budget, and never once a response was taken.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use http::{Method, Response, StatusCode};

use super::error::UpstreamError;

/// When a request is sent again.
#[derive(Clone, Debug)]
pub struct Retry {
    /// Tries of one request, the first included.
    pub attempts: usize,
    /// After nothing was sent, or the endpoint says that it did nothing with what was, or probably did not, because it
    /// gave up an idle connection.
    pub on_connect: bool,
    /// After the endpoint left without the head of a response.
    pub on_reset: bool,
    /// After a try took too long.
    pub on_timeout: bool,
    /// After these responses.
    pub statuses: Vec<StatusCode>,
    /// Of requests that are sent again although an endpoint may have acted on them.
    pub methods: Vec<Method>,
    /// Bytes of a request's body that are kept for another try.
    pub buffer: usize,
    /// How long the head of a response is waited for in one try, if that is less than the upstream's timeout.
    pub per_try: Option<Duration>,
    /// Requests that are sent again, in thousandths of those that come.
    pub budget: u32,
    /// The longest wait before the second try at one endpoint; it doubles with each further one.
    pub back_off: Duration,
}

/// What a failed try leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// Nothing was sent. Where that failed it would fail again, and elsewhere it multiplies nothing.
    Elsewhere,
    /// The endpoint may have done something with it: the budget is asked.
    Anywhere,
}

impl Retry {
    /// Whether a body has to be kept as it is sent.
    pub(super) fn keeps(&self, method: &Method) -> bool {
        (self.on_reset || self.on_timeout || !self.statuses.is_empty()) && self.methods.contains(method)
    }

    /// `unsent`: the endpoint did not get the whole head of the request.
    pub(super) fn after<B>(
        &self,
        sent: &Result<Response<B>, UpstreamError>,
        method: &Method,
        unsent: bool,
    ) -> Option<Again> {
        let resends = |on: bool| (on && self.methods.contains(method)).then_some(Again::Anywhere);
        match sent {
            Ok(response) => resends(self.statuses.contains(&response.status())),
            // Another endpoint would not help.
            Err(
                UpstreamError::NoEndpoint { .. }
                | UpstreamError::QueueFull { .. }
                | UpstreamError::QueueTimeout { .. }
                | UpstreamError::Exhausted { .. }
                | UpstreamError::RequestBody { .. }
                | UpstreamError::TotalTimeout { .. },
            ) => None,
            Err(_) if unsent => self.on_connect.then_some(Again::Elsewhere),
            // It says that it did nothing with it; then there may be no other connection.
            Err(
                UpstreamError::Refused { .. }
                | UpstreamError::Connect { .. }
                | UpstreamError::ConnectTimeout { .. }
                | UpstreamError::Certificate { .. }
                | UpstreamError::Tls { .. }
                | UpstreamError::NoHttp2 { .. }
                | UpstreamError::Full { .. },
            ) => self.on_connect.then_some(Again::Anywhere),
            Err(UpstreamError::Closed { .. } | UpstreamError::Reset { .. }) => resends(self.on_reset),
            // Mostly because the endpoint gave it up while the request was on its way.
            Err(UpstreamError::Stale { .. }) => resends(self.on_connect || self.on_reset),
            Err(UpstreamError::ResponseTimeout { .. }) => resends(self.on_timeout),
            // What it says is no response, and it may have acted.
            Err(UpstreamError::Malformed { .. } | UpstreamError::Broken { .. }) => None,
        }
    }

    /// How long to wait before an endpoint is tried again, after so many tries: any time up to the longest, so that
    /// requests that failed together do not come back together.
    pub(super) fn pause(&self, tries: usize) -> Duration {
        let most = self.back_off.saturating_mul(1 << tries.saturating_sub(1).min(10)).min(MOST_BACK_OFF);
        // A hasher's keys are random, which is all that is asked of a jitter.
        let random = RandomState::new().hash_one(0) as u32;
        most.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

/// Before one try.
const MOST_BACK_OFF: Duration = Duration::from_secs(1);

/// What one worker may send again to one upstream. Each worker counts its own requests: their sums keep the same share,
/// and no memory is shared. Tokens, as in a bucket: a request puts in a part of one, a second sending takes one.
///
/// So an upstream that fails altogether gets at most the share more, besides what the bucket holds at once and a trickle
/// that lets a quiet gateway send anything again at all.
#[derive(Debug)]
pub(super) struct Budget {
    /// In thousandths of a token.
    saved: Cell<u32>,
    /// Of the trickle, in thousandths of a token too.
    trickled: Cell<u32>,
    since: Cell<Instant>,
}

/// What 500 requests with a budget of 20 % put in: what comes of late, not of an hour.
const MOST_SAVED: u32 = 100 * TOKEN;
/// At once, and at the start.
const MOST_TRICKLED: u32 = 10 * TOKEN;
const TRICKLE_PER_SECOND: u64 = 3;
const TOKEN: u32 = 1000;

impl Budget {
    pub(super) fn new() -> Self {
        Self { saved: Cell::new(0), trickled: Cell::new(MOST_TRICKLED), since: Cell::new(Instant::now()) }
    }

    /// A request came. `share` is in thousandths.
    pub(super) fn deposit(&self, share: u32) {
        self.saved.set((self.saved.get() + share).min(MOST_SAVED));
    }

    /// Whether one may be sent again.
    pub(super) fn withdraw(&self, now: Instant) -> bool {
        if let Some(left) = self.saved.get().checked_sub(TOKEN) {
            self.saved.set(left);
            return true;
        }
        let millis = now.saturating_duration_since(self.since.get()).as_millis();
        let more = u64::try_from(millis).unwrap_or(u64::MAX).saturating_mul(TRICKLE_PER_SECOND);
        let trickled = u64::from(self.trickled.get()).saturating_add(more).min(u64::from(MOST_TRICKLED));
        let trickled = u32::try_from(trickled).unwrap_or(MOST_TRICKLED);
        self.since.set(now);
        let left = trickled.checked_sub(TOKEN);
        self.trickled.set(left.unwrap_or(trickled));
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_lets_its_share_pass_and_no_more() {
        let (budget, now) = (Budget::new(), Instant::now());
        let sent_again = |requests: u32| {
            let each = (0..requests).map(|_| {
                budget.deposit(200);
                budget.withdraw(now)
            });
            each.filter(|may| *may).count()
        };
        // Ten at once, whatever comes; then one in five.
        assert!((210..=212).contains(&sent_again(1000)));
        assert!((199..=201).contains(&sent_again(1000)));
    }

    #[test]
    fn a_budget_saves_no_more_than_its_bucket_holds() {
        let (budget, now) = (Budget::new(), Instant::now());
        (0..1_000_000).for_each(|_| budget.deposit(200));
        assert_eq!((0..1000).filter(|_| budget.withdraw(now)).count(), 110);
    }

    #[test]
    fn a_quiet_gateway_may_send_some_again() {
        let (budget, now) = (Budget::new(), Instant::now());
        assert_eq!((0..100).filter(|_| budget.withdraw(now)).count(), 10);
        let later = now + Duration::from_secs(2);
        assert_eq!((0..100).filter(|_| budget.withdraw(later)).count(), 6);
        let much_later = now + Duration::from_secs(1_000_000);
        assert_eq!((0..100).filter(|_| budget.withdraw(much_later)).count(), 10);
    }

    #[test]
    fn pauses_grow_and_differ() {
        let retry = Retry { back_off: Duration::from_millis(100), ..all() };
        let longest = |tries| (0..200).map(|_| retry.pause(tries)).max().expect("some");
        let (first, third, late) = (longest(1), longest(3), longest(usize::MAX));
        assert!(first <= Duration::from_millis(100) && first > Duration::from_millis(50), "{first:?}");
        assert!(third <= Duration::from_millis(400) && third > Duration::from_millis(200), "{third:?}");
        assert!(late <= MOST_BACK_OFF && late > MOST_BACK_OFF / 2, "{late:?}");
    }

    #[test]
    fn what_may_have_been_acted_on_is_sent_again_only_by_its_method() {
        let closed =
            || UpstreamError::Closed { endpoint: "e".into(), source: std::io::ErrorKind::UnexpectedEof.into() };
        let after = |method, unsent| all().after::<()>(&Err(closed()), &method, unsent);
        assert_eq!(after(Method::GET, false), Some(Again::Anywhere));
        assert_eq!(after(Method::POST, false), None);
        assert_eq!(after(Method::POST, true), Some(Again::Elsewhere));
        let refused = Response::builder().status(503).body(()).expect("a response");
        assert_eq!(all().after(&Ok(refused), &Method::GET, false), Some(Again::Anywhere));
    }

    fn all() -> Retry {
        Retry {
            attempts: 3,
            on_connect: true,
            on_reset: true,
            on_timeout: true,
            statuses: vec![StatusCode::SERVICE_UNAVAILABLE],
            methods: vec![Method::GET],
            buffer: 1024,
            per_try: None,
            budget: 200,
            back_off: Duration::from_millis(1),
        }
    }
}
