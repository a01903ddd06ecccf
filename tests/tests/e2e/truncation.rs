//! Responses that an upstream cuts, wherever that is: none of them looks whole to a client, whatever it speaks.

use std::sync::OnceLock;

use tests::{Client, Gateway, Reply, Request, Upstream};

use crate::gateway;

/// Bytes of a body, so that all the places to cut at are more than 10,000 with the ways to cut and to ask.
const LENGTH: usize = 1000;

/// How a response may be framed, by the path that asks for it.
fn framed(framing: &str) -> &'static str {
    static FRAMED: OnceLock<[String; 3]> = OnceLock::new();
    let [length, chunks, trailers] = FRAMED.get_or_init(|| {
        let body = "text ".repeat(LENGTH / 5);
        let pieces: Vec<&[u8]> = body.as_bytes().chunks(10).collect();
        let pieces: String =
            pieces.iter().map(|piece| format!("a\r\n{}\r\n", String::from_utf8_lossy(piece))).collect();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";
        [
            format!("{head}content-length: {LENGTH}\r\n\r\n{body}"),
            format!("{head}transfer-encoding: chunked\r\n\r\n{pieces}0\r\n\r\n"),
            format!("{head}transfer-encoding: chunked\r\n\r\n{pieces}0\r\nx-checked: yes\r\n\r\n"),
        ]
    });
    match framing {
        "length" => length,
        "chunks" => chunks,
        _ => trailers,
    }
}

/// Cuts where the path says: `/length/close/17`.
fn cutting() -> Upstream {
    Upstream::start(|request| {
        let mut parts = request.target[1..].split('/');
        let mut part = || parts.next().expect("framing, way and place");
        let (framing, way, at) = (part(), part(), part());
        let begun = Reply::raw(&framed(framing)[..at.parse().expect("a number")]);
        if way == "reset" { begun.then_reset() } else { begun.then_close() }
    })
}

fn gateway_to_cutting(upstream: &Upstream) -> Gateway {
    gateway(&format!(
        "[gateway]\nworkers = 2\n[gateway.log]\naccess = false\n\
         [[upstream]]\nname = \"all\"\nendpoints = [\"{}\"]\n\
         [[route]]\nname = \"all\"\nupstream = \"all\"\ncompress = \"gzip\"\n",
        upstream.url()
    ))
}

/// Every place to cut at.
fn targets() -> Vec<String> {
    let mut targets = Vec::new();
    for framing in ["length", "chunks", "trailers"] {
        for way in ["close", "reset"] {
            targets.extend((0..framed(framing).len()).map(|at| format!("/{framing}/{way}/{at}")));
        }
    }
    targets
}

#[test]
fn no_response_that_is_cut_looks_whole() {
    let upstream = cutting();
    let gateway = gateway_to_cutting(&upstream);
    let (mut cases, mut whole) = (0, Vec::new());
    for codings in ["identity", "gzip"] {
        let mut client = gateway.client();
        for target in targets() {
            cases += 1;
            client.start(Request::get(&target).header("accept-encoding", codings));
            match client.try_receive() {
                Ok(answer) if answer.status == 200 => whole.push(format!("{target} ({codings})")),
                // Cut before the end of its head: the gateway answers, and goes on.
                Ok(answer) => assert_eq!(answer.status, 502, "{target}"),
                Err(_) => client = Client::connect(gateway.address()),
            }
        }
    }
    // Each cut costs some of the calm that an HTTP/2 connection has.
    for targets in targets().chunks(50) {
        let url = |target: &String| tests::http2::get(&format!("http://{}{target}", gateway.address()));
        let answers = tests::http2::send_each(gateway.address(), targets.iter().map(url).collect());
        for (target, answer) in targets.iter().zip(answers) {
            cases += 1;
            match answer {
                Some(answer) if answer.status() == 200 => whole.push(format!("{target} (HTTP/2)")),
                Some(answer) => assert_eq!(answer.status(), 502, "{target}"),
                None => {}
            }
        }
    }
    println!("{} of {cases} look whole", whole.len());
    assert!(cases >= 10_000, "{cases}");
    assert!(whole.is_empty(), "{} of {cases} look whole: {whole:?}", whole.len());
}

#[test]
fn what_is_not_cut_is_whole() {
    let upstream = cutting();
    let gateway = gateway_to_cutting(&upstream);
    for framing in ["length", "chunks", "trailers"] {
        let target = format!("/{framing}/close/{}", framed(framing).len());
        assert_eq!(gateway.get(&target).body.len(), LENGTH);
        let url = format!("http://{}{target}", gateway.address());
        assert_eq!(tests::http2::send(gateway.address(), vec![tests::http2::get(&url)])[0].body().len(), LENGTH);
    }
}
