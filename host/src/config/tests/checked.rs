//! The values of the checked form.

use std::time::Duration;

use super::{BASE, config};
use crate::config::{Address, Balancer, Path, TemplatePart};
use crate::listener;

#[test]
fn what_is_not_written_has_its_default() {
    let config = config(BASE);
    let (gateway, listener, upstream) = (&config.gateway, &config.listeners[0], &config.upstreams[0]);
    assert_eq!(gateway.workers, None);
    assert_eq!(gateway.admin.map(|it| it.to_string()).as_deref(), Some("127.0.0.1:9901"));
    assert_eq!(gateway.shutdown_timeout, Duration::from_secs(30));
    assert_eq!(gateway.sandbox.memory, 64 << 20);
    let limits = listener.connections;
    assert_eq!((limits.in_all.map(usize::from), limits.of_address), (Some(10_000), None));
    assert_eq!((&listener.name, listener.mode), (&None, 0o660));
    assert!(listener.proxy_protocol.networks.is_empty() && !listener.proxy_protocol.unix);
    assert!(listener.protocols.http1 && listener.protocols.http2);
    assert_eq!(upstream.balancer, Balancer::RoundRobin);
    assert_eq!(upstream.endpoints[0].address, Address::Echo);
    assert_eq!(config.routes[0].max_body, Some(10 << 20));
    assert_eq!(config.routes[0].rule.path.to_string(), "/**");
    assert!(config.routes[0].preserve_host && config.routes[0].upgrade);
    let limits = listener.limits;
    assert_eq!((limits.requests.map(usize::from), limits.target_bytes, limits.min_rate), (Some(10_000), 8192, 100));
    assert_eq!(limits.tunnel_idle_timeout, Duration::from_secs(3600));
}

#[test]
fn values_are_in_their_units() {
    let config = config(
        r#"
[gateway]
admin = "off"
workers = 3
shutdown-timeout = "1.5s"
trusted-proxies = ["10.0.0.0/8", "unix", "::1"]
[[listener]]
name = "public"
address = "[::]:80"
protocols = ["http2"]
proxy-protocol = ["192.0.2.1"]
limits = { connections = 0, connections-per-address = 7, header-bytes = 8192, idle-timeout = "250ms", requests = 0, min-rate = 0, target-bytes = "1KiB", body-timeout = "1s", write-timeout = "2s" }
[[listener]]
address = "unix:run/a.sock"
mode = "600"
proxy-protocol = ["unix"]
[[upstream]]
name = "u"
endpoints = ["http://a.example", { url = "http://[::1]:9001/", weight = 5 }]
[[route]]
name = "r"
upstream = "u"
match = { path = "/a/{id}/**", listener = "public" }
rewrite = "/b/{rest}/{id}.json"
max-body = "off"
[[route]]
name = "s"
upstream = "u"
match = { path = "/%7Euser/**" }
strip-prefix = "/~user"
upgrade = false
"#,
    );
    assert_eq!((config.gateway.admin, config.gateway.workers.map(usize::from)), (None, Some(3)));
    assert_eq!(config.gateway.shutdown_timeout, Duration::from_millis(1500));
    let trusted = &config.gateway.trusted_proxies;
    assert_eq!((trusted.networks[1].to_string().as_str(), trusted.unix), ("::1/128", true));
    let (public, unix) = (&config.listeners[0], &config.listeners[1]);
    let limits = public.limits;
    assert_eq!((limits.header_bytes, limits.idle_timeout.as_millis()), (8192, 250));
    let connections = public.connections;
    assert_eq!((connections.in_all, connections.of_address.map(usize::from)), (None, Some(7)));
    assert_eq!((limits.requests, limits.min_rate, limits.target_bytes), (None, 0, 1024));
    assert_eq!((limits.body_timeout, limits.write_timeout), (Duration::from_secs(1), Duration::from_secs(2)));
    assert_eq!((public.name.as_deref(), public.address.to_string().as_str()), (Some("public"), "[::]:80"));
    assert_eq!((public.proxy_protocol.networks[0].to_string().as_str(), unix.mode), ("192.0.2.1/32", 0o600));
    assert!(unix.proxy_protocol.unix && !public.proxy_protocol.unix);
    // Seen from the file.
    let listener::Address::Unix(path) = &unix.address else { panic!("{}", unix.address) };
    assert!(path.is_absolute() && path.ends_with("run/a.sock"), "{path:?}");
    assert_eq!(config.routes[0].rule.listeners, ["public".into()]);
    assert_eq!((config.routes[0].upgrade, config.routes[1].upgrade), (true, false));
    let [first, second] = &config.upstreams[0].endpoints[..] else { panic!("two") };
    let address = |host: &str, port, authority: &str| Address::Http {
        tls: None,
        host: host.to_owned(),
        port,
        authority: authority.parse().expect("an authority"),
    };
    assert_eq!(first.address, address("a.example", 80, "a.example"));
    assert_eq!(second.address, address("::1", 9001, "[::1]:9001"));
    assert_eq!(second.weight.get(), 5);
    assert_eq!(config.routes[0].max_body, None);
    let Path::Rewrite(template) = &config.routes[0].path else { panic!("{:?}", config.routes[0].path) };
    let (literal, param) =
        (|it: &str| TemplatePart::Literal(it.to_owned()), |it: &str| TemplatePart::Param(it.to_owned()));
    assert_eq!(template.parts, [literal("/b/"), param("rest"), literal("/"), param("id"), literal(".json")]);
    assert_eq!(config.routes[1].path, Path::StripPrefix("/~user".to_owned()));
}

#[test]
fn a_long_line_takes_no_longer_than_many_short_ones() {
    let groups = "\"ä\", ".repeat(100_000);
    let started = std::time::Instant::now();
    let text = format!("{BASE}consumer = [{{ name = \"a\", groups = [{groups}] }}]");
    assert_eq!(super::problems(&text).lines().last(), Some("100000 problems"));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
