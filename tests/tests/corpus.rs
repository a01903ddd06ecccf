//! What the fuzz targets of `tests/fuzz` have come upon, replayed through the same functions.

use std::fs;
use std::path::PathBuf;

use tollgate::fuzz::TARGETS;

#[test]
fn whatever_was_fuzzed_still_holds() {
    for (name, target) in TARGETS {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus")).join(name);
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{} is empty", folder.display());
        for file in files {
            let bytes = fs::read(&file).expect("it can be read");
            // Where one fails, it says which.
            println!("{}", file.display());
            target(&bytes);
        }
    }
}
