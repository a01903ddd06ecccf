//! Unix sockets: who may connect, whose file it is, and what becomes of peers that have no address.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use tests::{Client, Folder, Gate, Reply, Request, Signal, Upstream, wait_for};

use crate::{everything_to, gateway, settled, tollgate};

/// A folder of the test's own, and the path of a socket in it.
fn socket() -> (Folder, PathBuf) {
    let folder = Folder::new();
    let path = folder.path().join("a.sock");
    (folder, path)
}

fn listener(path: &Path, keys: &str) -> String {
    format!("[[listener]]\naddress = \"unix:{}\"\n{keys}\n", path.display())
}

/// The config of a gateway to this endpoint that listens on a socket alone.
fn on(path: &Path, endpoint: &str) -> String {
    format!("{}{}", listener(path, ""), everything_to(endpoint, ""))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn requests_and_bodies_pass_a_unix_socket() {
    let (_folder, path) = socket();
    let gateway = gateway(&on(&path, "internal:echo"));
    gateway.wait_for_log(&format!("listening on unix:{}", path.display()));
    let mut client = Client::connect_unix(&path);
    assert_eq!(client.get("/one").json()["path"], "/one");
    assert_eq!(client.send(Request::post("/", vec![b'x'; 3_000_000])).json()["bodyBytes"], 3_000_000);
    assert_eq!(client.get("/bytes/5mb").body.len(), 5_000_000);
}

#[test]
fn http2_with_prior_knowledge_passes_too() {
    let (_folder, path) = socket();
    let _gateway = gateway(&on(&path, "internal:echo"));
    let mut client = Client::connect_unix(&path);
    // The preface and empty SETTINGS (RFC 9113, sections 3.4 and 6.5).
    client.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    // Three bytes of a length, and that it is SETTINGS.
    assert_eq!(client.read_until("\x04\0").len(), 5);
}

#[test]
fn connections_are_spread_evenly_over_the_workers() {
    let (_folder, path) = socket();
    let gateway = gateway(&format!("[gateway]\nworkers = 4\n{}", on(&path, "internal:echo")));
    let mut clients: Vec<_> = (0..20).map(|_| Client::connect_unix(&path)).collect();
    assert!(clients.iter_mut().all(|client| client.get("/").status == 200));
    for worker in 0..4 {
        assert_eq!(gateway.metric(&format!("tollgate_connections{{worker=\"{worker}\"}}")), 5.0, "{worker}");
    }
}

#[test]
fn a_peer_without_an_address_is_unknown_to_upstreams_and_nought_in_the_log() {
    let (_folder, path) = socket();
    let upstream = Upstream::saying("");
    let gateway = gateway(&on(&path, &upstream.url()));
    let spoofed = Request::get("/spoofed").header("x-forwarded-for", "192.0.2.1").header("forwarded", "for=192.0.2.1");
    assert_eq!(Client::connect_unix(&path).send(spoofed).status, 200);
    let received = upstream.only();
    assert_eq!((received.header("x-forwarded-for"), received.header("forwarded")), (Some("unknown"), None));
    assert_eq!(gateway.wait_for_access("/spoofed")["client"], "0.0.0.0");
}

#[test]
fn peers_on_unix_sockets_can_be_trusted_proxies() {
    let (_folder, path) = socket();
    let upstream = Upstream::saying("");
    let config = on(&path, &upstream.url());
    let gateway =
        gateway(&format!("[gateway]\ntrusted-proxies = [\"unix\"]\n{config}[[listener]]\naddress = \"127.0.0.1:0\"\n"));
    let told = |path: &str| Request::get(path).header("x-forwarded-for", "192.0.2.1");
    assert_eq!(Client::connect_unix(&path).send(told("/unix")).status, 200);
    assert_eq!(gateway.send(told("/tcp")).status, 200);
    let received = upstream.received();
    assert_eq!(received[0].header("x-forwarded-for"), Some("192.0.2.1, unknown"));
    assert_eq!(received[1].header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(gateway.wait_for_access("/unix")["client"], "192.0.2.1");
}

#[test]
fn the_file_has_the_permissions_that_the_config_says_also_when_they_change() {
    let (_folder, path) = socket();
    let config = |keys: &str| format!("{}{}", listener(&path, keys), everything_to("internal:echo", ""));
    let gateway = gateway(&config(""));
    assert_eq!(mode(&path), 0o660);
    let mut kept = Client::connect_unix(&path);
    assert_eq!(kept.get("/").status, 200);
    gateway.reload(&config("mode = \"0606\""));
    assert_eq!(mode(&path), 0o606);
    assert_eq!((kept.get("/").status, Client::connect_unix(&path).get("/").status), (200, 200));
}

#[test]
fn what_a_killed_gateway_left_is_replaced_and_what_is_left_goes_at_the_end() {
    let (_folder, path) = socket();
    let mut killed = gateway(&on(&path, "internal:echo"));
    killed.signal(Signal::KILL);
    killed.wait_exit();
    assert!(path.exists());
    let mut gateway = gateway(&on(&path, "internal:echo"));
    assert_eq!(Client::connect_unix(&path).get("/").status, 200);
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.wait_exit().code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn a_socket_in_use_is_said_with_its_place_and_stays_whose_it_is() {
    let (folder, path) = socket();
    let gateway = gateway(&on(&path, "internal:echo"));
    let config = format!("[gateway]\nadmin = \"off\"\n{}", on(&path, "internal:echo"));
    let ran = tollgate(&config, &["run", "--config", "gateway.toml"]);
    let _settled = settled();
    let told = ran.stderr.replace(&folder.path().display().to_string(), "[folder]");
    insta::assert_snapshot!(told, @r"
    tollgate: gateway.toml:4:11: cannot listen on unix:[folder]/a.sock: address in use
      help: another process listens there, maybe another gateway: stop it, or use another path
    ");
    assert_eq!(ran.code, Some(1));
    assert_eq!(Client::connect_unix(&path).get("/").status, 200);
    drop(gateway);
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let (folder, path) = socket();
    folder.write("a.sock", "precious");
    let ran = tollgate(&on(&path, "internal:echo"), &["run", "--config", "gateway.toml"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("there is a file that is no socket"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "precious");
}

#[test]
fn a_reload_adds_and_removes_unix_sockets_and_connections_go_on() {
    let (folder, path) = socket();
    let other = folder.path().join("b.sock");
    let config = |listeners: &[&Path]| {
        let listeners: String = listeners.iter().map(|path| listener(path, "")).collect();
        format!("[gateway]\nworkers = 2\n{listeners}{}", everything_to("internal:echo", ""))
    };
    let gateway = gateway(&config(&[&path]));
    let mut kept: Vec<_> = (0..4).map(|_| Client::connect_unix(&path)).collect();
    assert!(kept.iter_mut().all(|client| client.get("/").status == 200));
    gateway.reload(&config(&[&path, &other]));
    assert_eq!((Client::connect_unix(&path).get("/").status, Client::connect_unix(&other).get("/").status), (200, 200));
    gateway.reload(&config(&[&other]));
    gateway.wait_for_log(&format!("no longer listening on unix:{}", path.display()));
    assert!(!path.exists());
    assert!(kept.iter_mut().all(|client| client.get("/").status == 200));
    // And back again, at the place that it had.
    gateway.reload(&config(&[&path]));
    assert!(!other.exists());
    assert_eq!(Client::connect_unix(&path).get("/").status, 200);
}

#[test]
fn a_new_socket_that_cannot_be_had_changes_nothing() {
    let (folder, path) = socket();
    let _taken = UnixListener::bind(&path).expect("free");
    let free = folder.path().join("free.sock");
    let gateway = crate::gateway_to("internal:echo", "");
    let config = everything_to("internal:echo", r#"match = { path = "/new" }"#);
    gateway.edit(&format!("{config}{}{}", listener(&free, ""), listener(&path, "")));
    gateway.wait_for_log("the configuration is refused");
    assert_eq!((gateway.get("/").status, gateway.get("/new").status), (200, 200));
    // What was bound on the way is gone; what was there is not.
    assert!(!free.exists() && path.exists());
}

#[test]
fn a_stopping_gateway_takes_its_file_away_and_finishes_what_runs() {
    let (_folder, path) = socket();
    let gate = Gate::closed();
    let held = gate.clone();
    let upstream = Upstream::start(move |_| Reply::ok("done").after(&held));
    let mut gateway = gateway(&on(&path, &upstream.url()));
    let mut client = Client::connect_unix(&path);
    client.start(Request::get("/"));
    upstream.wait_for_requests(1);
    gateway.signal(Signal::TERM);
    wait_for("the file to go", || (!path.exists()).then_some(()));
    // Another gateway can take the place meanwhile, and keeps it.
    let second = crate::gateway(&on(&path, "internal:echo"));
    gate.open();
    assert_eq!(client.receive().text(), "done");
    assert_eq!(gateway.wait_exit().code(), Some(0));
    assert_eq!(Client::connect_unix(&path).get("/").status, 200);
    drop(second);
}
