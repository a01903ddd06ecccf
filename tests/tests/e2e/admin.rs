//! The admin listener: health, readiness, metrics.

use tests::{Request, wait_for};

use crate::{everything_to, gateway, gateway_to, tollgate};

#[test]
fn it_says_that_the_gateway_lives_and_is_ready() {
    let gateway = gateway_to("internal:echo", "");
    assert_eq!(gateway.admin_get("/healthz").text(), "ok\n");
    assert_eq!(gateway.admin_get("/readyz").text(), "ready\n");
    assert_eq!(gateway.admin_get("/nothing").status, 404);
}

#[test]
fn requests_are_counted_by_route_and_status() {
    let gateway = gateway_to("internal:echo", r#"match = { path = "/users/**" }"#);
    for path in ["/users", "/users/1", "/users/status/503", "/nowhere"] {
        gateway.get(path);
    }
    // An exchange is counted at its end, which is after its last byte.
    let counted = |labels: &str, count: f64| {
        let name = format!("tollgate_requests_total{{{labels}}}");
        wait_for(&name, || (gateway.metric(&name) == count).then_some(()));
    };
    counted(r#"route="everything",status="200""#, 2.0);
    counted(r#"route="everything",status="503""#, 1.0);
    counted(r#"route="",status="404""#, 1.0);
}

#[test]
fn latency_is_a_histogram_by_route() {
    let gateway = gateway_to("internal:echo", "");
    gateway.get("/");
    let name = r#"tollgate_request_duration_seconds_count{route="everything"}"#;
    wait_for(name, || (gateway.metric(name) == 1.0).then_some(()));
    let bucket = r#"tollgate_request_duration_seconds_bucket{route="everything",le="+Inf"}"#;
    assert_eq!(gateway.metric(bucket), 1.0);
}

#[test]
fn the_families_of_metrics_are_what_dashboards_are_built_on() {
    let gateway = gateway_to("internal:echo", "");
    gateway.get("/");
    let text = gateway.admin_get("/metrics").text();
    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    insta::assert_snapshot!(families.collect::<Vec<_>>().join("\n"), @r"
    tollgate_requests_total counter
    tollgate_problems_total counter
    tollgate_request_duration_seconds histogram
    tollgate_request_body_bytes_total counter
    tollgate_response_body_bytes_total counter
    tollgate_plugin_calls_total counter
    tollgate_plugin_duration_seconds histogram
    tollgate_plugin_skipped_total counter
    tollgate_plugin_faults_total counter
    tollgate_plugin_outbound_total counter
    tollgate_plugin_instances gauge
    tollgate_plugin_instances_started_total counter
    tollgate_upstream_endpoint_requests_total counter
    tollgate_upstream_endpoint_failures_total counter
    tollgate_upstream_endpoint_healthy gauge
    tollgate_upstream_endpoint_ejected gauge
    tollgate_build_info gauge
    tollgate_config_reloads_total counter
    tollgate_config_generation gauge
    tollgate_dns_lookups_total counter
    tollgate_connections gauge
    tollgate_connections_accepted_total counter
    tollgate_requests gauge
    tollgate_tunnels gauge
    tollgate_on_log_dropped_total counter
    tollgate_http2_floods_total counter
    tollgate_http2_stalled_total counter
    tollgate_retries_total counter
    tollgate_retries_over_budget_total counter
    tollgate_failovers_total counter
    tollgate_upstream_requests gauge
    tollgate_upstream_requests_waiting gauge
    tollgate_mirrored_total counter
    tollgate_connections_refused_total counter
    tollgate_accept_failures_total counter
    tollgate_log_lines_dropped_total counter
    tollgate_state_entries gauge
    tollgate_state_bytes gauge
    tollgate_state_evicted_total counter
    tollgate_body_bytes gauge
    process_cpu_seconds_total counter
    process_resident_memory_bytes gauge
    process_open_fds gauge
    process_max_fds gauge
    process_start_time_seconds gauge
    ");
}

#[test]
fn it_is_on_no_listener_for_clients() {
    let gateway = gateway_to("internal:echo", r#"match = { path = "/users" }"#);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(gateway.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_web_page_cannot_read_it_by_a_name_of_its_own() {
    let gateway = gateway_to("internal:echo", "");
    let answer = tests::Client::connect(gateway.admin()).send(Request::get("/metrics").header("host", "evil.example"));
    assert_eq!(answer.status, 421);
}

#[test]
fn it_can_be_off() {
    let gateway = gateway(&format!("[gateway]\nadmin = \"off\"\n{}", everything_to("internal:echo", "")));
    assert_eq!(gateway.get("/").status, 200);
    assert!(!gateway.stderr().contains("admin listener"));
}

#[test]
fn it_cannot_be_where_others_reach_it() {
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\n";
    let config = format!("[gateway]\nadmin = \"0.0.0.0:9901\"\n{listener}{}", everything_to("internal:echo", ""));
    let ran = tollgate(&config, &["check", "--config", "gateway.toml"]);
    assert_eq!(ran.code, Some(78));
    assert!(ran.stderr.starts_with("gateway.toml:2:9: "), "{}", ran.stderr);
}
