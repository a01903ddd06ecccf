//! The layout's rules (ARCHITECTURE.md), kept by a machine.

use std::fs;
use std::path::{Path, PathBuf};

use tests::Folder;

/// Lines of code of the file in the middle, and of the largest. Tests do not count.
const MEDIAN_LINES: usize = 150;
const MOST_LINES: usize = 600;

const TOP_LEVEL_FOLDERS: [&str; 9] =
    [".ci", ".git", "config", "host", "plugin-sdk", "plugins", "target", "tests", "wit"];

#[test]
fn only_the_sandbox_names_wasmtime() {
    for file in rust_files("host/src") {
        assert!(is_of(&file, "sandbox") || !code(&file).contains("wasmtime"), "{} names wasmtime", shown(&file));
    }
}

#[test]
fn the_router_does_no_io() {
    for file in rust_files("host/src").into_iter().filter(|file| is_of(file, "router")) {
        for word in ["tokio", "std::fs", "std::io", "Tcp", "Udp", "ToSocketAddrs", "async ", ".await"] {
            assert!(!code(&file).contains(word), "{} has {word:?}: the router is a pure function", shown(&file));
        }
    }
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    let folders = ["host/src", "plugin-sdk/src", "plugin-sdk/macros/src", "tests/src", "tests/tests"];
    let plugins = plugins().into_iter().map(|plugin| plugin.join("src"));
    for folder in folders.map(|folder| root().join(folder)).into_iter().chain(plugins) {
        // The names of its tests say what a test module is for.
        for file in rust_files_in(&folder).into_iter().filter(|file| !is_test(file)) {
            assert!(read(&file).starts_with("//! "), "{} has no module docs", shown(&file));
        }
    }
}

#[test]
fn a_module_is_never_called_mod() {
    for folder in ["host", "plugin-sdk", "plugins", "tests/src", "tests/tests"] {
        for file in rust_files(folder) {
            assert!(!file.ends_with("mod.rs"), "{}: put it beside its folder, under the folder's name", shown(&file));
        }
    }
}

/// A file that no `mod` names is not compiled, and its tests do not run.
#[test]
fn every_file_is_a_module_of_another() {
    let folders = ["host/src", "plugin-sdk/src", "plugin-sdk/macros/src", "tests/src", "tests/tests", "plugins"];
    for file in folders.into_iter().flat_map(rust_files) {
        let folder = file.parent().expect("it is in a folder");
        let is_root = ["lib.rs", "main.rs", "build.rs"].iter().any(|name| file.ends_with(name))
            || ["bin", "tests/tests"].iter().any(|roots| folder.ends_with(roots));
        let name = file.file_stem().and_then(|name| name.to_str()).expect("our names are text");
        let parents = [folder.with_extension("rs"), folder.join("lib.rs"), folder.join("main.rs")];
        let declared = format!("mod {name};");
        let is_named = |parent: &PathBuf| {
            fs::read_to_string(parent).unwrap_or_default().lines().any(|line| line.trim_end().ends_with(&declared))
        };
        assert!(is_root || parents.iter().any(is_named), "{} is a module of no other", shown(&file));
    }
}

#[test]
fn files_are_short() {
    let files = rust_files("host/src").into_iter().filter(|file| !is_test(file));
    let mut lines: Vec<(usize, PathBuf)> = files.map(|file| (lines_of_code(&read(&file)), file)).collect();
    lines.sort();
    let (median, _) = lines[lines.len() / 2];
    assert!(median <= MEDIAN_LINES, "the median file of host/src has {median} lines");
    let (most, largest) = lines.last().expect("there are files");
    assert!(*most <= MOST_LINES, "{} has {most} lines without its tests", shown(largest));
}

/// The contract is read by people who write plugins in any language, and generators put its words into their docs.
#[test]
fn every_item_of_the_contract_is_documented() {
    const NO_ITEMS: [&str; 8] = ["//", "package ", "use ", "include ", "import ", "export ", "}", ")"];
    for file in files(&root().join("wit")) {
        let (text, mut before, mut inside) = (read(&file), "", false);
        for (number, line) in text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty()) {
            // Parameters on lines of their own are not items.
            let is_item = !inside && !NO_ITEMS.iter().any(|start| line.starts_with(start));
            let place = format!("{}:{}", shown(&file), number + 1);
            assert!(!is_item || before.starts_with("///"), "{place}: `{line}` has no `///` before it");
            inside = !line.ends_with(");") && (inside || line.ends_with('(')) && !line.starts_with(')');
            before = line;
        }
    }
}

