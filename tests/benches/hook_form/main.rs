//! What form should the hot hooks take? Measures the candidates on the gateway's wasmtime settings.
//!
//! ```text
//! cargo bench -p tests --bench hook_form
//! ```
//!
//! builds the guests under `guests/` and prints Markdown tables. The forms, over the same works:
//!
//! - **A**: `on-request(borrow<request>) -> action`, reads and writes are methods of the handle.
//!   **A'**: the same guest, but the handle is a constant in place of a table entry for each call.
//! - **B**: `on-request(borrow<request>, read) -> answer`: declared headers come with the call, edits
//!   go back with the answer. **B'**: with a constant handle.
//! - **C**: `on-request(read) -> answer`, no handle. **C0**: nothing is declared, reads are calls.
//! - **D**: `on-request() -> action`, no handle, reads and writes are calls.
//! - **E**: `on-request(read) -> action`, no handle, one call carries all writes.
//! - **F**: `on-request(read) -> action`, no handle, a call for each write.
//! - **G**: `on-request() -> flow`: D, but the answer is an enum, and the reply a call before it.
//!
//! Every call moves the exchange into the store and back, sets an epoch deadline and applies the
//! writes to a real `HeaderMap`. Crossings are the hook, the imports it calls and the destructors;
//! the guest's dropping of a borrowed handle (one for each in A and B) is not among them. Guest
//! allocations are those for values that cross and its own. Times are medians over interleaved
//! rounds, with the 10th and the 90th percentile.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "the tables are what this program is for")]

mod hooks;
mod host;
mod imports;
mod settings;
mod shapes;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use wasmtime::component::Component;
use wasmtime::error::Context as _;
use wasmtime::{Engine, Inlining, Result, ensure};

use hooks::{Call, Cost, Form, Plugin};
use settings::{Deadline, SETTINGS, Settings};

const ROUNDS: usize = 61;
const CALLS: u32 = 1_000;

fn main() -> Result<()> {
    build_guests()?;
    println!("## Form and work\n");
    measure("form", forms()?)?;
    println!("\n## What a prefetch costs, without the answer\n");
    measure("shape", prefetches()?)?;
    println!("\n## What the settings cost, form D\n");
    measure("setting", settings()?)
}

/// Something to measure.
struct Case {
    name: String,
    work: &'static str,
    cost: Cost,
    call: Call,
    /// Microseconds a call, one for each round.
    samples: Vec<f64>,
}

/// The components of an engine that are needed.
struct Bench {
    engine: Engine,
    settings: Settings,
    components: Vec<(&'static str, Component)>,
}

impl Bench {
    fn new(settings: Settings) -> Result<Self> {
        Ok(Self { engine: settings.engine()?, settings, components: Vec::new() })
    }

    fn component(&mut self, guest: &'static str) -> Result<Component> {
        if let Some((_, component)) = self.components.iter().find(|(name, _)| *name == guest) {
            return Ok(component.clone());
        }
        let file = target().join(format!("wasm32-wasip2/release/{guest}.wasm"));
        let component = Component::from_file(&self.engine, file)?;
        self.components.push((guest, component.clone()));
        Ok(component)
    }

