//! Builds every plugin beside this folder for wasm32-wasip2, or takes prebuilt ones from
//! `TOLLGATE_BUNDLE_DIR`, and writes the table that `src/lib.rs` includes.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as FmtWrite;
use std::fs;
use std::io::{self, Write as IoWrite};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde::Deserialize;

const TARGET: &str = "wasm32-wasip2";
/// Optimised for speed but for this: larger functions are not copied into their callers.
const SMALL: &str = "-Cllvm-args=-inline-threshold=40";

/// Of the environment only what finds the tools and the registry: flags that are meant for the host
/// (`RUSTFLAGS`, coverage, `CARGO_BUILD_TARGET`) must not reach the plugins.
const KEPT: [&str; 12] = [
    "PATH",
    "HOME",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTUP_AUTO_INSTALL",
    "TMPDIR",
    "CARGO_NET_OFFLINE",
    "http_proxy",
    "https_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

fn main() -> ExitCode {
    match bundle() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Cargo shows this line as the error; without it a failed build script is a wall of text.
            println!("cargo::error={problem}");
            ExitCode::FAILURE
        }
    }
}

fn bundle() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=TOLLGATE_BUNDLE_DIR");
    let plugins_folder = folder(&env_path("CARGO_MANIFEST_DIR")?)?;
    let root = folder(&plugins_folder)?;
    let plugins = plugins(&plugins_folder)?;
    let components = match env::var_os("TOLLGATE_BUNDLE_DIR") {
        Some(prebuilt) => PathBuf::from(prebuilt),
        // Without a package cargo would build the whole workspace.
        None if plugins.is_empty() => PathBuf::new(),
        None => build(&root, &plugins)?,
    };
    let out = env_path("OUT_DIR")?;
    let table = out.join("bundle.rs");
    fs::write(&table, table_of(&plugins, &components, &out)?).map_err(|error| format!("{}: {error}", table.display()))
}

/// What a plugin's manifest says of it.
#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    tollgate: Tollgate,
}

#[derive(Deserialize)]
struct Tollgate {
    /// What it is granted when a configuration lists no grants for it.
    grants: Vec<String>,
}

/// The plugins beside this folder, by name, with their grants.
fn plugins(folder: &Path) -> Result<BTreeMap<String, Vec<String>>, String> {
    let mut plugins = BTreeMap::new();
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let manifest = path.join("Cargo.toml");
        if path.file_name().is_some_and(|name| name == "bundle") || !manifest.is_file() {
            continue;
        }
        let text = fs::read_to_string(&manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
        let parsed: Manifest = toml::from_str(&text).map_err(|error| format!("{}: {error}", manifest.display()))?;
        plugins.insert(parsed.package.name, parsed.package.metadata.tollgate.grants);
    }
    Ok(plugins)
}

/// Runs cargo for the plugins in a target folder of their own, which debug and release builds of
/// the host share. Answers where the components are.
fn build(root: &Path, plugins: &BTreeMap<String, Vec<String>>) -> Result<PathBuf, String> {
    for watched in ["wit", "plugin-sdk/src", "plugin-sdk/Cargo.toml", "plugin-sdk/macros", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    check_target()?;
    // OUT_DIR is <target>/<profile>/build/<package>/out.
    let out = env_path("OUT_DIR")?;
    let target = out.ancestors().nth(4).ok_or("OUT_DIR is not in a target folder")?.join("bundle");
    let mut cargo = Command::new(env_path("CARGO")?);
    cargo
        .current_dir(root)
        .env_clear()
        .envs(KEPT.iter().filter_map(|name| Some((name, env::var_os(name)?))))
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags()?)
        .args(["build", "--profile", "plugin", "--target", TARGET, "--target-dir"])
        .arg(&target);
    for plugin in plugins.keys() {
        cargo.args(["--package", plugin]);
    }
    let output = cargo.output().map_err(|error| format!("cargo does not run: {error}"))?;
    if !output.status.success() {
        // Cargo shows what a failed build script wrote here.
        let _ = io::stderr().write_all(&output.stderr);
        return Err("the bundled plugins do not build; the compiler's errors stand below".to_owned());
    }
    Ok(target.join(TARGET).join("plugin"))
}

