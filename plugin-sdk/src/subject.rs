//! Whose an entry of `state` or `limiter` is.

/// Whose an entry of [`state`](crate::state) or [`limiter`](crate::limiter) is. The gateway knows who
/// takes part in the exchange, so that no name needs to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// The plugin's own: the same for all exchanges.
    Plugin,
    /// The route's of the exchange.
    Route,
    /// The upstream's that the exchange goes to.
    Upstream,
    /// The consumer's; before one is identified, the client's.
    Caller {
        /// Bits of an IPv6 address that make one client: 64 is what a household is usually given.
        ipv6_prefix: u8,
    },
    /// The client's address.
    Client {
        /// As of [`Caller`](Self::Caller).
        ipv6_prefix: u8,
    },
}
