//! Interpolation, and that what it puts in stays unseen.

use insta::assert_snapshot;

use super::{BASE, Files, problems};
use crate::config::{Credential, Secret};

#[test]
fn interpolations_put_in_what_they_name() {
    let gateway = format!(
        r#"{BASE}
[[consumer]]
name = "acme"
credentials = [{{ key = "${{env:KEY}}" }}, {{ key = "a-${{file:keys/b}}-${{env:EMPTY}}$${{env:KEY}}" }}]
[[plugin]]
source = "key-auth"
config = {{ salt = "${{env:NUMBER}}", plain = "$${{x}} $5" }}
"#
    );
    let files = Files::new(&[("gateway.toml", &gateway), ("keys/b", "k2\n\r\n")]);
    let config = files.load().unwrap_or_else(|problems| panic!("{problems}"));
    let keys = ["hunter2", "a-k2\n-${env:KEY}"].map(|key| Credential::Key(Secret::new(key)));
    assert_eq!(config.consumers[0].credentials, keys);
    assert_eq!(config.files, ["gateway.toml", "keys/b"].map(|name| files.path().join(name)));

    let plugin = &config.plugins[0].config;
    assert_eq!(plugin.json(), r#"{"plain":"${x} $5","salt":"s3cret-number"}"#);
    assert_eq!(plugin.mask("salt \"s3cret-number\" is weak"), "salt \"[redacted]\" is weak");
    assert_eq!(plugin.mask("is `number` or s3cret?"), "is `[redacted]` or [redacted]?");
    assert!(plugin.is_secret("/salt") && plugin.is_secret("/salt/deeper"));
    assert!(!plugin.is_secret("/plain") && !plugin.is_secret(""));
    let debug = format!("{config:?}");
    assert!(!debug.contains("hunter2") && !debug.contains("s3cret"), "{debug}");
}

#[test]
fn what_cannot_be_put_in_is_a_problem() {
    let text = format!(
        r#"gateway.admin = "${{env:NOPE}}"
gateway.log = {{ level = "${{KEY}}", format = "${{env:KEY" }}
gateway.shutdown-timeout = "${{file:nope}}"
{BASE}"#
    );
    let text = Files::new(&[("gateway.toml", &text)]).problems().replace("No such file or directory", "Not there");
    assert_snapshot!(text, @r"
    gateway.toml:1:17: no environment variable named `NOPE`
    gateway.toml:2:25: unknown interpolation `${KEY}`
      help: `${env:NAME}` and `${file:path}` are known; write `$${` for a `${` that stands for itself
    gateway.toml:2:44: `${env:KEY` has no `}`
      help: write `$${` for a `${` that stands for itself
    gateway.toml:3:28: cannot read `nope`: Not there (os error 2)
    4 problems
    ");
}

#[test]
fn what_is_no_regular_file_is_not_read() {
    let text = format!("gateway.log = {{ level = \"${{file:pipe}}\", format = \"${{file:.}}\" }}\n{BASE}");
    let files = Files::new(&[("gateway.toml", &text)]);
    let made = std::process::Command::new("mkfifo").arg(files.path().join("pipe")).status();
    assert!(made.expect("there is mkfifo").success());
    assert_snapshot!(files.problems(), @r"
    gateway.toml:1:25: cannot read `pipe`: it is not a regular file
    gateway.toml:1:50: cannot read `.`: it is not a regular file
    2 problems
    ");
}

#[test]
fn problems_never_show_what_was_put_in() {
    let shown = problems(
        r#"
gateway = { log = { level = "${env:KEY}" }, admin = "${env:KEY}", plugins = ["${env:KEY}", { source = "${env:KEY}" }] }
listener = [{ address = "${env:KEY}" }]
consumer = [{ name = "${env:KEY}\n", groups = ["${env:KEY},"] }, { name = "${env:KEY}\n" }]
[[upstream]]
name = "${env:UPSTREAM}"
endpoints = ["${env:KEY}", "http://${env:KEY}/x"]
[[upstream]]
name = "${env:UPSTREAM}"
endpoints = ["internal:echo"]
[[route]]
name = "${env:KEY}/"
upstream = "s3cret-upstreem"
match = { path = "${env:KEY}", host = "http://${env:KEY}", methods = ["${env:KEY}"] }
timeout = "${env:KEY}"
max-body = "${env:KEY}"
[[route]]
name = "r"
upstream = "${env:KEY}"
match.path = "/${env:KEY}/**"
rewrite = "/{${env:KEY}}"
[[route]]
name = "s"
upstream = "${env:UPSTREAM}"
match.path = "/${env:KEY}/**"
strip-prefix = "/${env:KEY}2"
"#,
    );
    assert!(!shown.contains("hunter2") && !shown.contains("s3cret-upstream"), "{shown}");
    assert_snapshot!(shown, @r"
    gateway.toml:2:29: unknown value `${env:KEY}`, expected one of `error`, `warn`, `info`, `debug`, `trace`
    gateway.toml:2:53: `${env:KEY}` is not an IP address with a port
      help: such as `127.0.0.1:8080`, `0.0.0.0:8080` or `[::]:8080`
    gateway.toml:2:78: no plugin named `${env:KEY}`
      help: there are `key-auth`, `rate-limit`, `circuit-breaker`, `transform`
    gateway.toml:2:103: no bundled plugin named `${env:KEY}` (plugin `${env:KEY}`)
      help: there are `key-auth`, `rate-limit`, `circuit-breaker`, `transform`
    gateway.toml:3:25: `${env:KEY}` is not an IP address with a port
      help: such as `127.0.0.1:8080`, `0.0.0.0:8080` or `[::]:8080`
    gateway.toml:4:22: `${env:KEY}\n` cannot name a consumer
      help: a consumer's name has 1 to 256 visible ASCII characters and spaces between them
    gateway.toml:4:48: `${env:KEY},` cannot be a group (consumer `${env:KEY}\n`)
      help: a group has 1 to 256 visible ASCII characters, spaces between them, and no comma
    gateway.toml:4:75: `${env:KEY}\n` cannot name a consumer
      help: a consumer's name has 1 to 256 visible ASCII characters and spaces between them
    gateway.toml:4:75: a second consumer is named `${env:KEY}\n`
      help: the first is at gateway.toml:4:22
    gateway.toml:7:14: `${env:KEY}` is not a URL (upstream `${env:UPSTREAM}`)
      help: an endpoint is written `http://host:port`, `https://host:port`, `unix:path` or `internal:echo`
    gateway.toml:7:28: `http://${env:KEY}/x` has a path or a query: an endpoint is a host and a port (upstream `${env:UPSTREAM}`)
      help: `rewrite` and `strip-prefix` of a route change the path that the upstream sees
    gateway.toml:9:8: a second upstream is named `${env:UPSTREAM}`
      help: the first is at gateway.toml:6:8
    gateway.toml:12:8: `${env:KEY}/` cannot name a route
      help: a name has 1 to 128 letters, digits, `.`, `_` and `-`
    gateway.toml:13:12: no upstream named `s3cret-upstreem` (route `${env:KEY}/`)
      help: there are `${env:UPSTREAM}`
    gateway.toml:14:18: `${env:KEY}` is not a pattern (route `${env:KEY}/`)
    gateway.toml:14:39: `http://${env:KEY}` is not a pattern (route `${env:KEY}/`)
    gateway.toml:14:71: `${env:KEY}` is not a method: methods are in upper case (route `${env:KEY}/`)
      help: write it as `GET`, `POST`
    gateway.toml:15:11: `${env:KEY}` is not a duration (route `${env:KEY}/`)
      help: a number and `us`, `ms`, `s`, `m`, `h` or `d`: `200ms`, `30s`
    gateway.toml:16:12: `${env:KEY}` is not a size (route `${env:KEY}/`)
      help: a number and `B`, `KiB`, `MiB` or `GiB`: `64KiB`, `10MiB`
    gateway.toml:19:12: no upstream named `${env:KEY}` (route `r`)
      help: there are `${env:UPSTREAM}`
    gateway.toml:21:11: no parameter named `/{${env:KEY}}` in the route's path, `/${env:KEY}/**` (route `r`)
      help: there are `{rest}`
    gateway.toml:26:16: `/${env:KEY}2` is not the beginning of the route's path, `/${env:KEY}/**` (route `s`)
    22 problems
    ");
}
