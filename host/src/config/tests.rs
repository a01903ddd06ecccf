//! What the config module promises, as a person meets it: files in, checked values or the text of the
//! problems out.

mod answers;
mod checked;
mod include;
mod network;
mod plugins;
mod problems;
mod reference;
mod routes;
mod secrets;
mod tries;
mod upstreams;

use std::path::Path;

use super::{Config, Problems, Surroundings, load};

/// A folder with config files; `gateway.toml` is the one that is loaded.
struct Files(tempfile::TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder"));
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it is in the folder")).expect("a folder in it");
        std::fs::write(path, text).expect("a file in it");
    }

    fn load(&self) -> Result<Config, Problems> {
        load(&self.path().join("gateway.toml"), &surroundings())
    }

    /// The problems as they are printed, paths seen from the folder.
    fn problems(&self) -> String {
        let problems = self.load().expect_err("the config has problems").to_string();
        problems.replace(&format!("{}/", self.path().display()), "")
    }
}

/// What is bundled and in the environment in all tests.
fn surroundings() -> Surroundings {
    let bundled = ["key-auth", "rate-limit", "circuit-breaker", "transform"];
    Surroundings {
        bundled: bundled.map(str::to_owned).to_vec(),
        env: Box::new(|name| match name {
            "KEY" => Some("hunter2".to_owned()),
            "UPSTREAM" => Some("s3cret-upstream".to_owned()),
            "NUMBER" => Some("s3cret-number".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }),
    }
}

/// A listener and an upstream that are right, one line each; a test goes on from here.
const ECHO: &str = r#"listener = [{ address = "127.0.0.1:8080" }]
upstream = [{ name = "echo", endpoints = ["internal:echo"] }]
"#;

/// The same and a route.
const BASE: &str = r#"listener = [{ address = "127.0.0.1:8080" }]
upstream = [{ name = "echo", endpoints = ["internal:echo"] }]
route = [{ name = "all", upstream = "echo" }]
"#;

fn config(text: &str) -> Config {
    match Files::new(&[("gateway.toml", text)]).load() {
        Ok(config) => config,
        Err(problems) => panic!("{problems}"),
    }
}

fn problems(text: &str) -> String {
    Files::new(&[("gateway.toml", text)]).problems()
}

/// What is wrong with this behind `BASE`; it begins at line 4.
fn also(text: &str) -> String {
    problems(&format!("{BASE}{text}"))
}
