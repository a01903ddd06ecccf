//! A gateway as its users run it: the binary, a config file, sockets and log streams.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Resource, setpriority_process};
use serde_json::Value;

use crate::process::{Process, Signal};
use crate::{Client, Folder, Request, Response, wait_for};

/// A running gateway. Dropped, it is killed.
pub struct Gateway {
    process: Process,
    folder: Folder,
    addresses: Vec<SocketAddr>,
    admin: Option<SocketAddr>,
}

/// A gateway that is yet to be started.
pub struct Builder {
    binary: PathBuf,
    folder: Folder,
    text: String,
    variables: Vec<(String, String)>,
    stdout: Option<Stdio>,
}

impl Builder {
    /// `text` is the `gateway.toml`. What it does not say of `[gateway]`, `admin` and `[[listener]]` is added: free ports
    /// on loopback, and one worker.
    pub fn new(binary: &str, text: &str) -> Self {
        let (folder, text) = (Folder::new(), completed(text));
        Self { binary: binary.into(), folder, text, variables: Vec::new(), stdout: None }
    }

    /// A further file in the folder of `gateway.toml`.
    pub fn file(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        self.folder.write(name, contents);
        self
    }

    /// An environment variable.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Where the access log goes, instead of to the test.
    pub fn access_log_to(mut self, stdout: impl Into<Stdio>) -> Self {
        self.stdout = Some(stdout.into());
        self
    }

    /// The folder of `gateway.toml`.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// With what it wrote, when it does not become ready.
    pub fn start(self) -> Gateway {
        self.folder.write("gateway.toml", &self.text);
        let arguments = ["run", "--config", "gateway.toml"];
        let process = Process::start(&self.binary, self.folder.path(), &arguments, &self.variables, self.stdout);
        let mut gateway = Gateway { process, folder: self.folder, addresses: Vec::new(), admin: None };
        gateway.wait_until_ready(!self.text.contains("admin = \"off\""));
        gateway
    }
}

