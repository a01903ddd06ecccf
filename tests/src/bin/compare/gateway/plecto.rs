//! PlectoProxy's manifest, and its filters: built against the contract that the installed `plecto` writes, signed with a
//! key of this run, and packed as it loads them.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::config::{CONSUMERS, render, write};
use crate::say;
use crate::scenario::Scenario;

const MANIFEST: &str = include_str!("../peers/plecto/manifest.toml");
const FILTERS: &str = include_str!("../peers/plecto/filters.toml");

/// In the order of Tollgate's chain.
const NAMES: [&str; 4] = ["key-auth", "rate-limit", "circuit-breaker", "transform"];

/// The crate of the filters; the contract comes beside it.
const SOURCES: [(&str, &str); 8] = [
    ("Cargo.toml", include_str!("../peers/plecto/Cargo.toml")),
    ("Cargo.lock", include_str!("../peers/plecto/Cargo.lock")),
    ("lib.rs", include_str!("../peers/plecto/lib.rs")),
    ("runtime.rs", include_str!("../peers/plecto/runtime.rs")),
    ("key-auth/lib.rs", include_str!("../peers/plecto/key-auth/lib.rs")),
    ("rate-limit/lib.rs", include_str!("../peers/plecto/rate-limit/lib.rs")),
    ("circuit-breaker/lib.rs", include_str!("../peers/plecto/circuit-breaker/lib.rs")),
    ("transform/lib.rs", include_str!("../peers/plecto/transform/lib.rs")),
];

const TARGET: &str = "wasm32-wasip2";

/// Writes the manifest of a scenario, after its filters are made.
pub fn manifest(folder: &Path, scenario: Scenario, mut values: Vec<(&str, String)>) -> Result<PathBuf> {
    let chain = match scenario {
        Scenario::PlectoKeyAuth => &NAMES[..1],
        Scenario::PlectoChain => &NAMES,
        _ => &[],
    };
    let quoted: Vec<String> = chain.iter().map(|name| format!("\"{name}\"")).collect();
    values.push(("chain", quoted.join(", ")));
    values.push(("filters", if chain.is_empty() { String::new() } else { filters(folder)? }));
    write(folder, "plecto.toml", &render(MANIFEST, &values))
}

/// The part of the manifest that is about filters. They are made once for a run; what names their digests shows that
/// they are.
fn filters(folder: &Path) -> Result<String> {
    let file = folder.join("filters.toml");
    if !file.exists() {
        say("compare: building PlectoProxy's filters");
        write(folder, "consumers.txt", &consumers()?)?;
        let components = build(&contract(folder)?)?;
        let mut digests = Vec::new();
        for name in NAMES {
            let component = components.join(name.replace('-', "_")).with_extension("wasm");
            digests.push((name, pack(folder, &component, name)?));
        }
        write(folder, "filters.toml", &render(FILTERS, &digests))?;
    }
    Ok(fs::read_to_string(file)?)
}

/// The installed version's contract. It makes the signing key besides, in `.plecto`.
fn contract(folder: &Path) -> Result<String> {
    run(Command::new("plecto").args(["new-filter", "--lang", "rust", "contract"]).current_dir(folder))?;
    let file = folder.join("contract/wit/world.wit");
    fs::read_to_string(&file).with_context(|| format!("plecto wrote no {}", file.display()))
}

/// Builds the components in a folder beside those of the tests' guests, where they stay for the next run. Answers where
/// they are.
fn build(contract: &str) -> Result<PathBuf> {
    // <target>/guests/wasm32-wasip2/release.
    let target = Path::new(env!("TOLLGATE_GUESTS")).ancestors().nth(3).context("guests are not in a target folder")?;
    let folder = target.join("plecto");
    for (name, contents) in SOURCES.into_iter().chain([("wit/world.wit", contract)]) {
        let file = folder.join(name);
        // Written anew it would be built anew.
        if fs::read_to_string(&file).ok().as_deref() != Some(contents) {
            fs::create_dir_all(file.parent().context("a file lies in a folder")?)?;
            fs::write(&file, contents).with_context(|| format!("{} cannot be written", file.display()))?;
        }
    }
    let built = folder.join("target");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "--examples", "--target", TARGET, "--target-dir"]).arg(&built);
    // Flags for the host must not reach components.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
        cargo.env_remove(variable);
    }
    run(cargo.current_dir(folder))?;
    Ok(built.join(TARGET).join("release/examples"))
}

/// Signs a component and packs it, as PlectoProxy loads nothing else. Answers the digest to pin.
fn pack(folder: &Path, component: &Path, name: &str) -> Result<String> {
    let mut package = Command::new("plecto");
    package.arg("package").arg(component).args(["--key", ".plecto/dev-key", "--out"]).arg(format!("filters/{name}"));
    let told = run(package.current_dir(folder))?;
    let digest = told.lines().find(|line| line.starts_with("sha256:"));
    Ok(digest.with_context(|| format!("plecto package told no digest, but: {told}"))?.to_owned())
}

/// A line for each: key, name, groups.
fn consumers() -> Result<String> {
    let mut consumers = String::new();
    for number in 0..CONSUMERS {
        writeln!(consumers, "key-of-consumer-{number:04} consumer-{number:04} partners")?;
    }
    Ok(consumers)
}

/// Runs a command to its end. Answers what it wrote.
fn run(command: &mut Command) -> Result<String> {
    let ran = command.output().with_context(|| format!("{command:?} cannot be started"))?;
    let (out, errors) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    ensure!(ran.status.success(), "{command:?} ended with {}; it wrote:\n{out}{errors}", ran.status);
    Ok(out.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_pins_each_filter_of_the_chain_by_its_digest() {
        let folder = tempfile::tempdir().expect("a folder");
        let digests = NAMES.map(|name| (name, format!("sha256:of-{name}")));
        let made =
            write(folder.path(), "filters.toml", &render(FILTERS, &digests)).expect("a folder that can be written");
        let values = vec![("listen", "1".to_owned()), ("upstream", "2".to_owned())];
        let file = manifest(folder.path(), Scenario::PlectoChain, values).expect("its filters are made");
        let text = fs::read_to_string(file).expect("it was written");
        assert!(text.contains(&fs::read_to_string(made).expect("it was written")));
        assert!(!text.contains('@'), "{text}");
        for name in NAMES {
            assert!(text.contains(&format!("digest = \"sha256:of-{name}\"")), "{text}");
        }
        assert!(text.contains(r#"filters = ["key-auth", "rate-limit", "circuit-breaker", "transform"]"#), "{text}");
    }
}
