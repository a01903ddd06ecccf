//! Logs whose stream takes nothing more, or only a part: lines are lost and counted, and no request is.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, PipeReader};
use std::sync::mpsc::channel;
use std::thread;

use serde_json::Value;
use tests::{Gateway, Signal, wait_for};

use crate::load::Load;
use crate::{builder, everything_to};

const LOST: &str = r#"tollgate_log_lines_dropped_total{log="access"}"#;

/// A gateway to the echo whose access log goes there.
fn logging_to(stdout: impl Into<std::process::Stdio>) -> Gateway {
    builder(&everything_to("internal:echo", "")).access_log_to(stdout).start()
}

#[test]
fn a_full_disk_costs_lines_and_no_request_and_tears_no_line_but_one() {
    const ROOM: u64 = 100;
    let folder = tests::Folder::new();
    let path = folder.write("access.log", "");
    let gateway = logging_to(File::create(&path).expect("it is our folder"));
    let written = || fs::read_to_string(&path).expect("it is there");
    gateway.get("/before");
    wait_for("the first line", || written().ends_with('\n').then_some(()));
    let full = fs::metadata(&path).expect("it is there").len() + ROOM;
    // As on a full disk, a part is written, and then nothing.
    gateway.limit_file_size(Some(full));
    let mut client = gateway.client();
    for _ in 0..20 {
        assert_eq!(client.get("/lost").status, 200);
    }
    wait_for("the lines to be lost", || (gateway.metric(LOST) == 20.0).then_some(()));
    assert_eq!(fs::metadata(&path).expect("it is there").len(), full);
    gateway.limit_file_size(None);
    assert_eq!(client.get("/after").status, 200);
    wait_for("the last line", || written().ends_with("}\n").then_some(()));
    assert_eq!(gateway.metric(LOST), 20.0);
    let text = written();
    let lines: Vec<&str> = text.lines().collect();
    let path_of = |line: &str| serde_json::from_str::<Value>(line).ok().map(|line| line["path"].clone());
    assert_eq!(lines.len(), 3, "{text}");
    assert_eq!((path_of(lines[0]), path_of(lines[2])), (Some("/before".into()), Some("/after".into())), "{text}");
    assert_eq!((lines[1].len() as u64, path_of(lines[1])), (ROOM, None), "{text}");
}

#[test]
fn a_disk_that_is_full_from_the_start_does_not_keep_a_gateway_from_serving_and_stopping() {
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    let mut gateway = logging_to(full);
    for _ in 0..10 {
        assert_eq!(gateway.get("/").status, 200);
    }
    wait_for("the lines to be lost", || (gateway.metric(LOST) == 10.0).then_some(()));
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.wait_exit().code(), Some(0));
}

/// A gateway whose access log nobody reads, and which has begun to lose lines.
fn with_a_stuck_reader() -> (Gateway, PipeReader) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let gateway = logging_to(writer);
    // Long paths fill its buffer sooner.
    let load = Load::start(gateway.address(), 4, &format!("/{}", "x".repeat(900)));
    wait_for("lines to be lost", || (gateway.metric(LOST) > 0.0).then_some(()));
    let before = crate::guests::resident(&gateway);
    load.wait_for_more(2_000);
    load.end();
    let after = crate::guests::resident(&gateway);
    assert!(after < before + 4, "{before} MiB, then {after} MiB");
    (gateway, reader)
}

#[test]
fn a_reader_that_is_stuck_costs_lines_and_neither_requests_nor_memory() {
    let (gateway, reader) = with_a_stuck_reader();
    // It reads on: what was kept comes whole, and so does what is new, as soon as there is room for it.
    let (tell, paths) = channel();
    let reading = thread::spawn(move || {
        for line in BufReader::new(reader).lines() {
            let line: Value = serde_json::from_str(&line.expect("it can be read")).expect("each line is whole");
            let _ = tell.send(line["path"].clone());
        }
    });
    let mut client = gateway.client();
    wait_for("a new line", || {
        assert_eq!(client.get("/new").status, 200);
        paths.try_iter().any(|path| path == "/new").then_some(())
    });
    let lost = gateway.metric(LOST);
    for _ in 0..100 {
        assert_eq!(client.get("/more").status, 200);
    }
    assert_eq!(client.get("/last").status, 200);
    let mut more = 0;
    wait_for("the last line", || {
        paths.try_iter().find(|path| {
            more += usize::from(path == "/more");
            path == "/last"
        })
    });
    assert_eq!((more, gateway.metric(LOST)), (100, lost));
    drop(gateway);
    reading.join().expect("each line is whole");
}

#[test]
fn a_reader_that_is_stuck_does_not_keep_a_gateway_from_stopping() {
    let (mut gateway, _reader) = with_a_stuck_reader();
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.wait_exit().code(), Some(0));
}
