//! Asks WASI for too much: timers that it never lets go, and random bytes.

wit_bindgen::generate!({
    inline: r#"
        package tests:hostile;
        world handles {
            import wasi:clocks/monotonic-clock@0.2.6;
            import wasi:random/random@0.2.6;
        }
        package wasi:random@0.2.6 {
            interface random {
                get-random-bytes: func(len: u64) -> list<u8>;
                get-random-u64: func() -> u64;
            }
        }
        package wasi:io@0.2.6 {
            interface poll {
                resource pollable {
                    ready: func() -> bool;
                    block: func();
                }
                poll: func(in: list<borrow<pollable>>) -> list<u32>;
            }
        }
        package wasi:clocks@0.2.6 {
            interface monotonic-clock {
                use wasi:io/poll@0.2.6.{pollable};
                type instant = u64;
                type duration = u64;
                now: func() -> instant;
                resolution: func() -> duration;
                subscribe-instant: func(when: instant) -> pollable;
                subscribe-duration: func(when: duration) -> pollable;
            }
        }
    "#,
    generate_all,
});

/// Random bytes.
pub fn random(count: u64) -> Vec<u8> {
    wasi::random::random::get_random_bytes(count)
}

/// Takes this many handles, and answers how many it has.
pub fn hoard(count: usize) -> usize {
    let hoarded: Vec<_> = (0..count).map(|_| wasi::clocks::monotonic_clock::subscribe_duration(1)).collect();
    hoarded.len()
}