/// Shorter numbers in the code (a tenth of a component), and panics that name files as the registry
/// does, not as this machine does.
fn rustflags() -> Result<String, String> {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(env::home_dir()?.join(".cargo"))).ok_or("there is no home folder")?;
    let sources = cargo_home.join("registry").join("src");
    Ok(["-Clink-arg=--compress-relocations", SMALL, &format!("--remap-path-prefix={}=", sources.display())]
        .join("\x1f"))
}

/// One line instead of a page of "can't find crate for `core`".
fn check_target() -> Result<(), String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|error| format!("rustc does not run: {error}"))?;
    let libraries = String::from_utf8_lossy(&output.stdout);
    if Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    Err(format!("the bundled plugins need the Rust target {TARGET}: run `rustup target add {TARGET}`"))
}

fn table_of(plugins: &BTreeMap<String, Vec<String>>, components: &Path, out: &Path) -> Result<String, String> {
    let mut table = String::from("/// Every bundled plugin, by name.\npub static PLUGINS: &[Plugin] = &[\n");
    for (name, grants) in plugins {
        // Cargo names the file after the library, a prebuilt one has the plugin's name.
        let candidates = [format!("{}.wasm", name.replace('-', "_")), format!("{name}.wasm")];
        let component = candidates.iter().map(|file| components.join(file)).find(|path| path.is_file());
        let component =
            component.ok_or_else(|| format!("no {} in {}", candidates.join(" or "), components.display()))?;
        println!("cargo::rerun-if-changed={}", component.display());
        let shown = |error: io::Error| format!("{}: {error}", component.display());
        let bare = without_names(&fs::read(&component).map_err(shown)?).ok_or("a component is cut off")?;
        let bundled = out.join(format!("{name}.wasm"));
        fs::write(&bundled, bare).map_err(|error| format!("{}: {error}", bundled.display()))?;
        writeln!(
            table,
            "    Plugin {{ name: {name:?}, grants: &{grants:?}, component: include_bytes!({bundled:?}) }},"
        )
        .map_err(|error| error.to_string())?;
    }
    table.push_str("];\n");
    Ok(table)
}

/// The component without the section `component-name`, which names its parts for debuggers and which
/// `strip` leaves: a twentieth of it. Answers none if a section does not end where it says.
fn without_names(component: &[u8]) -> Option<Vec<u8>> {
    let (preamble, mut rest) = component.split_at_checked(8)?;
    let mut bare = preamble.to_vec();
    while let [id, behind @ ..] = rest {
        let (size, behind) = leb128(behind)?;
        let (content, next) = behind.split_at_checked(size)?;
        let is_names = *id == 0 && leb128(content).is_some_and(|(_, name)| name.starts_with(b"component-name"));
        if !is_names {
            bare.extend_from_slice(&rest[..rest.len() - next.len()]);
        }
        rest = next;
    }
    Some(bare)
}

/// A number as WebAssembly writes it, and what follows it.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let last = bytes.iter().position(|byte| byte & 0x80 == 0)?;
    let (number, rest) = bytes.split_at(last + 1);
    let number =
        number.iter().rev().try_fold(0_usize, |sum, byte| Some(sum.checked_mul(128)? + usize::from(byte & 0x7f)));
    Some((number?, rest))
}

fn env_path(name: &str) -> Result<PathBuf, String> {
    env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("cargo sets no {name}"))
}

fn folder(path: &Path) -> Result<PathBuf, String> {
    path.parent().map(Path::to_owned).ok_or_else(|| format!("{} has no parent", path.display()))
}