impl Gateway {
    /// Where the listener accepts; the first one, if there are more.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Where the listeners accept that the gateway started with, in the order of the config.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    pub fn admin(&self) -> SocketAddr {
        self.admin.expect("the config has an admin listener")
    }

    /// A new connection.
    pub fn client(&self) -> Client {
        Client::connect(self.address())
    }

    /// Sends one request on a connection of its own.
    pub fn send(&self, request: Request) -> Response {
        self.client().send(request)
    }

    /// `GET` on a connection of its own.
    pub fn get(&self, target: &str) -> Response {
        self.send(Request::get(target))
    }

    /// `GET` from the admin listener.
    pub fn admin_get(&self, target: &str) -> Response {
        Client::connect(self.admin()).send(Request::get(target).header("host", "localhost"))
    }

    /// A metric: the sum of all that has this name, or, when labels are said as `/metrics` writes them, that one alone.
    pub fn metric(&self, name: &str) -> f64 {
        let metrics = self.admin_get("/metrics").text();
        let samples = metrics.lines().filter_map(|line| line.rsplit_once(' '));
        let wanted = samples.filter(|(labelled, _)| {
            *labelled == name || labelled.strip_prefix(name).is_some_and(|labels| labels.starts_with('{'))
        });
        wanted.map(|(_, value)| value.parse::<f64>().expect("a number")).sum()
    }

    /// What it logged, from stderr.
    pub fn log(&self) -> Vec<Value> {
        self.process.stderr.json()
    }

    /// Waits for a line of the log whose message, or one of whose problems, contains this.
    pub fn wait_for_log(&self, message: &str) -> Value {
        let problems = |line: &Value| line["problems"].as_array().cloned().unwrap_or_default();
        let found = self.process.stderr.wait_for(|line| {
            self::message(line).contains(message)
                || problems(line).iter().any(|problem| self::message(problem).contains(message))
        });
        found.unwrap_or_else(|| panic!("no log line says {message:?}:\n{}", self.stderr()))
    }

    /// Waits for the access log's line about a path. One gateway should not be sent the same path twice then.
    pub fn wait_for_access(&self, path: &str) -> Value {
        let found = self.process.stdout.wait_for(|line| line["path"] == path);
        found
            .unwrap_or_else(|| panic!("the access log has no {path}:\n{}{}", self.process.stdout.text(), self.stderr()))
    }

    /// The access log so far, from stdout. It is written in batches: wait for the last line first.
    pub fn access_log(&self) -> Vec<Value> {
        self.process.stdout.json()
    }

    /// All that was written to stdout: the access log.
    pub fn stdout(&self) -> String {
        self.process.stdout.text()
    }

    /// All that was written to stderr.
    pub fn stderr(&self) -> String {
        self.process.stderr.text()
    }

    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Replaces `gateway.toml`, completed as at the start, and returns without waiting for anything.
    pub fn edit(&self, text: &str) {
        self.folder.write("gateway.toml", completed(text));
    }

    /// Replaces `gateway.toml` and waits until the new one is in force.
    pub fn reload(&self, text: &str) {
        let generation = self.metric("tollgate_config_generation");
        self.edit(text);
        self.wait_for_generation(generation + 1.0);
    }

    /// Waits until the live config is at least this one; the gateway starts with 1.
    pub fn wait_for_generation(&self, generation: f64) {
        wait_for(&format!("generation {generation} of the config"), || {
            (self.metric("tollgate_config_generation") >= generation).then_some(())
        });
    }

    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Its process id, for what /proc tells.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// From now on it may have so many open descriptors.
    pub fn limit_descriptors(&self, most: u64) {
        self.process.limit(Resource::Nofile, Some(most));
    }

    /// From now on its files may not grow beyond so many bytes; none: as the system has it.
    pub fn limit_file_size(&self, most: Option<u64>) {
        self.process.limit(Resource::Fsize, most);
    }

    /// From now on it gets so many bytes of address space and no more, neither for memory nor for the stack of a thread;
    /// none: as the system has it.
    pub fn limit_address_space(&self, most: Option<u64>) {
        self.process.limit(Resource::As, most);
    }

    /// The ids of its threads.
    pub fn threads(&self) -> Vec<Pid> {
        self.process.threads()
    }

    /// From now on each of its threads that are there comes last.
    pub fn make_nice(&self) {
        for thread in self.threads() {
            setpriority_process(Some(thread), 19).expect("it is of our child");
        }
    }

    /// Waits for its end, and for the last that it logged.
    pub fn wait_exit(&mut self) -> ExitStatus {
        self.process.wait_exit()
    }

    fn wait_until_ready(&mut self, has_admin: bool) {
        // The admin listener is the last that is announced.
        let last = if has_admin { "admin listener on " } else { "listening on " };
        let Some(address) = self.process.stderr.wait_for_text(|line| address_after(last, line)) else {
            panic!("the gateway did not start:\n{}", self.stderr());
        };
        self.addresses = self.stderr().lines().filter_map(|line| address_after("listening on ", line)).collect();
        if has_admin {
            self.admin = Some(address);
            wait_for("readiness", || (self.admin_get("/readyz").status == 200).then_some(()));
        }
    }
}

fn message(line: &Value) -> &str {
    line["message"].as_str().unwrap_or_default()
}

/// The address that follows these words, whether the line is JSON or for people.
fn address_after(words: &str, line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(words)?;
    let end = rest.find(|char: char| !(char.is_ascii_hexdigit() || ".:[]".contains(char)));
    rest[..end.unwrap_or(rest.len())].parse().ok()
}

/// Lines stay where they are, so that places in the config can be told, unless there is a `[gateway]` without `admin`.
fn completed(text: &str) -> String {
    let mut text = text.to_owned();
    if !text.contains("[gateway]") {
        text.push_str("\n[gateway]\nadmin = \"127.0.0.1:0\"\nworkers = 1\n");
    } else if !text.contains("admin =") {
        text = text.replacen("[gateway]\n", "[gateway]\nadmin = \"127.0.0.1:0\"\n", 1);
    }
    if !text.contains("[[listener]]") {
        text.push_str("\n[[listener]]\naddress = \"127.0.0.1:0\"\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_both_kinds_of_log() {
        let address = Some("[::1]:80".parse().expect("an address"));
        assert_eq!(address_after("listening on ", "12:00:00.000 INFO listening on [::1]:80 address=[::1]:80"), address);
        assert_eq!(address_after("listening on ", r#"{"message":"listening on [::1]:80"}"#), address);
        assert_eq!(address_after("listening on ", "listening on it"), None);
    }

    #[test]
    fn a_config_is_completed_with_free_ports_and_keeps_its_own() {
        let text = completed("[[route]]\n");
        assert!(
            text.starts_with("[[route]]\n")
                && text.contains("admin = \"127.0.0.1:0\"")
                && text.contains("[[listener]]")
        );
        let whole = "[gateway]\nadmin = \"off\"\n[[listener]]\naddress = \"127.0.0.1:1\"\n";
        assert_eq!(completed(whole), whole);
    }
}
