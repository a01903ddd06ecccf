//! Refuses requests for a while when the upstream failed several times in a row. It keeps count in PlectoProxy's stores,
//! because instances come and go.

#![no_std]

extern crate alloc;

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec;

use filters::{Guest, HttpRequest, HttpResponse, OnceBox, RequestDecision, ResponseDecision};
use filters::{header, host_clock, host_counter, host_kv, number, refusal};

const FAILURES: &str = "failures";
const OPEN_UNTIL: &str = "open-until";

static LIMITS: OnceBox<Limits> = OnceBox::new();

struct Limits {
    /// In a row, until it opens.
    failures: i64,
    /// Milliseconds that it stays open.
    recovery: u64,
}

struct CircuitBreaker;

impl Guest for CircuitBreaker {
    fn init() {
        LIMITS.get_or_init(limits);
    }

    fn on_request(_: HttpRequest) -> RequestDecision {
        let open_until = host_kv::get(OPEN_UNTIL).and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?)));
        match open_until {
            Some(end) if end > host_clock::now_ms() => {
                let seconds = (end - host_clock::now_ms()).div_ceil(1000);
                let retry = vec![header("retry-after", seconds.to_string())];
                let body = "{\"status\":503,\"title\":\"Service Unavailable\"}\n";
                RequestDecision::ShortCircuit(refusal(503, retry, body))
            }
            _ => RequestDecision::Continue,
        }
    }

    fn on_response(_: HttpRequest, response: HttpResponse) -> ResponseDecision {
        let limits = LIMITS.get_or_init(limits);
        if response.status >= 500 {
            if host_counter::increment(FAILURES, 1) >= limits.failures {
                let end = host_clock::now_ms() + limits.recovery;
                host_kv::set(OPEN_UNTIL, &end.to_le_bytes());
            }
        } else {
            let failures = host_counter::get(FAILURES);
            if failures != 0 {
                host_counter::increment(FAILURES, -failures);
            }
        }
        ResponseDecision::Continue
    }
}

fn limits() -> Box<Limits> {
    Box::new(Limits { failures: number("failures").max(1) as i64, recovery: number("recovery") * 1000 })
}

filters::export!(CircuitBreaker);
