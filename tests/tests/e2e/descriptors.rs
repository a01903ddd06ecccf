//! A process that is out of descriptors: it waits for some, costs nothing meanwhile, and goes on by itself.

use std::fs;
use std::path::Path;
use std::time::Instant;

use tests::{Client, Folder, Gateway, Request, Upstream, syscalls};

use crate::gateway;

/// Descriptors that are left to a gateway of these tests.
const LEFT: usize = 4;
/// Connections that want one.
const WANTED: usize = 12;

/// A gateway with a listener on a port and one on a socket. What begins with `/echo` goes to the echo, all else to the
/// upstream.
fn with_two_listeners(upstream: &Upstream, path: &Path) -> Gateway {
    gateway(&format!(
        r#"
[[listener]]
address = "127.0.0.1:0"
[[listener]]
address = "unix:{}"
[[upstream]]
name = "behind"
endpoints = ["{}"]
[[upstream]]
name = "echo"
endpoints = ["internal:echo"]
[[route]]
name = "behind"
upstream = "behind"
[[route]]
name = "echo"
upstream = "echo"
strip-prefix = "/echo"
match = {{ path = "/echo/**" }}
"#,
        path.display(),
        upstream.url()
    ))
}

/// Takes all descriptors but a few away from the gateway, connects more often than there are, and shows that `thread`,
/// which accepts, does next to nothing then, while a connection that was there before is served as ever.
fn is_patient(gateway: &Gateway, thread: &str, connect: impl Fn() -> Client) -> Vec<Client> {
    let mut healthy = gateway.client();
    assert_eq!(healthy.get("/").status, 200);
    let open = fs::read_dir(format!("/proc/{}/fd", gateway.process_id())).expect("it lives").count();
    gateway.limit_descriptors((open + LEFT) as u64);
    let mut clients: Vec<_> = (0..WANTED).map(|_| connect()).collect();
    for client in &mut clients {
        client.start(Request::get("/echo/"));
    }
    gateway.wait_for_log("cannot accept on");
    // Some are kept back for who asks why.
    for _ in 0..20 {
        assert!(gateway.metric("process_open_fds") >= open as f64);
    }
    let started = Instant::now();
    let calls = syscalls::counted(gateway.process_id(), thread, || {
        assert_eq!(healthy.get("/").status, 200);
        // Half a second on the clock, in which who spins makes a hundred thousand.
        assert_eq!(healthy.get("/echo/delay/500ms").status, 200);
    });
    let ticks = started.elapsed().as_millis() as u64 / 100;
    assert!(calls < 100 + 15 * ticks, "{calls} system calls in {ticks} tenths of a second");
    clients
}

/// Each that leaves makes room for the next, until all were served.
fn all_are_served(clients: Vec<Client>) {
    for mut client in clients {
        assert_eq!(client.receive().status, 200);
        client.abort();
    }
}

/// One line for all of it, unless the machine stood still for ten seconds.
fn is_quiet(gateway: &Gateway, started: Instant) {
    let told = gateway.stderr().matches("cannot accept on").count() as u64;
    assert!(told <= 1 + started.elapsed().as_secs() / 10, "{told} lines");
    assert!(gateway.metric("tollgate_accept_failures_total") >= 1.0);
}

#[test]
fn without_descriptors_a_worker_waits_and_goes_on_when_there_are_some() {
    let (folder, upstream) = (Folder::new(), Upstream::saying(""));
    let gateway = with_two_listeners(&upstream, &folder.path().join("a.sock"));
    let started = Instant::now();
    all_are_served(is_patient(&gateway, "worker-0", || gateway.client()));
    assert_eq!(gateway.get("/").status, 200);
    is_quiet(&gateway, started);
}

#[test]
fn so_does_the_thread_that_accepts_on_unix_sockets() {
    let (folder, upstream) = (Folder::new(), Upstream::saying(""));
    let path = folder.path().join("a.sock");
    let gateway = with_two_listeners(&upstream, &path);
    let started = Instant::now();
    // The control thread has the name of the program.
    all_are_served(is_patient(&gateway, "gateway", || Client::connect_unix(&path)));
    assert_eq!(Client::connect_unix(&path).get("/").status, 200);
    is_quiet(&gateway, started);
}
