//! The PROXY protocol: who has to speak it, who is believed, and what its address counts for.

use tests::tls::{Authority, Tls};
use tests::{Client, Folder, Gateway, Request, Upstream};

use crate::{builder, everything_to, gateway};

const LINE: &str = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";

/// Version 2 with this command, for 192.0.2.7.
fn binary(command: u8) -> Vec<u8> {
    let start = [b"\r\n\r\n\0\r\nQUIT\n", &[0x20 | command, 0x11, 0, 12][..]].concat();
    [&start[..], &[192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb]].concat()
}

/// A listener that expects the protocol of these peers.
fn expecting(peers: &str, keys: &str) -> String {
    format!("[[listener]]\naddress = \"127.0.0.1:0\"\nproxy-protocol = [{peers}]\n{keys}\n")
}

fn behind_a_balancer(endpoint: &str, keys: &str) -> Gateway {
    gateway(&format!("{}{}", expecting("\"127.0.0.0/8\"", keys), everything_to(endpoint, "")))
}

fn said(gateway: &Gateway, header: impl AsRef<[u8]>) -> Client {
    let mut client = gateway.client();
    client.write(header);
    client
}

fn refused(gateway: &Gateway) -> f64 {
    gateway.metric("tollgate_connections_refused_total{reason=\"proxy-protocol\"}")
}

