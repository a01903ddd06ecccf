//! Every way to write a path, under every kind of rule, over both protocols: none leads around the plugin that guards it.

use std::collections::BTreeMap;

use tests::{Gateway, Request, Upstream, http2};

use crate::gateway;

/// A guarded resource: `host`, the path above it (its name is `admin`), and the rule that guards it.
const GUARDED: [(&str, &str, &str); 5] = [
    ("exact.test", "", "path = '/admin', host = 'exact.test'"),
    ("prefix.test", "", "path = '/admin/**', host = 'prefix.test'"),
    ("param.test", "/area", "path = '/area/{name}', host = 'param.test'"),
    ("regex.test", "/area", "path = '~/[a-z]+/admin', host = 'regex.test'"),
    ("a.hosts.test", "", "path = '/admin', host = '*.hosts.test'"),
];

/// Targets that some upstream takes for `admin` below `P`, by decoding once or twice, cutting parameters, merging,
/// resolving, or turning slashes round. `H` is the host.
const WAYS: [&str; 61] = [
    "P/admin",
    "P/%61dmin",
    "P/%61%64%6d%69%6e",
    "P/%61%64%6D%69%6E",
    "P/adm%69n",
    "P/admi%6E",
    "P/admi%6e",
    "/.P/admin",
    "/%2eP/admin",
    "P/./admin",
    "P/././admin",
    "P//admin",
    "P///admin",
    "/P/admin",
    "P/x/../admin",
    "P/x//../admin",
    "P/x/y/../../admin",
    "P/x/%2e%2e/admin",
    "P/x/%2E./admin",
    "P/x/.%2e/admin",
    "P/x/%2e%2e/%61dmin",
    "P/%2e/admin",
    "P/%2E/admin",
    "/x/..P/admin",
    "/x/%2e%2eP//%2e/admin",
    "P/+/../admin",
    "P/admin;x=1",
    "P/admin;",
    "P/admin;/",
    "P/admin%3Bx",
    "P/admin%3bx",
    "P/;x/admin",
    "P/;/admin",
    "P/x;y/../admin",
    "P/.;/admin",
    "P/x/..;/admin",
    "P/x/..%3b/admin",
    "P/x/%2e%2e;/admin",
    "P\\admin",
    "P/\\admin",
    "P%5cadmin",
    "P%5Cadmin",
    "P%2fadmin",
    "P%2Fadmin",
    "P/x\\..\\admin",
    "P/x%5c..%5cadmin",
    "P/x/..%2fadmin",
    "P/x/..%2Fadmin",
    "P/admin%00",
    "P/admin%00.png",
    "P/%00/../admin",
    "P/%2561dmin",
    "P/x/%252e%252e/admin",
    "P%252fadmin",
    "P/%u0061dmin",
    "P/%c1%a1dmin",
    "P/x/%c0%ae%c0%ae/admin",
    "P/admin?",
    "P/%61dmin?x=/../y",
    "P/admin#x",
    "http://HP/admin",
];

/// What the most credulous upstream that decodes once makes of a target.
fn as_upstreams_read(target: &str) -> String {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let cut: Vec<&str> = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).collect();
    let mut decoded = Vec::new();
    let mut rest = cut.join("/").into_bytes();
    while let Some(&first) = rest.first() {
        let digits = rest.get(1..3).and_then(|digits| str::from_utf8(digits).ok());
        let byte = digits.filter(|_| first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest.drain(..if byte.is_some() { 3 } else { 1 });
        decoded.push(byte.unwrap_or(first));
    }
    let text = String::from_utf8_lossy(&decoded).replace('\\', "/");
    let mut segments = Vec::new();
    for segment in text.split('\0').next().unwrap_or_default().split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    format!("/{}", segments.join("/"))
}

/// ARCHITECTURE.md, "Paths", in other words than those of the gateway.
fn is_in_normal_form(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*,=:@".contains(&byte);
    let bytes = path.as_bytes();
    let is_written = |at: usize| match bytes[at] {
        b'/' => true,
        b'%' => {
            let digits = path.get(at + 1..at + 3).unwrap_or_default();
            let upper = digits.bytes().all(|digit| digit.is_ascii_digit() || (b'A'..=b'F').contains(&digit));
            let byte = u8::from_str_radix(digits, 16).unwrap_or(b'a');
            upper && !plain(byte) && !b"/\\\0".contains(&byte)
        }
        byte => plain(byte),
    };
    let has_dots = path.split('/').any(|segment| segment == "." || segment == "..");
    path.starts_with('/') && !path.contains("//") && !has_dots && (0..bytes.len()).all(is_written)
}

struct Matrix {
    gateway: Gateway,
    upstream: Upstream,
}

