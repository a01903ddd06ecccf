//! Clients who wait to be asked for the body of a request (`Expect: 100-continue`): who is to be asked now.
//!
//! hyper sends no 100 over HTTP/2. It must not know which request is on which stream.

use std::cell::RefCell;
use std::rc::Rc;

use super::bell::Bell;
use crate::proxy::{Invitation, Verdict};

#[derive(Debug)]
pub(super) struct Invited {
    requests: RefCell<Vec<Verdict>>,
    bell: Rc<Bell>,
}

impl Invited {
    pub(super) fn new(bell: Rc<Bell>) -> Rc<Self> {
        Rc::new(Self { requests: RefCell::default(), bell })
    }

    /// For the request with this verdict.
    pub(super) fn invitation(self: &Rc<Self>, verdict: &Verdict) -> Invitation {
        let (invited, verdict) = (Rc::clone(self), Rc::clone(verdict));
        Invitation::new(move || {
            invited.requests.borrow_mut().push(verdict);
            invited.bell.ring();
        })
    }

    /// There was no place to ask this one.
    pub(super) fn later(&self, verdict: Verdict) {
        self.requests.borrow_mut().push(verdict);
    }

    /// Those whose bodies have been waited for since this was last asked.
    pub(super) fn take(&self) -> Vec<Verdict> {
        self.requests.take()
    }
}