#[test]
fn a_listed_peer_says_who_the_client_is() {
    let upstream = Upstream::saying("");
    let gateway = behind_a_balancer(&upstream.url(), "");
    let v6 = "PROXY TCP6 2001:db8::7 ::1 1 2\r\n".as_bytes().to_vec();
    for (path, header, address) in [
        ("/1", LINE.as_bytes().to_vec(), "192.0.2.7"),
        ("/2", binary(1), "192.0.2.7"),
        ("/3", v6, "2001:db8::7"),
        // Of nobody: the balancer's own connections, to see whether we live.
        ("/4", binary(0), "127.0.0.1"),
        ("/5", b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
    ] {
        let mut client = said(&gateway, header);
        // For the whole connection.
        assert_eq!((client.get(path).status, client.get("/again").status), (200, 200));
        assert_eq!(gateway.wait_for_access(path)["client"], address);
        let received = upstream.received().into_iter().rev().take(2);
        assert!(received.into_iter().all(|request| request.header("x-forwarded-for") == Some(address)), "{path}");
    }
    assert_eq!(refused(&gateway), 0.0);
}

#[test]
fn a_header_may_come_in_pieces_or_with_the_request_behind_it() {
    let gateway = behind_a_balancer("internal:echo", "");
    for header in [LINE.as_bytes().to_vec(), binary(1)] {
        let mut slow = gateway.client();
        for byte in &header {
            slow.write([*byte]);
        }
        assert_eq!(slow.get("/").status, 200);
        let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        let mut at_once = said(&gateway, [&header[..], request].concat());
        assert_eq!(at_once.receive().json()["headers"]["x-forwarded-for"], "192.0.2.7");
    }
}

#[test]
fn http2_with_prior_knowledge_may_follow() {
    let gateway = behind_a_balancer("internal:echo", "");
    let mut client = said(&gateway, binary(1));
    client.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    // Three bytes of a length, and that it is SETTINGS.
    assert_eq!(client.read_until("\x04\0").len(), 5);
}

#[test]
fn tls_begins_behind_the_header_and_not_without_it() {
    let (authority, upstream) = (Authority::new(), Upstream::saying(""));
    let issued = authority.issue(&["gateway.test"]);
    let tls = "tls = { cert = \"server.pem\", key = \"server.key\" }";
    let config = format!("{}{}", expecting("\"127.0.0.1\"", tls), everything_to(&upstream.url(), ""));
    let gateway = builder(&config).file("server.pem", &issued.cert).file("server.key", &issued.key).start();
    let client = Tls::new(&authority, &[]);
    for header in [LINE.as_bytes().to_vec(), binary(1)] {
        let connected = client.try_connect_after(&header, gateway.address(), "gateway.test");
        assert_eq!(connected.expect("a handshake").get("/").status, 200);
    }
    assert!(upstream.received().iter().all(|request| request.header("x-forwarded-for") == Some("192.0.2.7")));
    assert!(client.try_connect(gateway.address(), "gateway.test").is_err());
    assert_eq!(refused(&gateway), 1.0);
}

#[test]
fn a_listed_peer_that_does_not_speak_it_is_disconnected_without_an_answer() {
    let gateway = behind_a_balancer("internal:echo", "");
    let bad =
        ["GET / HTTP/1.1\r\nhost: x\r\n\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n", "PROXY UDP4 1 2 3 4\r\n"];
    for (count, header) in bad.into_iter().enumerate() {
        assert_eq!(said(&gateway, header).rest(), b"", "{header:?}");
        assert_eq!(refused(&gateway), count as f64 + 1.0);
    }
    let mut wrong_command = binary(1);
    wrong_command[12] = 0x2f;
    assert_eq!(said(&gateway, wrong_command).rest(), b"");
    assert!(gateway.access_log().is_empty());
}

#[test]
fn a_header_that_does_not_arrive_in_time_ends_the_connection() {
    let gateway = behind_a_balancer("internal:echo", "limits = { header-timeout = \"100ms\" }");
    for beginning in [&b""[..], b"PROXY TCP4 192.0", &binary(1)[..20]] {
        said(&gateway, beginning).wait_for_close();
    }
    assert_eq!(refused(&gateway), 3.0);
}

#[test]
fn nobody_else_is_believed() {
    let listener = expecting("\"10.0.0.0/8\"", "");
    let gateway = gateway(&format!("{listener}{}", everything_to("internal:echo", "")));
    for header in [LINE.as_bytes().to_vec(), binary(1), b"PROXY UNKNOWN\r\n".to_vec()] {
        let request = b"GET /spoofed HTTP/1.1\r\nhost: x\r\n\r\n";
        let answer = said(&gateway, [&header[..], request].concat()).rest();
        // As a line of HTTP it has an odd version at best.
        let is_refused = answer.starts_with(b"HTTP/1.1 400 ") || answer.starts_with(b"HTTP/1.1 505 ");
        assert!(is_refused, "{:?}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(gateway.get("/").status, 200);
    assert!(!gateway.stdout().contains("192.0.2.7"));
}

/// What a balancer says is a connection's peer, and no more: whether that one may say for whom it asks is another matter.
#[test]
fn the_address_that_is_said_is_the_one_that_may_be_a_trusted_proxy() {
    let trusted = |network: &str| {
        let keys = format!("[gateway]\ntrusted-proxies = [\"{network}\"]\n{}", expecting("\"127.0.0.1\"", ""));
        let gateway = gateway(&format!("{keys}{}", everything_to("internal:echo", "")));
        let request = Request::get("/").header("x-forwarded-for", "203.0.113.5");
        said(&gateway, LINE).send(request).json()["headers"]["x-forwarded-for"].as_str().map(str::to_owned)
    };
    assert_eq!(trusted("127.0.0.1").as_deref(), Some("192.0.2.7"));
    assert_eq!(trusted("192.0.2.0/24").as_deref(), Some("203.0.113.5, 192.0.2.7"));
}

#[test]
fn connections_are_counted_by_the_address_that_is_said() {
    let gateway = behind_a_balancer("internal:echo", "limits = { connections-per-address = 2 }");
    let served = |header: &str| {
        let mut client = said(&gateway, header);
        client.try_send(Request::get("/")).is_ok().then_some(client)
    };
    let open: Vec<_> = (0..4).filter_map(|_| served(LINE)).collect();
    let others: Vec<_> = (0..4).filter_map(|_| served(&LINE.replace("192.0.2.7", "192.0.2.8"))).collect();
    assert_eq!((open.len(), others.len()), (2, 2));
    assert_eq!(gateway.metric("tollgate_connections_refused_total{reason=\"connections-per-address\"}"), 4.0);
}

#[test]
fn a_unix_socket_can_expect_it_too() {
    let folder = Folder::new();
    let path = folder.path().join("a.sock");
    let listener = format!("[[listener]]\naddress = \"unix:{}\"\nproxy-protocol = [\"unix\"]\n", path.display());
    let gateway = gateway(&format!("{listener}{}", everything_to("internal:echo", "")));
    let mut client = Client::connect_unix(&path);
    client.write(binary(1));
    assert_eq!(client.get("/").json()["headers"]["x-forwarded-for"], "192.0.2.7");
    let mut bad = Client::connect_unix(&path);
    assert_eq!(bad.raw("GET / HTTP/1.1\r\nhost: x\r\n\r\n"), b"");
    assert_eq!(refused(&gateway), 1.0);
}

#[test]
fn a_reload_changes_who_has_to_speak_it() {
    let gateway = behind_a_balancer("internal:echo", "");
    let mut kept = said(&gateway, LINE);
    assert_eq!(kept.get("/").status, 200);
    gateway.reload(&format!("{}{}", expecting("\"10.0.0.0/8\"", ""), everything_to("internal:echo", "")));
    assert_eq!(gateway.get("/").json()["headers"]["x-forwarded-for"], "127.0.0.1");
    assert_eq!(kept.get("/").json()["headers"]["x-forwarded-for"], "192.0.2.7");
}

#[test]
fn who_does_not_speak_it_is_told_of_in_the_log_once_a_second() {
    let gateway = behind_a_balancer("internal:echo", "");
    for _ in 0..20 {
        said(&gateway, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").wait_for_close();
    }
    let line = gateway.wait_for_log("no PROXY header");
    assert_eq!(
        (&line["level"], &line["reason"], &line["left_out"]),
        (&"info".into(), &"proxy-protocol".into(), &0.into())
    );
    tests::wait_for("a line that counts the others", || {
        said(&gateway, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").wait_for_close();
        let lines = gateway.log().into_iter().filter(|line| line["reason"] == "proxy-protocol");
        let told = lines.filter_map(|line| line["left_out"].as_u64()).map(|left_out| left_out + 1);
        (told.sum::<u64>() > 20).then_some(())
    });
}