impl Matrix {
    fn start() -> Self {
        let upstream = Upstream::saying("reached");
        let mut config = format!(
            "[[upstream]]\nname = \"behind\"\nendpoints = [\"{}\"]\n\
             [[consumer]]\nname = \"acme\"\ncredentials = [{{ key = \"k\" }}]\n\
             [[route]]\nname = \"open\"\nupstream = \"behind\"\nmatch.path = \"~/.*\"\n",
            upstream.url()
        );
        for (host, _, rule) in GUARDED {
            config.push_str(&format!(
                "[[route]]\nname = \"{host}\"\nupstream = \"behind\"\nplugins = [\"key-auth\"]\nmatch = {{ {rule} }}\n"
            ));
        }
        Self { gateway: gateway(&config), upstream }
    }

    /// The status that each case gets over HTTP/1.
    fn over_http1(&self, host: &str, cases: &[(String, String)], key: Option<&str>) -> Vec<u16> {
        let status = |(case, target): &(String, String)| {
            let mut request = Request::get(target).header("host", host).header("x-case", case);
            if let Some(key) = key {
                request = request.header("x-api-key", key);
            }
            self.gateway.send(request).status
        };
        cases.iter().map(status).collect()
    }

    /// The same over HTTP/2, all at once.
    fn over_http2(&self, host: &str, cases: &[(String, String)], key: Option<&str>) -> Vec<u16> {
        let request = |(case, target): &(String, String)| {
            let mut request = http2::get(&url(host, target).expect("the case is one that can be said"));
            request.headers_mut().insert("x-case", case.parse().expect("a value"));
            if let Some(key) = key {
                request.headers_mut().insert("x-api-key", key.parse().expect("a value"));
            }
            request
        };
        let answers = http2::send(self.gateway.address(), cases.iter().map(request).collect());
        answers.iter().map(|answer| answer.status().as_u16()).collect()
    }
}

/// A target as the client of the harness can send it over HTTP/2.
fn url(host: &str, target: &str) -> Option<String> {
    let url = if target.starts_with("http") { target.to_owned() } else { format!("http://{host}{target}") };
    url.parse::<http::Uri>().is_ok().then_some(url)
}

#[test]
fn no_way_to_write_a_path_leads_around_the_plugin_that_guards_it() {
    let matrix = Matrix::start();
    let (mut asked, mut refused, mut bypasses) = (0, 0, Vec::new());
    for (host, above, rule) in GUARDED {
        let target = |way: &&str| way.replace('P', above).replace('H', host);
        for protocol in ["1", "2"] {
            let targets: Vec<String> = WAYS.iter().map(target).collect();
            let targets = targets.into_iter().filter(|target| protocol == "1" || url(host, target).is_some());
            let cases = |key: &str| {
                let case = |target: String| (format!("{host} {protocol} {key} {target}"), target);
                targets.clone().map(case).collect::<Vec<_>>()
            };
            let ask = |cases: &[(String, String)], key| match protocol {
                "1" => matrix.over_http1(host, cases, key),
                _ => matrix.over_http2(host, cases, key),
            };
            let (without, with) = (cases("without"), cases("with"));
            assert!(without.len() >= 40, "{} over HTTP/{protocol}", without.len());
            let statuses = ask(&without, None);
            let statuses_with = ask(&with, Some("k"));
            asked += without.len();
            refused += statuses.iter().filter(|status| matches!(status, 400 | 401)).count();
            assert_eq!((statuses[0], statuses_with[0]), (401, 200), "{rule}");

            let received: BTreeMap<String, String> = matrix
                .upstream
                .received()
                .into_iter()
                .map(|request| (request.header("x-case").unwrap_or_default().to_owned(), request.target))
                .collect();
            let protected = format!("{above}/admin");
            for (place, ((case, _), (case_with, _))) in without.iter().zip(&with).enumerate() {
                let status = statuses[place];
                if let Some(got) = received.get(case)
                    && as_upstreams_read(got) == protected
                {
                    bypasses.push(format!("{case}: {got}"));
                }
                assert_eq!(received.contains_key(case), status == 200, "{case}: {status}");
                // With a key it goes on as it was routed: what is guarded, as what it is.
                assert_eq!(statuses_with[place], if status == 400 { 400 } else { 200 }, "{case_with}");
                if let Some(got) = received.get(case_with) {
                    let path = got.split('?').next().unwrap_or_default();
                    assert!(is_in_normal_form(path), "{case_with}: {got}");
                    assert!(received.get(case).is_none_or(|without| without == got), "{case}: {got}");
                }
            }
        }
    }
    assert_eq!(bypasses, [""; 0]);
    assert!(asked >= 40 * 5 * 2 && refused > asked / 2, "{refused} of {asked} were refused");
}
