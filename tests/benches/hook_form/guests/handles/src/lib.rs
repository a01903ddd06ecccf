//! Form A: reads and writes are methods of a borrowed handle.

wit_bindgen::generate!({ world: "handles-only", path: "../wit" });

use tollgate::hook_form::types::Reply;
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

    fn on_request(request: &Request) -> Action {
        works::action!(works::run(&mut Exchange {
            request,
            response: None
        }))
    }

    fn on_response(request: &Request, response: &Response) -> Action {
        works::action!(works::run(&mut Exchange {
            request,
            response: Some(response)
        }))
    }
}

struct Exchange<'a> {
    request: &'a Request,
    response: Option<&'a Response>,
}

impl Gateway for Exchange<'_> {
    works::capabilities!();

    fn header(&mut self, name: &str) -> Option<Vec<u8>> {
        self.request.header(name)
    }

    fn client_address(&self) -> String {
        self.request.client_address()
    }

    fn status(&self) -> u16 {
        self.response.map_or(0, Response::status)
    }

    fn write(&mut self, writes: &[Write<'_>]) {
        for write in writes {
            let done = match (write, self.response) {
                (Write::Set(name, value), None) => self.request.set_header(name, value),
                (Write::Set(name, value), Some(response)) => response.set_header(name, value),
                (Write::Remove(name), None) => {
                    self.request.remove_header(name);
                    Ok(())
                }
                (Write::Remove(name), Some(response)) => {
                    response.remove_header(name);
                    Ok(())
                }
            };
            done.expect("the works write legal headers");
        }
    }
}
