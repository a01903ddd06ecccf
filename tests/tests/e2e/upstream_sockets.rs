//! Endpoints on Unix sockets.

use tests::{Folder, Reply, Request, Upstream};

use crate::{everything_to, gateway, settled, tollgate};

#[test]
fn requests_and_bodies_pass_a_unix_socket_and_share_a_connection() {
    let folder = Folder::new();
    let path = folder.path().join("users.sock");
    let upstream = Upstream::start_unix(&path, |request| Reply::ok(&request.body.len().to_string()));
    let gateway = gateway(&everything_to(&format!("unix:{}", path.display()), "preserve-host = false"));
    assert_eq!(gateway.get("/one").text(), "0");
    assert_eq!(gateway.send(Request::post("/", vec![b'x'; 3_000_000])).text(), "3000000");
    let received = upstream.received();
    assert_eq!((received.len(), upstream.connections()), (2, 1));
    // A socket has no host.
    assert_eq!(received[0].header("host"), Some("localhost"));
    assert_eq!(received[0].header("x-forwarded-for"), Some("127.0.0.1"));
    let line = gateway.wait_for_access("/one");
    assert_eq!(line["endpoint"], format!("unix:{}", path.display()));
}

#[test]
fn a_path_is_seen_from_the_config_and_nobody_there_is_a_502() {
    let gateway = gateway(&everything_to("unix:run/users.sock", ""));
    assert_eq!(gateway.get("/").status, 502);
    gateway.wait_for_log("cannot connect to unix:");
    std::fs::create_dir(gateway.folder().path().join("run")).expect("the folder is ours");
    let _upstream = Upstream::start_unix(&gateway.folder().path().join("run/users.sock"), |_| Reply::ok("here"));
    assert_eq!(gateway.get("/").text(), "here");
}

#[test]
fn check_says_what_is_wrong_with_the_path_of_a_socket() {
    let long = "x".repeat(120);
    let checked = tollgate(
        &format!("[[upstream]]\nname = \"u\"\nendpoints = [\n\"unix:\",\n\"unix://run/a\",\n\"unix:/{long}\",\n]\n"),
        &["check", "--config", "gateway.toml"],
    );
    let _settled = settled();
    insta::assert_snapshot!(checked.stderr, @r"
    gateway.toml: there is no `[[listener]]`
    gateway.toml: there is no `[[route]]`
    gateway.toml:4:1: `unix:` names no file (upstream `u`)
      help: a Unix socket is written `unix:/run/users.sock`
    gateway.toml:5:1: `unix://run/a` names no file (upstream `u`)
      help: a Unix socket is written `unix:/run/users.sock`
    gateway.toml:6:1: `unix:/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…` is longer than the 107 bytes that the path of a Unix socket has at most (upstream `u`)
    5 problems
    ");
}
