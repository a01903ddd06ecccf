//! Listeners, endpoints, networks and consumers.

use insta::assert_snapshot;

use super::{also, problems};

#[test]
fn an_admin_listener_for_the_world_is_refused() {
    assert_snapshot!(also("gateway.admin = \"0.0.0.0:9901\""), @r"
    gateway.toml:4:17: the admin listener must be on a loopback address, until it can ask who is calling
      help: such as `127.0.0.1:9901`, or `off`
    1 problem
    ");
}

#[test]
fn listeners_must_not_be_at_the_same_address() {
    assert_snapshot!(problems(r#"
[[listener]]
address = "127.0.0.1:8080"
[[listener]]
address = "127.0.0.1:8080"
[[listener]]
address = "127.0.0.1:9901"
[[upstream]]
name = "echo"
endpoints = ["internal:echo"]
[[route]]
name = "all"
upstream = "echo"
"#), @r"
    gateway.toml:5:11: a second listener is at this address
      help: the first is at gateway.toml:3:11
    gateway.toml:7:11: a second listener is at this address
      help: the admin listener is there: `gateway.admin`
    2 problems
    ");
}

#[test]
fn a_listener_must_not_take_in_another() {
    let listener = |address: &str| format!("[[listener]]\naddress = \"{address}\"\n");
    let listeners: String =
        ["127.0.0.1:80", "0.0.0.0:80", "[::]:81", "0.0.0.0:81", "0.0.0.0:9901", "[::1]:82", "0.0.0.0:82"]
            .map(listener)
            .concat();
    let rest = "[[upstream]]\nname = \"echo\"\nendpoints = [\"internal:echo\"]\n[[route]]\nname = \"all\"\nupstream = \"echo\"\n";
    assert_snapshot!(problems(&(listeners + rest)), @r"
    gateway.toml:4:11: `0.0.0.0:80` takes in `127.0.0.1:80`, which is a listener of its own
      help: the first is at gateway.toml:2:11
    gateway.toml:8:11: `[::]:81`, which is a listener of its own, takes in `0.0.0.0:81`
      help: the first is at gateway.toml:6:11
    gateway.toml:10:11: `0.0.0.0:9901` takes in `127.0.0.1:9901`, which is a listener of its own
      help: the admin listener is there: `gateway.admin`
    3 problems
    ");
}

#[test]
fn listeners_need_an_ip_address_and_a_protocol() {
    assert_snapshot!(problems(r#"
listener = [{ address = ":8080" }, { address = "localhost:80", protocols = [] }, { protocols = ["http3", "h2", "htp1"] }]
upstream = [{ name = "echo", endpoints = ["internal:echo"] }]
route = [{ name = "all", upstream = "echo" }]
"#), @r"
    gateway.toml:2:25: `:8080` is not an IP address with a port
      help: write `0.0.0.0:8080` for every IPv4 address
    gateway.toml:2:48: `localhost:80` is not an IP address with a port
      help: such as `127.0.0.1:8080`, `0.0.0.0:8080` or `[::]:8080`
    gateway.toml:2:82: the key `address` is missing
    gateway.toml:2:97: unknown value `http3`, expected one of `http1`, `http2`
    gateway.toml:2:106: unknown value `h2`, expected one of `http1`, `http2`
      help: did you mean `http2`?
    gateway.toml:2:112: unknown value `htp1`, expected one of `http1`, `http2`
      help: did you mean `http1`?
    6 problems
    ");
}

#[test]
fn unix_sockets_have_paths_of_their_own_and_permissions() {
    let long = "x".repeat(108);
    assert_snapshot!(problems(&format!(r#"
upstream = [{{ name = "echo", endpoints = ["internal:echo"] }}]
route = [{{ name = "all", upstream = "echo" }}]
[[listener]]
address = "unix:/run/a.sock"
mode = "0660"
[[listener]]
address = "unix:/run/./a.sock"
mode = "rw-rw----"
[[listener]]
address = "unix:"
mode = "0888"
[[listener]]
address = "unix:/{long}"
mode = "0o660"
[[listener]]
address = "/run/b.sock"
mode = 660
[[listener]]
address = "unix:/run/\u0000.sock"
[[listener]]
address = "127.0.0.1:8080"
mode = "0660"
[[listener]]
address = "unix:/run/c.sock"
tls = {{ cert = "a.pem", key = "a.key" }}
"#)), @r#"
    gateway.toml:8:11: a second listener is at this address
      help: the first is at gateway.toml:5:11
    gateway.toml:9:8: `rw-rw----` is not a file's permissions
      help: three octal digits, such as `660`, or `0660`
    gateway.toml:11:11: `unix:` names no file
      help: a Unix socket is written `unix:/run/tollgate.sock`
    gateway.toml:12:8: `0888` is not a file's permissions
      help: three octal digits, such as `660`, or `0660`
    gateway.toml:14:11: the path of a Unix socket has at most 107 bytes; this one has more
    gateway.toml:15:8: `0o660` is not a file's permissions
      help: three octal digits, such as `660`, or `0660`
    gateway.toml:17:11: `/run/b.sock` is not an IP address with a port
      help: a Unix socket is written `unix:/run/tollgate.sock`
    gateway.toml:18:8: expected a string with permissions, such as "0660", found an integer
    gateway.toml:20:11: `unix:/run/\0.sock` is no path: it has a NUL in it
    gateway.toml:23:8: an address with a port has no permissions
      help: `mode` is for the file of a Unix socket
    gateway.toml:26:7: there is no TLS on Unix sockets
      help: who may connect is said by `mode`; nobody else sees what passes
    11 problems
    "#);
}

#[test]
fn routes_ask_for_listeners_that_have_names() {
    let unnamed = "listener = [{ address = \"127.0.0.1:8080\" }]\nupstream = [{ name = \"echo\", endpoints = [\"internal:echo\"] }]\n";
    let route = "route = [{ name = \"a\", upstream = \"echo\", match = { listener = \"public\" } }]";
    assert_snapshot!(problems(&format!("{unnamed}{route}")), @r#"
    gateway.toml:3:64: no listener has a name (route `a`)
      help: `name = "public"` in a `[[listener]]`
    1 problem
    "#);
    assert_snapshot!(problems(r#"
upstream = [{ name = "echo", endpoints = ["internal:echo"] }]
[[listener]]
name = "public"
address = "127.0.0.1:8080"
[[listener]]
name = "internal"
address = "127.0.0.1:8081"
[[listener]]
name = "public"
address = "127.0.0.1:8082"
[[listener]]
name = "a b"
address = "127.0.0.1"
[[route]]
name = "a"
upstream = "echo"
match = { listener = ["internal", "pubic"] }
[[route]]
name = "b"
upstream = "echo"
match = { listener = "elsewhere" }
[[route]]
name = "c"
upstream = "echo"
match = { listener = ["public", "internal"] }
[[route]]
name = "d"
upstream = "echo"
match = { listener = "public" }
[[route]]
name = "e"
upstream = "echo"
"#), @r"
    gateway.toml:10:8: a second listener is named `public`
      help: the first is at gateway.toml:4:8
    gateway.toml:13:8: `a b` cannot name a listener
      help: a name has 1 to 128 letters, digits, `.`, `_` and `-`
    gateway.toml:14:11: `127.0.0.1` is not an IP address with a port (listener `a b`)
      help: such as `127.0.0.1:8080`, `0.0.0.0:8080` or `[::]:8080`
    gateway.toml:18:35: no listener named `pubic` (route `a`)
      help: did you mean `public`?
    gateway.toml:22:22: no listener named `elsewhere` (route `b`)
      help: there are `public`, `internal`, `a b`
    gateway.toml:28:8: route `d` wants the same requests as route `c`
      help: `c` is at gateway.toml:24:8; give one of them another `match`, or a higher `priority`
    6 problems
    ");
}

#[test]
fn networks_must_be_networks() {
    assert_snapshot!(also("gateway.trusted-proxies = [\"10.0.0.0/33\", \"localhost\", \"10.0.0.1\", \"fd00::/8\"]"), @r"
    gateway.toml:4:28: `10.0.0.0/33` is not a network
      help: such as `10.0.0.0/8`, `fd00::/8` or `192.0.2.1`, or `unix`
    gateway.toml:4:43: `localhost` is not a network
      help: such as `10.0.0.0/8`, `fd00::/8` or `192.0.2.1`, or `unix`
    2 problems
    ");
}

#[test]
fn endpoints_must_be_hosts_with_ports() {
    assert_snapshot!(problems(r#"
listener = [{ address = "127.0.0.1:8080" }]
route = [{ name = "all", upstream = "u" }]
[[upstream]]
name = "none"
endpoints = []
[[upstream]]
name = "u"
endpoints = [
    "localhost:9001",
    "https://a_b..c",
    "ftp://localhost",
    "http://localhost/api",
    "http://localhost?x",
    "http://u:hunter2@localhost",
    "http://",
    "http://:80",
    "http://a:99999",
    "http://a:0",
    "http://a b",
    "http://[::1",
    "internal:ehco",
    { url = "http://a", weight = 0 },
    { weight = 2 },
    17,
]
"#), @r#"
    gateway.toml:6:13: there are no endpoints (upstream `none`)
      help: at least one: `endpoints = ["http://127.0.0.1:9001"]`
    gateway.toml:10:5: `localhost:9001` is not a URL (upstream `u`)
      help: an endpoint is written `http://host:port`, `https://host:port`, `unix:path` or `internal:echo`
    gateway.toml:11:5: `https://a_b..c` has a host that is neither a DNS name nor an IP address (upstream `u`)
      help: `tls.server-name` says whose certificate it has
    gateway.toml:12:5: `ftp://localhost` has an unknown scheme (upstream `u`)
      help: an endpoint is written `http://host:port`, `https://host:port`, `unix:path` or `internal:echo`
    gateway.toml:13:5: `http://localhost/api` has a path or a query: an endpoint is a host and a port (upstream `u`)
      help: `rewrite` and `strip-prefix` of a route change the path that the upstream sees
    gateway.toml:14:5: `http://localhost?x` has a path or a query: an endpoint is a host and a port (upstream `u`)
      help: `rewrite` and `strip-prefix` of a route change the path that the upstream sees
    gateway.toml:15:5: the URL has a user name or password in it (upstream `u`)
      help: an endpoint is written `http://host:port`, `https://host:port`, `unix:path` or `internal:echo`
    gateway.toml:16:5: `http://` is not a URL (upstream `u`)
      help: an endpoint is written `http://host:port`, `https://host:port`, `unix:path` or `internal:echo`
    gateway.toml:17:5: `http://:80` has no host (upstream `u`)
      help: an endpoint is written `http://host:port`, `https://host:port`, `unix:path` or `internal:echo`
    gateway.toml:18:5: `http://a:99999` has no port from 1 to 65535 (upstream `u`)
    gateway.toml:19:5: `http://a:0` has no port from 1 to 65535 (upstream `u`)
    gateway.toml:20:5: `http://a b` is not a URL (upstream `u`)
      help: an endpoint is written `http://host:port`, `https://host:port`, `unix:path` or `internal:echo`
    gateway.toml:21:5: `http://[::1` is not a URL (upstream `u`)
      help: an endpoint is written `http://host:port`, `https://host:port`, `unix:path` or `internal:echo`
    gateway.toml:22:5: `internal:ehco` is not an internal endpoint (upstream `u`)
      help: there is `internal:echo`
    gateway.toml:23:34: 0 is out of range: a number from 1 to 65535 is possible here (upstream `u`)
    gateway.toml:24:5: the key `url` is missing (upstream `u`)
    gateway.toml:25:5: expected a URL or a table with `url` and `weight`, found an integer (upstream `u`)
    17 problems
    "#);
}

#[test]
fn keys_of_consumers_are_never_shown() {
    assert_snapshot!(also(r#"
[[consumer]]
name = "a"
credentials = [{ key = "topsecret" }, { key = "" }, { key = 12345678 }]
[[consumer]]
name = "b"
credentials = [{ kye = "topsecret" }, { key = "topsecret" }]
"#), @r"
    gateway.toml:7:47: the key is empty (consumer `a`)
    gateway.toml:7:61: expected a string, found an integer (consumer `a`)
    gateway.toml:10:18: unknown key `kye` (consumer `b`)
      help: did you mean `key`?
    gateway.toml:10:47: the same key is given twice (consumer `b`)
      help: the first is at gateway.toml:7:24
    4 problems
    ");
}

#[test]
fn tls_needs_certificates_with_their_keys() {
    assert_snapshot!(problems(r#"
upstream = [{ name = "echo", endpoints = ["internal:echo"] }]
route = [{ name = "all", upstream = "echo" }]
[[listener]]
address = "127.0.0.1:1"
tls = {}
[[listener]]
address = "127.0.0.1:2"
tls = { cert = "a.pem" }
[[listener]]
address = "127.0.0.1:3"
tls = { cert = "a.pem", key = "a.key", certificates = [{ cert = "b.pem", key = "b.key" }] }
[[listener]]
address = "127.0.0.1:4"
tls = { certificates = [{ cert = "a.pem" }], client = { certificate = "always" } }
"#), @r#"
    gateway.toml:6:7: TLS needs a certificate
      help: `tls = { cert = "server.pem", key = "server.key" }`
    gateway.toml:9:16: the key `key` is missing beside this one
      help: a certificate and its private key are named together
    gateway.toml:12:56: `certificates` beside `cert` and `key`
      help: put all of them into `certificates`; the first is the default
    gateway.toml:15:25: the key `key` is missing
    gateway.toml:15:55: the key `ca` is missing
    gateway.toml:15:71: unknown value `always`, expected one of `required`, `optional`
    6 problems
    "#);
}

#[test]
fn the_proxy_protocol_is_spoken_by_peers_that_can_connect() {
    assert_snapshot!(problems(r#"
upstream = [{ name = "echo", endpoints = ["internal:echo"] }]
route = [{ name = "all", upstream = "echo" }]
[[listener]]
address = "127.0.0.1:8080"
proxy-protocol = ["10.0.0.0/8", "unix"]
[[listener]]
address = "unix:/run/a.sock"
proxy-protocol = ["unix", "10.0.0.1"]
"#), @r#"
    gateway.toml:6:33: `unix` is who connects to a Unix socket, and this listener has an address with a port
      help: the networks of the load balancers, such as `10.0.0.0/8`
    gateway.toml:9:27: nobody in `10.0.0.1/32` connects to a Unix socket
      help: `proxy-protocol = ["unix"]`: whoever connects begins with the PROXY protocol
    2 problems
    "#);
}

#[test]
fn a_match_that_names_nothing_would_take_no_request() {
    assert_snapshot!(problems(r#"
listener = [{ address = "127.0.0.1:8080", name = "public" }]
upstream = [{ name = "echo", endpoints = ["internal:echo"] }]
route = [{ name = "none", upstream = "echo", match = { listener = [], host = [] } }]
"#), @r"
    gateway.toml:4:67: no listener is named, so no request would be taken (route `none`)
      help: leave `listener` out for any listener
    gateway.toml:4:78: no host is named, so no request would be taken (route `none`)
      help: leave `host` out for any host
    2 problems
    ");
}
