//! As much of curl as the README's session uses, so that the test of the README needs no curl.

use std::io::Write;
use std::net::ToSocketAddrs;
use std::process::ExitCode;

use http::StatusCode;
use tests::{Client, Request};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut show_head, mut discard, mut format, mut headers) = (false, false, None, Vec::new());
    let (mut method, mut url) = ("GET".to_owned(), None);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().expect("the flag has a value");
        match argument.as_str() {
            "-s" => {}
            "-i" => show_head = true,
            "-o" => discard = value() == "/dev/null",
            "-w" => format = Some(value()),
            "-H" => headers.push(value()),
            "-X" => method = value(),
            flag if flag.starts_with('-') => panic!("the README's curl has no {flag}"),
            _ => url = Some(argument),
        }
    }
    let url = url.expect("a URL");
    let (host, path) = url.split_once('/').unwrap_or((&url, ""));
    let address = host.to_socket_addrs().expect("an address").next().expect("an address");
    let mut request = Request::new(&method, &format!("/{path}")).header("host", host);
    for (name, value) in [("user-agent", "curl/8.5.0"), ("accept", "*/*")] {
        if !headers.iter().any(|header| header.to_ascii_lowercase().starts_with(name)) {
            request = request.header(name, value);
        }
    }
    for header in &headers {
        let (name, value) = header.split_once(": ").expect("a header is `name: value`");
        request = request.header(name, value);
    }
    let response = Client::connect(address).send(request);
    let mut out = String::new();
    if show_head {
        let status = StatusCode::from_u16(response.status).expect("a gateway sends valid statuses");
        out.push_str(&format!("HTTP/1.1 {status}\n"));
        for (name, value) in &response.headers {
            out.push_str(&format!("{name}: {value}\n"));
        }
        out.push('\n');
    }
    if !discard {
        out.push_str(&response.text());
    }
    if let Some(format) = format {
        out.push_str(&format.replace("%{http_code}", &response.status.to_string()).replace("\\n", "\n"));
    }
    write(&out)
}

fn write(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
