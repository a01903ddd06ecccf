//! Requests that are sent again: when, where, how often, and with which body.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread;
use std::time::{Duration, Instant};

use tests::{Gateway, Reply, Request, Upstream};

use crate::gateway;

/// Nothing listens on tcpmux.
const NOBODY: &str = "http://127.0.0.1:1";
const ALL: &str = r#"on = ["connect", "reset", "timeout"], status = [502, 503]"#;

/// A gateway whose one upstream has these endpoints, and tries again as is said.
fn retrying(endpoints: &[&str], retry: &str) -> Gateway {
    let retry = if retry.is_empty() { String::new() } else { format!("retry = {{ {retry} }}\n") };
    // So that the tests say which endpoint is tried.
    let retry = retry + "ejection = { failures = \"off\" }\n";
    gateway(&format!(
        "[[route]]\nname = \"all\"\nupstream = \"all\"\n[[upstream]]\nname = \"all\"\nendpoints = {endpoints:?}\n{retry}"
    ))
}

/// An upstream that leaves without an answer, having read the whole request.
fn leaving() -> Upstream {
    Upstream::start(|_| Reply::close())
}

#[test]
fn where_nobody_listens_costs_no_request_whatever_its_method() {
    let good = Upstream::saying("good");
    let gateway = retrying(&[NOBODY, &good.url()], "");
    for _ in 0..5 {
        assert_eq!(gateway.get("/").text(), "good");
        assert_eq!(gateway.send(Request::post("/", "body")).text(), "good");
    }
    assert!(good.received().iter().all(|request| request.body.len() == if request.method == "POST" { 4 } else { 0 }));
    assert_eq!(good.received().len(), 10);
    assert_eq!(gateway.metric("tollgate_retries_total"), 5.0);
    let tries: Vec<Option<u64>> = {
        gateway.get("/last");
        gateway.wait_for_access("/last");
        gateway.access_log().iter().map(|line| line["tries"].as_u64()).collect()
    };
    let twice = tries.iter().filter(|tries| **tries == Some(2)).count();
    assert!(twice == 6 && tries.iter().filter(|tries| tries.is_none()).count() == 5, "{tries:?}");
}

#[test]
fn with_one_attempt_a_request_is_sent_once() {
    let good = Upstream::saying("good");
    let gateway = retrying(&[NOBODY, &good.url()], "attempts = 1");
    let statuses: Vec<u16> = (0..4).map(|_| gateway.get("/").status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 502).count(), 2, "{statuses:?}");
}

#[test]
fn attempts_are_the_endpoints_that_are_tried() {
    let good = Upstream::saying("good");
    let endpoints = [NOBODY, "http://127.0.0.1:2", "http://127.0.0.1:3", &good.url()];
    let gateway = retrying(&endpoints, "attempts = 4");
    assert_eq!([(); 8].map(|()| gateway.get("/").status), [200; 8]);
    let gateway = retrying(&endpoints, "attempts = 3");
    let statuses = [(); 8].map(|()| gateway.get("/").status);
    assert!(statuses.contains(&502) && statuses.contains(&200), "{statuses:?}");
}

#[test]
fn by_default_what_may_have_been_acted_on_is_not_sent_again() {
    let (bad, good) = (leaving(), Upstream::saying("good"));
    let gateway = retrying(&[&bad.url(), &good.url()], "");
    let statuses = [(); 4].map(|()| gateway.get("/").status);
    assert_eq!(statuses.iter().filter(|status| **status == 502).count(), 2, "{statuses:?}");
    assert_eq!(bad.received().len() + good.received().len(), 4);
}

#[test]
fn a_reset_is_made_good_for_methods_that_may_be_repeated_and_for_no_others() {
    let (bad, good) = (leaving(), Upstream::saying("good"));
    let gateway = retrying(&[&bad.url(), &good.url()], ALL);
    for method in ["GET", "OPTIONS", "PUT", "DELETE"] {
        assert_eq!([(); 2].map(|()| gateway.send(Request::new(method, "/")).status), [200; 2], "{method}");
    }
    for method in ["POST", "PATCH"] {
        let statuses = [(); 2].map(|()| gateway.send(Request::new(method, "/")).status);
        assert_eq!(statuses.iter().sum::<u16>(), 702, "{method}");
    }
    let posted = |upstream: &Upstream| upstream.received().iter().filter(|it| it.method == "POST").count();
    assert_eq!(posted(&bad) + posted(&good), 2);
}

