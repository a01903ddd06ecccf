//! What a fresh instance for each exchange costs: the worker's CPU time for one exchange, over that of an exchange
//! that meets no plugin.
//!
//! ```text
//! cargo bench -p tests --bench fresh_instance
//! ```
//!
//! prints a Markdown table. Each cell is a gateway of its own with one plugin and one worker, which asks
//! `internal:echo`; rounds are interleaved, figures are medians over rounds with the 10th and the 90th percentile. A
//! plugin that reads a clock in `configure` is the one of which no snapshot can be made. The kernel's clock of the
//! thread counts everything: the call, the making and the end of the instance, and the page faults of both.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

use std::fs;
use std::path::PathBuf;

use tests::{Builder, Client, Gateway, Request};

const ROUNDS: usize = 31;
const REQUESTS: u32 = 300;

/// How an instance comes to an exchange.
const WAYS: [(&str, &str, bool); 3] = [
    ("reused", "isolation = \"reuse\"", false),
    ("fresh, from a snapshot", "isolation = \"request\"", false),
    ("fresh, by `configure`", "isolation = \"request\"", true),
];

fn main() {
    let mut bare = Case::start("");
    let works = ["key-auth", "1 entry", "1,000 entries"];
    let mut cases: Vec<Vec<Option<Case>>> =
        works.iter().map(|work| WAYS.iter().map(|&(_, keys, unfit)| plugin(work, keys, unfit)).collect()).collect();
    for _ in 0..ROUNDS {
        bare.round();
        cases.iter_mut().flatten().flatten().for_each(Case::round);
    }
    println!("Microseconds of CPU for one exchange; without a plugin it takes {:.1}.\n", bare.percentile(50));
    println!("| plugin | {} |", WAYS.map(|(name, ..)| name).join(" | "));
    println!("| --- |{}", " --- |".repeat(WAYS.len()));
    for (work, cases) in works.iter().zip(&cases) {
        let cell = |case: &Option<Case>| match case {
            Some(case) => {
                let over = |percent| case.percentile(percent) - bare.percentile(50);
                format!("**{:.1}** ({:.1} to {:.1})", over(50), over(10), over(90))
            }
            None => "".to_owned(),
        };
        println!("| {work} | {} |", cases.iter().map(cell).collect::<Vec<_>>().join(" | "));
    }
}

/// A gateway with a plugin that does this work; none where a bundled plugin cannot be made unfit.
fn plugin(work: &str, keys: &str, unfit: bool) -> Option<Case> {
    let entries = match work {
        "key-auth" if unfit => return None,
        "key-auth" => {
            let consumer = "[[consumer]]\nname = \"acme\"\ncredentials = [{ key = \"key 7, which is a long one\" }]\n";
            return Some(Case::start(&format!("[[plugin]]\nname = \"it\"\nsource = \"key-auth\"\n{keys}\n{consumer}")));
        }
        "1 entry" => 1,
        _ => 1_000,
    };
    let table = PathBuf::from(env!("TOLLGATE_GUESTS")).join("table.wasm");
    let mut config = format!(
        "[[plugin]]\nname = \"it\"\nsource = \"{}\"\n{keys}\n[plugin.config]\nclock = {unfit}\n[plugin.config.entries]\n",
        table.display()
    );
    (0..entries)
        .for_each(|entry| config.push_str(&format!("\"key {entry}, which is a long one\" = \"value {entry}\"\n")));
    Some(Case::start(&config))
}

/// A gateway that is measured.
struct Case {
    client: Client,
    /// Where the kernel tells what the worker has run.
    clock: PathBuf,
    /// Microseconds for one exchange, one for each round; sorted.
    samples: Vec<f64>,
    _gateway: Gateway,
}

impl Case {
    fn start(plugin: &str) -> Self {
        let chain = if plugin.is_empty() { "" } else { "plugins = [\"it\"]" };
        let config = format!(
            "[gateway]\nworkers = 1\n[gateway.log]\naccess = false\n{plugin}\
             [[upstream]]\nname = \"echo\"\nendpoints = [\"internal:echo\"]\n\
             [[route]]\nname = \"all\"\nmatch = {{ path = \"/**\" }}\nupstream = \"echo\"\n{chain}\n"
        );
        let gateway = Builder::new(env!("CARGO_BIN_EXE_gateway"), &config).start();
        let tasks = fs::read_dir(format!("/proc/{}/task", gateway.process_id())).expect("it runs");
        let worker = tasks
            .filter_map(Result::ok)
            .map(|task| task.path())
            .find(|task| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim_end() == "worker-0"))
            .expect("it has a worker");
        let mut case =
            Self { client: gateway.client(), clock: worker.join("schedstat"), samples: Vec::new(), _gateway: gateway };
        case.send();
        case
    }

    fn round(&mut self) {
        let before = self.nanos();
        self.send();
        self.samples.push((self.nanos() - before) as f64 / 1e3 / f64::from(REQUESTS));
        self.samples.sort_by(f64::total_cmp);
    }

    fn send(&mut self) {
        for _ in 0..REQUESTS {
            let request = Request::get("/v1/users/42")
                .header("x-key", "key 0, which is a long one")
                .header("x-api-key", "key 7, which is a long one");
            assert_eq!(self.client.send(request).status, 200);
        }
    }

    fn nanos(&self) -> u64 {
        let text = fs::read_to_string(&self.clock).expect("the worker runs");
        text.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("the first number is what it ran")
    }

    fn percentile(&self, percent: usize) -> f64 {
        self.samples[(self.samples.len() - 1) * percent / 100]
    }
}
