//! Single steps of a request's path, through the host's feature `bench`:
//!
//! ```text
//! cargo bench -p tests --bench hot_path
//! ```
//!
//! Targets (medians): a lookup among 10,000 routes at most 300 ns; a no-op hook at most 500 ns, key-auth's at most
//! 1,000 ns, with the timing and counting that the gateway does around each. `journey` makes a request outside of what
//! is measured; what it drops is outside too.
#![forbid(unsafe_code)]

use divan::{Bencher, black_box};
use tempfile::TempDir;
use tollgate::bench::{Chained, Journey, Routes, Shared};

#[global_allocator]
static ALLOCATOR: tollgate::Allocator = tollgate::Allocator;

/// Calls of one sample: one call alone is shorter than what the clock can tell apart.
const CALLS: u32 = 200;
const SAMPLES: u32 = 300;

fn main() {
    divan::Divan::from_args().sample_size(CALLS).sample_count(SAMPLES).main();
}

/// What `compare` tells the plugins.
const CHAIN: &str = include_str!("../src/bin/compare/peers/chain.toml");

/// What a browser sends, and a key; `probe` reads them.
const HEADERS: [(&str, &str); 7] = [
    ("accept", "application/json"),
    ("accept-encoding", "gzip, deflate, br"),
    ("accept-language", "en-GB,en;q=0.5"),
    ("cache-control", "no-cache"),
    ("referer", "https://www.example.com/account"),
    ("user-agent", "counting/1.0"),
    ("x-api-key", "key-of-a-consumer"),
];

mod router {
    use super::{Bencher, Routes, black_box};

    const HOSTS: usize = 100;
    const PATHS: usize = 100;
    /// Enough to leave the caches to chance, and few enough to be made before.
    const REQUESTS: usize = 1_000;

    #[divan::bench]
    fn among_10_000_routes(bencher: Bencher) {
        let routes = Routes::new(HOSTS, PATHS);
        // Coprime to both, so that neighbours are far apart.
        let wanted: Vec<usize> = (0..REQUESTS).map(|turn| turn * 7_919 % (HOSTS * PATHS)).collect();
        let of = |route: &usize| {
            (format!("host-{}.example.com", route / PATHS), format!("/v1/resource-{}/42", route % PATHS))
        };
        let requests: Vec<(String, String)> = wanted.iter().map(of).collect();
        for ((host, path), route) in requests.iter().zip(wanted) {
            assert_eq!(routes.find(host, path), Some(route));
        }
        let mut turn = 0;
        bencher.bench_local(|| {
            turn = (turn + 1) % REQUESTS;
            let (host, path) = &requests[turn];
            routes.find(black_box(host), black_box(path))
        });
    }

    #[divan::bench]
    fn among_10_000_routes_in_vain(bencher: Bencher) {
        let routes = Routes::new(HOSTS, PATHS);
        assert_eq!(routes.find("host-42.example.com", "/v1/nothing/42"), None);
        bencher.bench_local(|| routes.find(black_box("host-42.example.com"), black_box("/v1/nothing/42")));
    }
}

mod hook {
    use super::{Bencher, Loaded};

    /// One call of a request hook that reads this many headers.
    #[divan::bench(args = [0, 1, 5])]
    fn header_reads(bencher: Bencher, reads: usize) {
        Loaded::probes(1, reads).measure(bencher);
    }

    /// Over the one consumer that calls.
    #[divan::bench]
    fn key_auth(bencher: Bencher) {
        Loaded::bundled(&["key-auth"]).measure(bencher);
    }
}

mod chain {
    use super::{Bencher, Loaded};

    /// A request's whole way along this many plugins with a request hook that does nothing.
    #[divan::bench(args = [0, 1, 4, 16])]
    fn of_no_ops(bencher: Bencher, plugins: usize) {
        Loaded::probes(plugins, 0).measure(bencher);
    }

    /// Seven hooks: key-auth has no response hook.
    #[divan::bench]
    fn of_the_bundled_four(bencher: Bencher) {
        Loaded::bundled(&["key-auth", "rate-limit", "circuit-breaker", "transform"]).measure(bencher);
    }
}

mod state {
    use super::{Bencher, Shared, black_box};

    const KEYS: usize = 1_000;

    fn keys() -> Vec<String> {
        (0..KEYS).map(|number| format!("consumer-{number:04}")).collect()
    }

    fn measure<T>(bencher: Bencher, call: impl Fn(&Shared, &str) -> T) {
        let (shared, keys) = (Shared::new(10 * KEYS), keys());
        keys.iter().for_each(|key| shared.set(key, b"a value of some length".to_vec()));
        let mut turn = 0;
        bencher.bench_local(|| {
            turn = (turn + 1) % KEYS;
            call(&shared, black_box(&keys[turn]))
        });
    }

    #[divan::bench]
    fn get(bencher: Bencher) {
        measure(bencher, Shared::get);
    }

    #[divan::bench]
    fn set(bencher: Bencher) {
        measure(bencher, |shared, key| shared.set(key, b"another value".to_vec()));
    }

    #[divan::bench]
    fn add(bencher: Bencher) {
        measure(bencher, Shared::add);
    }

    #[divan::bench]
    fn limiter_acquire(bencher: Bencher) {
        measure(bencher, |shared, key| assert!(shared.acquire(key)));
    }
}

/// A chain that is loaded from a file, which has to stay.
struct Loaded {
    chained: Chained,
    _folder: TempDir,
}

impl Loaded {
    fn probes(count: usize, reads: usize) -> Self {
        let source = concat!(env!("TOLLGATE_GUESTS"), "/probe.wasm");
        let names: Vec<String> = (0..count).map(|number| format!("probe-{number}")).collect();
        let plugin =
            |name| format!("[[plugin]]\nname = \"{name}\"\nsource = \"{source}\"\nconfig = {{ reads = {reads} }}\n");
        Self::new(&names, &names.iter().map(plugin).collect::<String>())
    }

    fn bundled(names: &[&str]) -> Self {
        const CONSUMER: &str =
            "[[consumer]]\nname = \"acme\"\ngroups = [\"users\"]\ncredentials = [{ key = \"key-of-a-consumer\" }]\n";
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let told = if names.len() > 1 { CHAIN } else { "" };
        Self::new(&names, &format!("{CONSUMER}{told}"))
    }

    fn new(names: &[String], told: &str) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let file = folder.path().join("gateway.toml");
        let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        let text = format!(
            "[gateway]\nworkers = 1\nadmin = \"off\"\n[[listener]]\naddress = \"127.0.0.1:0\"\n{told}\n\
             [[upstream]]\nname = \"users\"\nendpoints = [\"internal:echo\"]\n\
             [[route]]\nname = \"users\"\nupstream = \"users\"\nplugins = [{}]\n",
            quoted.join(", ")
        );
        std::fs::write(&file, text).expect("it is our folder");
        let chained = Chained::load(&file).unwrap_or_else(|problems| panic!("{problems}"));
        Self { chained, _folder: folder }
    }

    fn measure(&self, bencher: Bencher) {
        let journey = || -> Journey { self.chained.journey(&HEADERS) };
        // Instances are made, and memory is mapped.
        for _ in 0..CALLS {
            self.chained.pass(journey());
        }
        bencher.with_inputs(journey).bench_local_values(|journey| self.chained.pass(journey));
    }
}