    fn case(
        &mut self,
        name: impl Into<String>,
        form: Form,
        work: &'static str,
        reads: &[&'static str],
    ) -> Result<Case> {
        let component = self.component(form.guest())?;
        let plugin = Plugin::new(&self.engine, &self.settings, &component, work, reads)?;
        let (cost, call) = plugin.prepare(form, work.contains("response"))?;
        Ok(Case { name: name.into(), work, cost, call, samples: Vec::new() })
    }
}

const WORKS: [&str; 7] =
    ["no-op", "key-auth", "rate-limit address", "rate-limit header", "one write", "transform", "response"];

fn forms() -> Result<Vec<Case>> {
    let mut table = Bench::new(SETTINGS)?;
    let mut constant = Bench::new(Settings { handle_in_table: false, ..SETTINGS })?;
    let mut cases = Vec::new();
    for work in WORKS {
        let declared: &[_] = match work {
            "key-auth" | "rate-limit header" => &["x-api-key"],
            _ => &[],
        };
        cases.push(table.case("A", Form::Handles, work, &[])?);
        cases.push(constant.case("A'", Form::Handles, work, &[])?);
        cases.push(table.case("B", Form::HandlesAndEdits, work, declared)?);
        cases.push(constant.case("B'", Form::HandlesAndEdits, work, declared)?);
        cases.push(table.case("C", Form::Current, work, declared)?);
        if !declared.is_empty() {
            cases.push(table.case("C0", Form::Current, work, &[])?);
        }
        cases.push(table.case("D", Form::Calls, work, &[])?);
        if !matches!(work, "no-op" | "response") {
            cases.push(table.case("E", Form::Batch, work, declared)?);
            cases.push(table.case("F", Form::Each, work, declared)?);
        }
        cases.push(table.case("G", Form::Flow, work, &[])?);
    }
    cases.push(table.case("D", Form::Calls, "key-auth in one", &[])?);
    cases.push(table.case("G", Form::Flow, "key-auth in one", &[])?);
    Ok(cases)
}

fn prefetches() -> Result<Vec<Case>> {
    let mut bench = Bench::new(SETTINGS)?;
    let mut cases = Vec::new();
    for (work, reads) in [
        ("0 values", &[][..]),
        ("1 value", &["x-api-key"]),
        ("1 absent", &["x-absent"]),
        ("3 values", &["x-api-key", "x-second", "x-third"]),
    ] {
        for (name, form) in [
            ("`list<option<list<u8>>>`, owned", Form::TakeOptions),
            ("the same, borrowed, `Func::typed` in each call", Form::TakeBorrowed),
            ("`list<u8>`, lengths and values", Form::TakePacked),
        ] {
            cases.push(Case { work, ..bench.case(name, form, "no-op", reads)? });
        }
    }
    Ok(cases)
}

fn settings() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (name, settings) in [
        ("the gateway's", SETTINGS),
        ("trap at the deadline, no callback", Settings { deadline: Deadline::Trap, ..SETTINGS }),
        ("the callback runs once a call", Settings { deadline: Deadline::Expired, ..SETTINGS }),
        ("no epoch", Settings { deadline: Deadline::None, ..SETTINGS }),
        ("inlining", Settings { inlining: Inlining::Yes, ..SETTINGS }),
        ("no pooling", Settings { pooling: false, ..SETTINGS }),
    ] {
        let mut bench = Bench::new(settings)?;
        for work in ["no-op", "key-auth", "transform"] {
            cases.push(bench.case(name, Form::Calls, work, &[])?);
        }
    }
    Ok(cases)
}

/// Runs all cases in turn, over and over, and prints a table.
fn measure(what: &str, mut cases: Vec<Case>) -> Result<()> {
    for _ in 0..ROUNDS {
        for case in &mut cases {
            let start = Instant::now();
            for _ in 0..CALLS {
                (case.call)()?;
            }
            let nanoseconds = start.elapsed().as_nanos() as f64 / f64::from(CALLS);
            case.samples.push(nanoseconds / 1_000.0);
        }
    }
    println!("| {what} | work | crossings | guest allocations | µs | 10 % .. 90 % |");
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    for Case { name, work, cost, samples, .. } in &mut cases {
        samples.sort_by(f64::total_cmp);
        let Cost { crossings, guest_allocations } = cost;
        let [low, median, high] = [0.1, 0.5, 0.9].map(|q| samples[(q * ROUNDS as f64) as usize]);
        println!("| {name} | {work} | {crossings} | {guest_allocations} | {median:.2} | {low:.2} .. {high:.2} |");
    }
    Ok(())
}

fn build_guests() -> Result<()> {
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/hook_form/guests");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--target", "wasm32-wasip2", "--target-dir"])
        .arg(target())
        .current_dir(&guests)
        .status()
        .context("cargo does not start")?;
    ensure!(status.success(), "the guests do not build");
    Ok(())
}

fn target() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/hook-form"))
}
