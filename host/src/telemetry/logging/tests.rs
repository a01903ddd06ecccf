use tracing_subscriber::layer::SubscriberExt;

use super::layer::LogLayer;
use super::*;
use crate::telemetry::Style;
use crate::telemetry::captured::Captured;

/// What `log` writes, line by line.
fn lines(style: Style, level: Level, log: impl FnOnce()) -> Vec<String> {
    let captured = Captured::default();
    let spool = Spool::start("log", Duration::ZERO, captured.clone()).expect("a thread");
    let layer = LogLayer::new(spool.lane(), Arc::new(CurrentStyle::new(style))).with_filter(filter(level));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
    drop(spool);
    captured.text().lines().map(str::to_owned).collect()
}

const TEXT: Style = Style::Text { colour: false };

#[test]
fn text_is_time_level_message_and_fields() {
    let lines = lines(TEXT, Level::INFO, || {
        tracing::info!(target: "tollgate::listener", address = %"127.0.0.1:8080", workers = 2, tls = false, "listening");
    });
    assert_eq!(lines[0][12..], *" INFO  listening address=127.0.0.1:8080 workers=2 tls=false");
}

#[test]
fn json_has_the_message_and_each_field_as_a_key() {
    let lines = lines(Style::Json, Level::INFO, || {
        tracing::warn!(target: "tollgate::x", r#type = "odd", ratio = f64::NAN, count = -1_i64, "it \"broke\"\n{}", 7);
    });
    let value: serde_json::Value = serde_json::from_str(&lines[0]).expect("JSON");
    assert_eq!(value["type"], "log");
    assert_eq!(value["level"], "warn");
    assert_eq!(value["message"], "it \"broke\"\n7");
    assert_eq!(value["field_type"], "odd");
    assert_eq!(value["ratio"], "NaN");
    assert_eq!(value["count"], -1);
}

#[test]
fn findings_are_lines_in_text_and_a_list_in_json_and_forge_neither() {
    let finding = |line, message: &str, help: Option<&str>| Finding {
        file: "gateway.toml".into(),
        line,
        column: line,
        message: message.into(),
        help: help.map(Into::into),
    };
    let findings = Findings(vec![
        finding(None, "there is no `[[route]]`", None),
        finding(Some(7), "a \"b\"\n12:00:00.000 INFO  forged\u{1b}[2J", Some("say `c`")),
    ]);
    let log = || tracing::error!(target: "tollgate::x", problems = findings.value(), "refused");
    let text = lines(TEXT, Level::INFO, log);
    assert_eq!(text[0][12..], *" ERROR refused");
    insta::assert_snapshot!(text[1..].join("\n"), @r#"
    gateway.toml: there is no `[[route]]`
    gateway.toml:7:7: a "b"\n12:00:00.000 INFO  forged\u001b[2J
      help: say `c`
    "#);
    let value: serde_json::Value = serde_json::from_str(&lines(Style::Json, Level::INFO, log)[0]).expect("JSON");
    insta::assert_snapshot!(value["problems"].to_string(), @r#"[{"file":"gateway.toml","message":"there is no `[[route]]`"},{"column":7,"file":"gateway.toml","help":"say `c`","line":7,"message":"a \"b\"\n12:00:00.000 INFO  forged\u001b[2J"}]"#);
}

#[test]
fn a_value_cannot_forge_a_line_or_a_field() {
    let evil = "x\n12:00:00.000 INFO  forged level=error \u{1b}[2J";
    for style in [TEXT, Style::Json] {
        let lines = lines(style, Level::INFO, || tracing::info!(target: "tollgate", evil, shown = %evil, "{evil}"));
        assert_eq!(lines.len(), 1);
        assert!(!lines[0].chars().any(char::is_control), "{lines:?}");
    }
}

#[test]
fn libraries_are_heard_from_warn_up_and_plugins_from_the_level_that_was_asked_for() {
    let lines = lines(TEXT, Level::DEBUG, || {
        tracing::info!(target: "h2::proto", "frame");
        tracing::warn!(target: "h2::proto", "flood");
        tracing::debug!(target: "tollgate::router", "found");
        tracing::debug!(target: "plugin", plugin = "api-key", "no key");
    });
    assert_eq!(lines.len(), 3);
    assert!(lines[0].ends_with("WARN  h2::proto: flood"), "{lines:?}");
    assert!(lines[1].ends_with("DEBUG found"), "{lines:?}");
    assert!(lines[2].ends_with("DEBUG plugin: no key plugin=api-key"), "{lines:?}");
}

#[test]
fn a_field_whose_debug_logs_itself_does_not_hang() {
    struct Chatty;
    impl std::fmt::Debug for Chatty {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            tracing::info!(target: "tollgate", "inner");
            f.write_str("chatty")
        }
    }
    let lines = lines(TEXT, Level::INFO, || tracing::info!(target: "tollgate", value = ?Chatty, "outer"));
    assert!(lines.iter().any(|line| line.ends_with("outer value=chatty")), "{lines:?}");
}
