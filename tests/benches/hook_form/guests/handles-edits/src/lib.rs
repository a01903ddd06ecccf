//! Form B: a borrowed handle, declared reads with the call, edits with the answer.

wit_bindgen::generate!({ world: "handles-and-edits", path: "../wit" });

use tollgate::hook_form::types::{Action, Edit, Header, Reply};
use tollgate::hook_form::{consumers, identity, limiter};
use works::{Gateway, Write};

struct Hooks;
export!(Hooks);

impl Guest for Hooks {
    fn configure(work: String) {
        works::configure(&work);
    }

    fn allocations() -> u64 {
        works::allocations()
    }

    fn on_request(request: &Request, read: Vec<Option<Vec<u8>>>) -> Answer {
        answer(Exchange {
            request,
            response: None,
            read,
            edits: Vec::new(),
        })
    }

    fn on_response(request: &Request, response: &Response, read: Vec<Option<Vec<u8>>>) -> Answer {
        answer(Exchange {
            request,
            response: Some(response),
            read,
            edits: Vec::new(),
        })
    }
}

fn answer(mut exchange: Exchange<'_>) -> Answer {
    let action = works::action!(works::run(&mut exchange));
    Answer {
        edits: exchange.edits,
        action,
    }
}

struct Exchange<'a> {
    request: &'a Request,
    response: Option<&'a Response>,
    read: Vec<Option<Vec<u8>>>,
    edits: Vec<Edit>,
}

impl Gateway for Exchange<'_> {
    works::capabilities!();

    fn header(&mut self, name: &str) -> Option<Vec<u8>> {
        match self.read.first_mut() {
            Some(value) => value.take(),
            None => self.request.header(name),
        }
    }

    fn client_address(&self) -> String {
        self.request.client_address()
    }

    fn status(&self) -> u16 {
        self.response.map_or(0, Response::status)
    }

    fn write(&mut self, writes: &[Write<'_>]) {
        self.edits = works::edits!(writes);
    }
}
