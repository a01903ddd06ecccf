//! Sets and removes the headers that the manifest names.

#![no_std]

extern crate alloc;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use filters::{Guest, Header, HttpRequest, HttpResponse, OnceBox, RequestDecision, RequestEdit, ResponseDecision};
use filters::{ResponseEdit, header, told};

static EDITS: OnceBox<Edits> = OnceBox::new();

struct Edits {
    request: RequestEdit,
    response: ResponseEdit,
}

struct Transform;

impl Guest for Transform {
    fn init() {
        EDITS.get_or_init(edits);
    }

    fn on_request(_: HttpRequest) -> RequestDecision {
        RequestDecision::Modified(EDITS.get_or_init(edits).request.clone())
    }

    fn on_response(_: HttpRequest, _: HttpResponse) -> ResponseDecision {
        ResponseDecision::Modified(EDITS.get_or_init(edits).response.clone())
    }
}

fn edits() -> Box<Edits> {
    let request = RequestEdit { set_headers: set("request-set"), remove_headers: remove("request-remove") };
    let (set_headers, remove_headers) = (set("response-set"), remove("response-remove"));
    Box::new(Edits { request, response: ResponseEdit { set_status: None, set_headers, remove_headers } })
}

/// A line for each: name, value.
fn set(key: &str) -> Vec<Header> {
    told(key).lines().filter_map(|line| line.split_once(' ')).map(|(name, value)| header(name, value)).collect()
}

/// A line for each.
fn remove(key: &str) -> Vec<String> {
    told(key).lines().map(String::from).collect()
}

filters::export!(Transform);