#[test]
fn a_plugin_is_whole_in_its_folder() {
    for plugin in plugins() {
        for part in ["Cargo.toml", "README.md", "src/lib.rs"] {
            assert!(plugin.join(part).is_file(), "{} has no {part}", shown(&plugin));
        }
        let tested =
            plugin.join("tests").is_dir() || rust_files_in(&plugin).iter().any(|file| read(file).contains("#[test]"));
        assert!(tested, "{} has no tests", shown(&plugin));
    }
}

/// A table of faults is worth what its tests are: each names some, and each of those is there.
#[test]
fn every_fault_is_shown_by_tests_that_are_there() {
    let table = root().join("tests/conformance/faults.md");
    let text = read(&table);
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
    let rows = rows.into_iter().filter(|row| !row.starts_with("| fault ") && !row.starts_with("| --- "));
    let mut shown_by = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [fault, _declared, tests] = cells[..] else { panic!("{row} has {} columns", cells.len()) };
        let tests: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "{fault} is shown by no test");
        for test in tests {
            assert!(is_a_test(test), "{fault}: there is no test `{test}`");
            shown_by += 1;
        }
    }
    assert!(shown_by > 0, "{} has no rows", shown(&table));
}

/// Whether there is an `e2e module::name` of the end-to-end tests, or a `host module::name` of the host's unit tests.
fn is_a_test(test: &str) -> bool {
    let folder = |kind| match kind {
        "e2e" => Some("tests/tests/e2e"),
        "host" => Some("host/src"),
        _ => None,
    };
    let Some((kind, path)) = test.split_once(' ') else { return false };
    let (Some(folder), Some((module, name))) = (folder(kind), path.rsplit_once("::")) else { return false };
    // `tests` is a file of its own, or stands last in the file whose tests they are.
    let inline = module.strip_suffix("::tests").unwrap_or(module);
    [module, inline].into_iter().any(|module| {
        let file = root().join(folder).join(format!("{}.rs", module.replace("::", "/")));
        let text = fs::read_to_string(file).unwrap_or_default();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let at = lines.iter().position(|line| line.starts_with(&format!("fn {name}(")));
        let before = lines[..at.unwrap_or_default()].iter().rev().take_while(|line| line.starts_with("#["));
        before.into_iter().any(|line| line.contains("test"))
    })
}

#[test]
fn there_are_no_other_folders_at_the_top() {
    for folder in entries(&root()).into_iter().filter(|entry| entry.is_dir()) {
        let name = folder.file_name().and_then(|name| name.to_str()).expect("our names are text");
        assert!(TOP_LEVEL_FOLDERS.contains(&name), "{name}/ is not in the layout");
    }
}

#[test]
fn every_config_in_the_repository_loads() {
    let configs: Vec<PathBuf> =
        files(&root().join("config")).into_iter().filter(|file| has_extension(file, "toml")).collect();
    assert!(!configs.is_empty());
    // Its certificates are the operator's: `e2e/front_door.rs` makes some, and has it checked with them.
    let without_files = |config: &&PathBuf| !config.ends_with("examples/front-door.toml");
    for config in configs.iter().filter(without_files) {
        let path = config.to_str().expect("our names are text");
        let ran = Folder::new().tollgate(env!("CARGO_BIN_EXE_gateway"), &["check", "--config", path]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
}

/// Every plugin's folder. `bundle` is a folder of plugins/ and no plugin: it embeds the others.
fn plugins() -> Vec<PathBuf> {
    let folders = entries(&root().join("plugins")).into_iter().filter(|entry| entry.is_dir());
    folders.filter(|folder| !folder.ends_with("bundle")).collect()
}

/// Whether a file is `host/src/<module>.rs` or lies in `host/src/<module>/`.
fn is_of(file: &Path, module: &str) -> bool {
    let inside = file.strip_prefix(root().join("host/src")).expect("it is of the host");
    inside.starts_with(module) || inside == Path::new(module).with_extension("rs")
}

/// Whether a file is a module that is compiled for unit tests only.
fn is_test(file: &Path) -> bool {
    let inside = file.components().skip_while(|part| part.as_os_str() != "src");
    file.ends_with("tests.rs") || inside.into_iter().any(|part| part.as_os_str() == "tests")
}

/// What a file says besides comments.
fn code(file: &Path) -> String {
    let text = read(file);
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Lines up to the test module, which stands last.
fn lines_of_code(text: &str) -> usize {
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().count()
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    rust_files_in(&root().join(folder))
}

fn rust_files_in(folder: &Path) -> Vec<PathBuf> {
    files(folder).into_iter().filter(|file| has_extension(file, "rs")).collect()
}

/// Every file below a folder, but what cargo built there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let below = |entry: PathBuf| match entry.is_dir() {
        true if entry.ends_with("target") => Vec::new(),
        true => files(&entry),
        false => vec![entry],
    };
    entries(folder).into_iter().flat_map(below).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    entries.sort();
    entries
}

fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|found| found == extension)
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it lies in the repository").to_owned()
}
