//! Headers by which a request could pass for another's: however they are written, and wherever they stand, none of a
//! client's own reaches the upstream.

use http::{HeaderMap, HeaderName, HeaderValue};
use tests::{Gateway, Upstream, http2};

use crate::gateway;

/// What the gateway or a plugin says, what else upstreams read of who asked and for what, and what makes them do
/// something else.
const NAMES: [&str; 42] = [
    "x-consumer-name",
    "x-consumer-groups",
    SET_BY_A_PLUGIN,
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-ssl",
    "x-forwarded-server",
    "x-forwarded-scheme",
    "forwarded",
    "forwarded-for",
    "x-forward-for",
    "x-original-forwarded-for",
    "x-envoy-external-address",
    "x-envoy-original-path",
    "x-azure-clientip",
    "cloudfront-viewer-address",
    "wl-proxy-client-ip",
    "wl-proxy-client-cert",
    "proxy-client-ip",
    "cf-connecting-ipv6",
    "cf-visitor",
    "x-arr-ssl",
    "x-scheme",
    "x-real-ip",
    "x-request-id",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-originating-ip",
    "x-remote-addr",
    "true-client-ip",
    "cf-connecting-ip",
    "front-end-https",
    "x-url-scheme",
    "x-host",
    "x-original-host",
    "x-http-host-override",
    "x-original-url",
    "x-rewrite-url",
    "proxy",
];

const SET_BY_A_PLUGIN: &str = "x-internal-role";

/// A value that nobody but a client says.
const SPOOFED: &str = "spoofed";

fn start(settings: &str) -> (Gateway, Upstream) {
    let upstream = Upstream::saying("");
    let config = format!(
        r#"{settings}
[[upstream]]
name = "behind"
endpoints = ["{}"]
[[consumer]]
name = "acme"
groups = ["partners"]
credentials = [{{ key = "k" }}]
[[route]]
name = "all"
upstream = "behind"
plugins = [
    "key-auth",
    {{ source = "transform", config = {{ request = {{ headers = {{ set = {{ x-internal-role = "none" }} }} }} }} }},
]
"#,
        upstream.url()
    );
    (gateway(&config), upstream)
}

/// The ways to write a name that some upstream takes for it.
fn spellings(name: &str) -> Vec<String> {
    let title = |part: &str| part[..1].to_uppercase() + &part[1..];
    let mut spellings = vec![
        name.to_owned(),
        name.to_uppercase(),
        name.split('-').map(title).collect::<Vec<_>>().join("-"),
        name.replace('-', "_"),
        name.replace('-', "."),
        name.replacen('-', "_", 1),
        name.replace('-', "_").to_uppercase(),
    ];
    spellings.sort();
    spellings.dedup();
    spellings
}

/// Requests of HTTP/1 as bytes.
fn over_http1(name: &str) -> Vec<String> {
    let get = |fields: String| format!("GET / HTTP/1.1\r\nhost: x\r\nx-api-key: k\r\n{fields}\r\n");
    let mut requests: Vec<String> =
        spellings(name).iter().map(|spelling| get(format!("{spelling}: {SPOOFED}\r\n"))).collect();
    let folded = name.replace('-', "_");
    requests.extend([
        get(format!("{name}: {SPOOFED}\r\n{name}: {SPOOFED} again\r\n")),
        get(format!("{name}: {SPOOFED}\r\n{folded}: {SPOOFED}\r\n")),
        // It may name what is to go; it may not have what the gateway says go, nor let its own stay.
        get(format!("connection: {name}\r\n{name}: {SPOOFED}\r\n")),
        get(format!("{name}: {SPOOFED}\r\nconnection: close, {}\r\n", name.to_uppercase())),
        format!(
            "POST / HTTP/1.1\r\nhost: x\r\nx-api-key: k\r\ntransfer-encoding: chunked\r\ntrailer: {name}\r\n\r\n\
             1\r\na\r\n0\r\n{name}: {SPOOFED}\r\n\r\n"
        ),
        format!(
            "POST / HTTP/1.1\r\nhost: x\r\nx-api-key: k\r\ntransfer-encoding: chunked\r\n\r\n\
             1\r\na\r\n0\r\n{folded}: {SPOOFED}\r\n\r\n"
        ),
    ]);
    requests
}

/// What reached the upstream: nothing of the client's, and all that the gateway and its plugins say.
#[track_caller]
fn is_clean(upstream: &Upstream, from: usize, what: &str) {
    let received = upstream.received();
    let request = received.get(from).unwrap_or_else(|| panic!("nothing reached the upstream: {what}"));
    let lines = request.headers.iter().map(|(name, value)| format!("{name}: {value}"));
    let spoofed: Vec<String> = lines.chain(request.trailers.clone()).filter(|line| line.contains(SPOOFED)).collect();
    assert_eq!(spoofed, [""; 0], "{what}");
    let said = [
        ("x-consumer-name", "acme"),
        ("x-consumer-groups", "partners"),
        (SET_BY_A_PLUGIN, "none"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "x"),
    ];
    for (name, value) in said {
        let values: Vec<&str> =
            request.headers.iter().filter(|(said, _)| said == name).map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, [value], "{name}: {what}");
    }
}

#[test]
fn no_header_of_a_client_passes_for_one_of_the_gateway_or_a_plugin() {
    let mut tried = 0;
    for settings in ["", "[gateway]\nalias-headers = \"keep\"\n"] {
        let (gateway, upstream) = start(settings);
        // Who keeps aliases keeps those of headers that a plugin sets and does not own.
        for name in NAMES.into_iter().filter(|name| settings.is_empty() || *name != SET_BY_A_PLUGIN) {
            for request in over_http1(name) {
                let before = upstream.received().len();
                let mut client = gateway.client();
                client.write(&request);
                assert_eq!(client.receive().status, 200, "{request}");
                is_clean(&upstream, before, &request);
                tried += 1;
            }
            // Names in upper case and `Connection` are no HTTP/2 (RFC 9113, sections 8.2.1 and 8.2.2).
            for spelling in spellings(name).into_iter().filter(|it| !it.bytes().any(|byte| byte.is_ascii_uppercase())) {
                for twice in [false, true] {
                    let before = upstream.received().len();
                    let mut request = asked();
                    let header: HeaderName = spelling.parse().expect("a name");
                    request.headers_mut().append(&header, HeaderValue::from_static(SPOOFED));
                    if twice {
                        request.headers_mut().append(&header, HeaderValue::from_static(SPOOFED));
                    }
                    let answers = http2::send(gateway.address(), vec![request]);
                    assert_eq!(answers[0].status(), 200, "{spelling} over HTTP/2");
                    is_clean(&upstream, before, &format!("{spelling} over HTTP/2"));
                    tried += 1;
                }
                let before = upstream.received().len();
                let header: HeaderName = spelling.parse().expect("a name");
                let trailers = HeaderMap::from_iter([(header, HeaderValue::from_static(SPOOFED))]);
                let answer = http2::send_with_trailers(gateway.address(), asked(), trailers);
                assert_eq!(answer.status(), 200, "{spelling} in trailers over HTTP/2");
                is_clean(&upstream, before, &format!("{spelling} in trailers over HTTP/2"));
                tried += 1;
            }
        }
    }
    assert!(tried >= 200, "{tried}");
}

fn asked() -> http2::Asked {
    let mut request = http2::get("http://x/");
    request.headers_mut().insert("x-api-key", HeaderValue::from_static("k"));
    request
}
