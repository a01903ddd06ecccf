//! The components under `tests/guests/`, and configs that run them.

use std::path::PathBuf;

use tests::{Gateway, Request, Response};

/// The component of a guest. `build.rs` built it.
pub fn guest(name: &str) -> PathBuf {
    PathBuf::from(env!("TOLLGATE_GUESTS")).join(format!("{name}.wasm"))
}

/// The bytes of a guest's component.
pub fn component(name: &str) -> Vec<u8> {
    std::fs::read(guest(name)).expect("build.rs built it")
}

/// The witness as another component, which says another edition: 1 is what the guest itself says.
pub fn edition(number: u8) -> Vec<u8> {
    let mut bytes = component("witness");
    let text = b"edition 1 of the witness";
    let found: Vec<usize> =
        bytes.windows(text.len()).enumerate().filter(|(_, at)| at == text).map(|(at, _)| at).collect();
    assert!(!found.is_empty(), "the guest's text is in its component");
    for at in found {
        bytes[at + 8] = b'0' + number;
    }
    bytes
}

/// A `[[plugin]]` of a guest; `more` are further keys.
pub fn plugin(name: &str, guest: &str, more: &str) -> String {
    format!("[[plugin]]\nname = \"{name}\"\nsource = \"{}\"\n{more}\n", self::guest(guest).display())
}

/// A witness, with this mark as its name.
pub fn witness(mark: &str) -> String {
    plugin(mark, "witness", &format!("grants = [\"state\"]\nconfig = {{ mark = \"{mark}\" }}"))
}

/// An upstream `echo`, and a route `/<name>/**` to it for each name with its `plugins`.
pub fn routes(routes: &[(&str, &[&str])]) -> String {
    let mut text = "[[upstream]]\nname = \"echo\"\nendpoints = [\"internal:echo\"]\n".to_owned();
    for (name, plugins) in routes {
        text.push_str(&format!(
            "[[route]]\nname = \"{name}\"\nupstream = \"echo\"\nmatch = {{ path = \"/{name}/**\" }}\nplugins = {plugins:?}\n"
        ));
    }
    text
}

/// Calls that ended in a fault of this kind.
pub fn faults(gateway: &Gateway, plugin: &str, kind: &str) -> f64 {
    gateway.metric(&format!("tollgate_plugin_faults_total{{plugin=\"{plugin}\",kind=\"{kind}\"}}"))
}

/// Instances of a plugin that are alive.
pub fn instances(gateway: &Gateway, plugin: &str) -> f64 {
    gateway.metric(&format!("tollgate_plugin_instances{{plugin=\"{plugin}\"}}"))
}

/// Asks the guest `bare` or `hostile`, by the header that it obeys.
pub fn ask(gateway: &Gateway, header: &str, what: &str) -> Response {
    gateway.send(Request::get("/evil/x").header(header, what))
}

/// Resident memory of the gateway, in MiB.
pub fn resident(gateway: &Gateway) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.process_id())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux says it");
    let kib: u64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
    kib / 1024
}
