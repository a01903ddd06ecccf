use std::time::UNIX_EPOCH;

use super::*;
use crate::telemetry::captured::Captured;
use crate::telemetry::timestamp::Timestamp;

fn entry() -> AccessEntry<'static> {
    AccessEntry {
        id: "01hx",
        client: [192, 0, 2, 7].into(),
        listener: Some("public"),
        host: Some("api.example"),
        user_agent: Some("curl/8.5.0"),
        method: "GET",
        path: "/users/7",
        protocol: "HTTP/1.1",
        status: Some(200),
        request_bytes: 0,
        response_bytes: 512,
        duration: Duration::from_nanos(1_240_399),
        route: Some("users"),
        upstream: Some("users"),
        endpoint: Some("127.0.0.1:9001"),
        tries: 1,
        failover: None,
        consumer: Some("acme"),
        completed: true,
        problem: None,
    }
}

const PLUGINS: [(&str, u64); 2] = [("key-auth", 812), ("rate-limit", 700)];

fn line(style: Style, entry: &AccessEntry<'_>, plugins: &[(&str, u64)]) -> String {
    let (mut out, now) = (Vec::new(), UNIX_EPOCH + Duration::from_millis(1_770_091_506_789));
    match style {
        Style::Json => line::json(&mut out, &mut Timestamp::new(), now, entry, plugins.iter().copied()),
        Style::Text { colour } => {
            line::text(&mut out, &mut Timestamp::new(), now, entry, plugins.iter().copied(), colour);
        }
    }
    String::from_utf8(out).expect("UTF-8")
}

const TEXT: Style = Style::Text { colour: false };

#[test]
fn text_is_for_people() {
    assert_eq!(
        line(TEXT, &entry(), &PLUGINS),
        "04:05:06.789 192.0.2.7 GET /users/7 200 512B 1.24ms host=api.example route=users endpoint=127.0.0.1:9001 \
         consumer=acme plugins=key-auth:0.8us,rate-limit:0.7us\n"
    );
    let failed = AccessEntry {
        client: "2001:db8::7".parse().expect("an address"),
        host: None,
        status: None,
        duration: Duration::from_micros(30_020_500),
        endpoint: None,
        consumer: None,
        completed: false,
        problem: Some("upstream-timeout"),
        ..entry()
    };
    assert_eq!(
        line(TEXT, &failed, &[]),
        "04:05:06.789 2001:db8::7 GET /users/7 - 512B 30.02s route=users problem=upstream-timeout id=01hx incomplete\n"
    );
    assert!(line(Style::Text { colour: true }, &entry(), &[]).contains(" \u{1b}[32m200\u{1b}[0m 512B"));
}

#[test]
fn json_carries_everything() {
    assert_eq!(
        line(Style::Json, &entry(), &PLUGINS),
        "{\"time\":\"2026-02-03T04:05:06.789Z\",\"type\":\"access\",\"id\":\"01hx\",\"client\":\"192.0.2.7\",\
         \"listener\":\"public\",\"host\":\"api.example\",\"userAgent\":\"curl/8.5.0\",\"method\":\"GET\",\"path\":\"/users/7\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"requestBytes\":0,\
         \"responseBytes\":512,\"durationUs\":1240.3,\"route\":\"users\",\"upstream\":\"users\",\
         \"endpoint\":\"127.0.0.1:9001\",\"consumer\":\"acme\",\"completed\":true,\
         \"plugins\":{\"key-auth\":0.8,\"rate-limit\":0.7}}\n"
    );
}

#[test]
fn what_a_client_sends_cannot_forge_a_line_or_a_field() {
    let evil = "/a\"b\\\r\n12:00:00.000 GET /forged 200 \u{1b}[31m\u{9b}2J\u{202e}\u{0}\u{7f}";
    let entry = AccessEntry {
        path: evil,
        method: evil,
        consumer: Some(evil),
        host: Some(evil),
        user_agent: Some(evil),
        ..entry()
    };
    let json = line(Style::Json, &entry, &[(evil, 1)]);
    let value: serde_json::Value = serde_json::from_str(&json).expect("one JSON object");
    assert_eq!(value["path"], evil);
    assert_eq!(value["consumer"], evil);
    assert_eq!((&value["host"], &value["userAgent"]), (&evil.into(), &evil.into()));
    assert_eq!(value["plugins"][evil], 0.0);
    for line in [json, line(TEXT, &entry, &[(evil, 1)])] {
        let (body, end) = line.split_at(line.len() - 1);
        assert_eq!(end, "\n");
        assert!(!body.chars().any(|character| character.is_control() || character == '\u{202e}'), "{body}");
    }
}

#[test]
fn an_endless_path_is_cut_between_characters() {
    let path = format!("/a{}", "ż".repeat(40_000));
    let line = line(Style::Json, &AccessEntry { path: &path, ..entry() }, &[]);
    assert!(line.len() < 2_600, "{}", line.len());
}

#[test]
fn every_line_is_on_the_stream_when_the_log_has_been_dropped() {
    let captured = Captured::default();
    let log = AccessLog::to(Style::Json, true, captured.clone()).expect("a thread");
    let writers = [log.writer(), log.writer()];
    std::thread::scope(|scope| {
        for writer in &writers {
            scope.spawn(|| (0..1_000).for_each(|_| writer.write(&entry(), PLUGINS)));
        }
    });
    drop(log);
    let text = captured.text();
    assert_eq!(text.lines().count(), 2_000);
    for line in text.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("whole lines");
    }
}

#[test]
fn a_log_is_off_and_on_and_of_another_form_while_it_is_written() {
    let captured = Captured::default();
    let log = AccessLog::to(Style::Json, false, captured.clone()).expect("a thread");
    let writer = log.writer();
    assert!(!writer.is_on());
    log.set(Format::Text, true);
    assert!(writer.is_on());
    writer.write(&entry(), PLUGINS);
    log.set(Format::Json, true);
    writer.write(&entry(), PLUGINS);
    drop(log);
    let text = captured.text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() == 2 && !lines[0].starts_with('{') && lines[1].starts_with('{'), "{text}");
}
