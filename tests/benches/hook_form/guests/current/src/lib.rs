//! Forms C to G: no handle, functions on the exchange that this call serves.

wit_bindgen::generate!({
    world: "current",
    path: "../wit",
    ownership: Borrowing { duplicate_if_necessary: true },
});

use tollgate::hook_form::types::{
    EditParam, EditResult as Edit, HeaderParam, HeaderResult as Header, ReplyParam,
    ReplyResult as Reply,
};
use tollgate::hook_form::{consumers, current_exchange, identity, limiter, request, response};
use works::{Gateway, Outcome, Write};

struct Hooks;
export!(Hooks);

impl Guest for Hooks {
    fn configure(work: String) {
        works::configure(&work);
    }

    fn allocations() -> u64 {
        works::allocations()
    }

    fn on_request(read: Vec<Option<Vec<u8>>>) -> Answer {
        let mut exchange = Exchange {
            read,
            writer: Answered(Vec::new()),
        };
        let action = works::action!(works::run(&mut exchange));
        Answer {
            edits: exchange.writer.0,
            action,
        }
    }

    fn on_response(read: Vec<Option<Vec<u8>>>) -> Answer {
        Self::on_request(read)
    }

    fn on_request_calls() -> Action {
        calls(Vec::new(), Each::OfRequest)
    }

    fn on_response_calls() -> Action {
        calls(Vec::new(), Each::OfResponse)
    }

    fn on_request_batch(read: Vec<Option<Vec<u8>>>) -> Action {
        calls(read, Batch)
    }

    fn on_request_each(read: Vec<Option<Vec<u8>>>) -> Action {
        calls(read, Each::OfRequest)
    }

    fn on_request_flow() -> Flow {
        flow(Each::OfRequest)
    }

    fn on_response_flow() -> Flow {
        flow(Each::OfResponse)
    }

    fn take_options(_: Vec<Option<Vec<u8>>>) {}

    fn take_packed(_: Vec<u8>) {}
}

fn calls(read: Vec<Option<Vec<u8>>>, writer: impl Writer) -> Action {
    works::action!(works::run(&mut Exchange { read, writer }))
}

fn flow(writer: impl Writer) -> Flow {
    match works::run(&mut Exchange {
        read: Vec::new(),
        writer,
    }) {
        Outcome::Next => Flow::Next,
        Outcome::Reply(status) => {
            current_exchange::answer(ReplyParam {
                status,
                headers: &[],
                body: &[],
            });
            Flow::Replied
        }
    }
}

struct Exchange<W> {
    read: Vec<Option<Vec<u8>>>,
    writer: W,
}

/// How writes reach the gateway.
trait Writer {
    fn write(&mut self, writes: &[Write<'_>]);
}

/// C: with the answer.
struct Answered(Vec<Edit>);

/// E: in one call.
struct Batch;

/// D, F, G: each by a call.
enum Each {
    OfRequest,
    OfResponse,
}

impl Writer for Answered {
    fn write(&mut self, writes: &[Write<'_>]) {
        self.0 = works::edits!(writes);
    }
}

impl Writer for Batch {
    fn write(&mut self, writes: &[Write<'_>]) {
        let writes: Vec<_> = writes
            .iter()
            .map(|write| match *write {
                Write::Set(name, value) => EditParam::SetHeader(HeaderParam { name, value }),
                Write::Remove(name) => EditParam::RemoveHeader(name),
            })
            .collect();
        current_exchange::apply(&writes).expect("the works write legal headers");
    }
}

impl Writer for Each {
    fn write(&mut self, writes: &[Write<'_>]) {
        for write in writes {
            let done = match (write, &self) {
                (Write::Set(name, value), Each::OfRequest) => request::set_header(name, value),
                (Write::Set(name, value), Each::OfResponse) => response::set_header(name, value),
                (Write::Remove(name), Each::OfRequest) => {
                    request::remove_header(name);
                    Ok(())
                }
                (Write::Remove(name), Each::OfResponse) => {
                    response::remove_header(name);
                    Ok(())
                }
            };
            done.expect("the works write legal headers");
        }
    }
}

impl<W: Writer> Gateway for Exchange<W> {
    works::capabilities!();

    fn header(&mut self, name: &str) -> Option<Vec<u8>> {
        match self.read.first_mut() {
            Some(value) => value.take(),
            None => request::header(name),
        }
    }

    fn client_address(&self) -> String {
        request::client_address()
    }

    fn status(&self) -> u16 {
        response::status()
    }

    fn write(&mut self, writes: &[Write<'_>]) {
        self.writer.write(writes);
    }
}
