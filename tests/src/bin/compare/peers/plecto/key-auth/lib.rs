//! Lets in who shows the key of a consumer, and tells the upstream whose it is. Keys are looked up as they are: neither
//! hashed nor compared in constant time, which is cheaper in kind than Tollgate's.

#![no_std]

extern crate alloc;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use filters::{Guest, HttpRequest, HttpResponse, OnceBox, RequestDecision, RequestEdit, ResponseDecision};
use filters::{header, refusal, told, value};

/// By key: the consumer's name and groups.
type Consumers = BTreeMap<Vec<u8>, (String, String)>;

static CONSUMERS: OnceBox<Consumers> = OnceBox::new();

struct KeyAuth;

impl Guest for KeyAuth {
    fn init() {
        CONSUMERS.get_or_init(consumers);
    }

    fn on_request(request: HttpRequest) -> RequestDecision {
        let consumer = value(&request.headers, "x-api-key").and_then(|key| CONSUMERS.get()?.get(key));
        let Some((name, groups)) = consumer else {
            let challenge = vec![header("www-authenticate", "ApiKey")];
            let body = "{\"status\":401,\"title\":\"Unauthorized\"}\n";
            return RequestDecision::ShortCircuit(refusal(401, challenge, body));
        };
        RequestDecision::Modified(RequestEdit {
            set_headers: vec![header("x-consumer-name", name.as_str()), header("x-consumer-groups", groups.as_str())],
            remove_headers: vec!["x-api-key".into()],
        })
    }

    fn on_response(_: HttpRequest, _: HttpResponse) -> ResponseDecision {
        ResponseDecision::Continue
    }
}

/// A line for each: key, name, groups.
fn consumers() -> Box<Consumers> {
    let told = told("consumers");
    let consumer = |line: &str| {
        let mut words = line.split(' ');
        Some((words.next()?.into(), (words.next()?.into(), words.next()?.into())))
    };
    Box::new(told.lines().filter_map(consumer).collect())
}

filters::export!(KeyAuth);