#[test]
fn a_body_is_sent_again_from_its_first_byte() {
    let (bad, good) = (leaving(), Upstream::saying("good"));
    let gateway = retrying(&[&bad.url(), &good.url()], ALL);
    let body: Vec<u8> = (0..60_000_u32).map(|at| (at % 251) as u8).collect();
    let length = body.len().to_string();
    for _ in 0..4 {
        let mut client = gateway.client();
        client.write(format!("PUT /whole HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n"));
        client.write(&body);
        assert_eq!(client.receive().text(), "good");
        client.write("PUT /chunks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
        for piece in body.chunks(1000) {
            client.write(format!("{:x}\r\n", piece.len()));
            client.write(piece);
            client.write("\r\n");
        }
        client.write("0\r\n\r\n");
        assert_eq!(client.receive().text(), "good");
    }
    assert_eq!((good.received().len(), bad.received().len()), (8, 4));
    for request in good.received() {
        assert_eq!(request.body, body);
        let told = if request.target == "/whole" { Some(length.as_str()) } else { None };
        assert_eq!(request.header("content-length"), told);
    }
    // What is counted is what the client has sent.
    gateway.get("/end");
    gateway.wait_for_access("/end");
    let sent_again = |line: &&serde_json::Value| line["tries"] == 2 && line["path"] == "/whole";
    let line = gateway.access_log().iter().find(sent_again).cloned();
    assert_eq!(line.map(|line| line["requestBytes"].clone()), Some(60_000.into()));
}

#[test]
fn over_http2_a_body_is_sent_again_too() {
    let (bad, good) = (leaving(), Upstream::saying("good"));
    let gateway = retrying(&[&bad.url(), &good.url()], ALL);
    let body = "some text ".repeat(3000);
    let put =
        || http::Request::put(format!("http://{}/", gateway.address())).body(body.clone().into()).expect("a valid URL");
    for _ in 0..4 {
        let answers = tests::http2::send(gateway.address(), vec![put()]);
        assert_eq!(answers[0].body(), "good");
    }
    assert!(good.received().iter().all(|request| request.body == body.as_bytes()));
    assert_eq!((good.received().len(), bad.received().len()), (4, 2));
}

#[test]
fn a_body_that_is_longer_than_the_buffer_flows_on_and_is_sent_once() {
    let (bad, good) = (leaving(), Upstream::saying("good"));
    let gateway = retrying(&[&bad.url(), &good.url()], &format!("{ALL}, buffer = \"64KiB\""));
    for chunked in [false, true] {
        let statuses = [(); 4].map(|()| {
            let mut client = gateway.client();
            match chunked {
                false => client.write("PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"),
                true => client.write("PUT / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n186a0\r\n"),
            }
            client.write([b'x'; 100_000]);
            client.write(if chunked { "\r\n0\r\n\r\n" } else { "" });
            client.receive().status
        });
        assert_eq!(statuses.iter().filter(|status| **status == 502).count(), 2, "{statuses:?}");
    }
    assert_eq!((good.received().len(), bad.received().len()), (4, 4));
    assert!(good.received().iter().all(|request| request.body.len() == 100_000));
}

#[test]
fn a_status_is_sent_again_and_the_last_one_is_passed_on() {
    let sorry = Upstream::start(|_| Reply::raw("HTTP/1.1 503 Sorry\r\ncontent-length: 5\r\n\r\nsorry"));
    let good = Upstream::saying("good");
    let gateway = retrying(&[&sorry.url(), &good.url()], ALL);
    assert_eq!([(); 6].map(|()| gateway.get("/").text()), ["good"; 6]);
    // What is left of a response that nobody gets is read: the connection serves on.
    assert_eq!((sorry.received().len(), sorry.connections()), (3, 1));

    let alone = retrying(&[&sorry.url()], &format!("{ALL}, attempts = 3"));
    let answer = alone.get("/all");
    assert_eq!((answer.status, answer.text().as_str()), (503, "sorry"));
    assert_eq!(alone.wait_for_access("/all")["tries"], 3);
    assert_eq!(sorry.received().len(), 6);
}

#[test]
fn a_try_that_takes_too_long_is_given_up_for_another_endpoint() {
    let (silent, good) = (Upstream::start(|_| Reply::hang()), Upstream::saying("good"));
    let gateway = retrying(&[&silent.url(), &good.url()], &format!("{ALL}, per-try = \"1s\""));
    assert_eq!([(); 4].map(|()| gateway.get("/").text()), ["good"; 4]);
    silent.wait_until_left();
    assert_eq!(silent.received().len(), 2);
    let alone = retrying(&[&silent.url()], &format!("{ALL}, per-try = \"1s\", attempts = 3"));
    let answer = alone.get("/");
    assert_eq!((answer.status, answer.problem().as_str()), (504, "upstream-timeout"));
    assert_eq!(silent.received().len(), 5);
}

#[test]
fn one_endpoint_is_tried_again_after_a_pause() {
    let turn = AtomicUsize::new(0);
    let moody = Upstream::start(move |_| match turn.fetch_add(1, SeqCst) % 2 {
        0 => Reply::close(),
        _ => Reply::ok("good"),
    });
    let gateway = retrying(&[&moody.url()], ALL);
    assert_eq!([(); 3].map(|()| gateway.get("/again").text()), ["good"; 3]);
    assert_eq!(moody.received().len(), 6);
}

#[test]
fn nothing_is_sent_again_once_a_byte_of_a_response_was_passed_on() {
    let half = Upstream::start(|_| Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").then_close());
    let other = Upstream::start(|_| Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").then_close());
    let gateway = retrying(&[&half.url(), &other.url()], ALL);
    for _ in 0..4 {
        let mut client = gateway.client();
        client.start(Request::get("/"));
        assert!(client.try_receive().is_err());
    }
    assert_eq!(half.received().len() + other.received().len(), 4);
}

#[test]
fn what_is_no_response_is_not_sent_again() {
    let bad = Upstream::start(|_| Reply::raw("220 mail.example ESMTP\r\n"));
    let gateway = retrying(&[&bad.url()], &format!("{ALL}, attempts = 5"));
    assert_eq!(gateway.get("/").problem(), "upstream-malformed");
    assert_eq!(bad.received().len(), 1);
}

/// An outage: nothing answers. Without a budget each request would be sent five times.
#[test]
fn a_budget_keeps_retries_from_multiplying_an_outage() {
    const REQUESTS: usize = 500;
    let bad = leaving();
    let gateway = retrying(&[&bad.url()], &format!("{ALL}, attempts = 5, budget = \"20%\", back-off = \"1ms\""));
    let (begun, mut client) = (Instant::now(), gateway.client());
    for _ in 0..REQUESTS {
        assert_eq!(client.get("/").status, 502);
    }
    let trickled = 3 * begun.elapsed().as_secs() as usize + 4;
    let sent = bad.received().len();
    assert!(sent >= REQUESTS + REQUESTS / 5, "{sent}: the budget is there to be used");
    assert!(sent <= REQUESTS + REQUESTS / 5 + 10 + trickled, "{sent} for {REQUESTS} requests");
    assert_eq!(gateway.metric("tollgate_retries_total") as usize, sent - REQUESTS);
    assert!(gateway.metric("tollgate_retries_over_budget_total") > 300.0);
}

#[test]
fn a_circuit_breaker_sees_what_came_of_the_last_try() {
    let (bad, good) = (leaving(), Upstream::saying("good"));
    let gateway = gateway(&format!(
        "[[route]]\nname = \"all\"\nupstream = \"all\"\n\
         plugins = [{{ source = \"circuit-breaker\", config = {{ failures = 1, recovery = \"60s\" }} }}]\n\
         [[upstream]]\nname = \"all\"\nendpoints = [\"{}\", \"{}\"]\nretry = {{ {ALL} }}\n",
        bad.url(),
        good.url()
    ));
    assert_eq!([(); 10].map(|()| gateway.get("/").status), [200; 10]);
    assert_eq!(bad.received().len(), 5);
}

#[test]
fn a_client_that_leaves_takes_its_tries_with_it() {
    let silent = Upstream::start(|_| Reply::hang());
    let gateway = retrying(&[&silent.url()], &format!("{ALL}, attempts = 10, per-try = \"100ms\", back-off = \"1ms\""));
    let mut client = gateway.client();
    client.start(Request::get("/left"));
    silent.wait_for_requests(2);
    client.reset();
    assert_eq!(gateway.wait_for_access("/left")["completed"], false);
    let sent = silent.received().len();
    silent.wait_until_left();
    assert!(sent < 10 && silent.received().len() <= sent + 1, "{sent}");
}

/// An endpoint that comes and goes on one port until it is told that it is over: it serves some connections, leaves each in
/// the middle of a request, and then does not listen for as long as so many requests of others take.
fn flap(address: SocketAddr, requests: &AtomicUsize, over: &AtomicBool) {
    const CONNECTIONS: usize = 4;
    const REQUESTS: usize = 25;
    while !over.load(SeqCst) {
        let Ok(listener) = TcpListener::bind(address) else { continue };
        thread::scope(|scope| {
            for stream in listener.incoming().flatten().take(CONNECTIONS) {
                scope.spawn(move || {
                    stream.set_read_timeout(Some(Duration::from_millis(200))).expect("it is open");
                    let mut reader = BufReader::new(&stream);
                    for request in 0..REQUESTS {
                        let mut lines = (&mut reader).lines().map_while(Result::ok);
                        let whole = lines.by_ref().any(|line| line.is_empty());
                        if !whole || request == REQUESTS - 1 {
                            return;
                        }
                        let _ = (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nflaps");
                    }
                });
            }
            // Who is in its queue is reset.
            drop(listener);
        });
        let until = requests.load(SeqCst) + 200;
        while requests.load(SeqCst) < until && !over.load(SeqCst) {
            thread::yield_now();
        }
    }
}

#[test]
fn no_get_is_lost_while_one_endpoint_of_three_flaps() {
    const CLIENTS: usize = 4;
    const REQUESTS: usize = 2500;
    let steady = [Upstream::saying("one"), Upstream::saying("other")];
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let endpoints = [format!("http://{port}"), steady[0].url(), steady[1].url()];
    let gateway = retrying(&endpoints.each_ref().map(String::as_str), &format!("{ALL}, attempts = 3"));
    let (requests, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (lost, flaps) = thread::scope(|scope| {
        let flapping = scope.spawn(|| flap(port, &requests, &over));
        let clients = [(); CLIENTS].map(|()| {
            scope.spawn(|| {
                let (mut client, mut lost, mut flaps) = (gateway.client(), 0, 0);
                for _ in 0..REQUESTS {
                    let answer = client.get("/");
                    requests.fetch_add(1, SeqCst);
                    lost += usize::from(answer.status != 200);
                    flaps += usize::from(answer.body == b"flaps");
                }
                (lost, flaps)
            })
        });
        let counts = clients.map(|client| client.join().expect("it ends"));
        over.store(true, SeqCst);
        // It may wait for one more connection.
        while !flapping.is_finished() {
            drop(TcpStream::connect(port));
        }
        counts.into_iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
    });
    assert!(flaps > 100, "{flaps} answers of the endpoint that flaps");
    // 0.01 % of them would be one.
    assert_eq!(lost, 0, "of {}", CLIENTS * REQUESTS);
    assert!(gateway.metric("tollgate_retries_total") > 100.0);
}

#[test]
fn a_body_that_a_plugin_has_seen_whole_is_sent_again_as_far_as_it_is_small() {
    for (length, is_sent_again) in [(512, true), (513, false)] {
        let (bad, good) = (leaving(), Upstream::saying("good"));
        let gateway = gateway(&format!(
            "[[route]]\nname = \"all\"\nupstream = \"all\"\nplugins = [\"editor\"]\n[[upstream]]\nname = \"all\"\n\
             endpoints = [\"{}\", \"{}\"]\nretry = {{ {ALL}, methods = [\"POST\"], buffer = \"1KiB\" }}\n{}",
            bad.url(),
            good.url(),
            crate::guests::plugin("editor", "editor", "config = {}"),
        ));
        let send = || gateway.send(Request::post("/", vec![b'a'; length]).header("x-request-do", "double")).status;
        let statuses = [send(), send()];
        assert_eq!(statuses == [200, 200], is_sent_again, "{statuses:?}");
        let received = [bad.received(), good.received()].concat();
        assert!(received.iter().all(|request| request.body == vec![b'a'; 2 * length]));
    }
}
