//! Counts each consumer's requests in PlectoProxy's own token buckets, and tells clients what is left.

#![no_std]

extern crate alloc;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;

use filters::{Guest, Header, HttpRequest, HttpResponse, OnceBox, RequestDecision, ResponseDecision, ResponseEdit};
use filters::{header, host_ratelimit, number, refusal, value};

static POLICY: OnceBox<Policy> = OnceBox::new();

/// What clients are told of the limit.
struct Policy {
    header: String,
    /// Seconds.
    window: u64,
}

struct RateLimit;

impl Guest for RateLimit {
    fn init() {
        POLICY.get_or_init(policy);
    }

    fn on_request(request: HttpRequest) -> RequestDecision {
        let bucket = host_ratelimit::try_acquire(consumer(&request.headers), 1);
        if bucket.allowed {
            return RequestDecision::Continue;
        }
        let retry = vec![header("retry-after", bucket.retry_after_ms.div_ceil(1000).to_string())];
        RequestDecision::ShortCircuit(refusal(429, retry, "{\"status\":429,\"title\":\"Too Many Requests\"}\n"))
    }

    fn on_response(request: HttpRequest, _: HttpResponse) -> ResponseDecision {
        let policy = POLICY.get_or_init(policy);
        // A filter keeps nothing from request to response; taking none says what is left.
        let left = host_ratelimit::try_acquire(consumer(&request.headers), 0).remaining;
        ResponseDecision::Modified(ResponseEdit {
            set_status: None,
            set_headers: vec![
                header("ratelimit-policy", policy.header.as_str()),
                header("ratelimit", format!("\"default\";r={left};t={}", policy.window)),
            ],
            remove_headers: vec![],
        })
    }
}

/// Whose bucket it is; all that are nobody share one.
fn consumer(headers: &[Header]) -> &str {
    value(headers, "x-consumer-name").and_then(|name| str::from_utf8(name).ok()).unwrap_or_default()
}

fn policy() -> Box<Policy> {
    let (quota, window) = (number("quota"), number("window"));
    Box::new(Policy { header: format!("\"default\";q={quota};w={window}"), window })
}

filters::export!(RateLimit);
