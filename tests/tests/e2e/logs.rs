//! What is written about requests, and about the gateway itself.

use serde_json::Value;
use tests::{Gate, Reply, Request, Response, Upstream, wait_for};

use crate::{everything_to, gateway, gateway_to, settled};

#[test]
fn a_request_is_one_line_with_everything_about_it() {
    let upstream = Upstream::saying("hello");
    let gateway = gateway_to(&upstream.url(), "");
    gateway.send(Request::post("/users/7?secret=1", "body").header("user-agent", "e2e/1.0"));
    let mut line = gateway.wait_for_access("/users/7");
    assert!(line["durationUs"].as_f64().expect("a number") > 0.0);
    line["durationUs"] = Value::Null;
    let _settled = settled();
    insta::assert_snapshot!(format!("{line:#}"), @r#"
    {
      "client": "127.0.0.1",
      "completed": true,
      "durationUs": null,
      "endpoint": "127.0.0.1:PORT",
      "host": "gateway.test",
      "id": "[id]",
      "method": "POST",
      "path": "/users/7",
      "plugins": {},
      "protocol": "HTTP/1.1",
      "requestBytes": 4,
      "responseBytes": 5,
      "route": "everything",
      "status": 200,
      "time": "[time]",
      "type": "access",
      "upstream": "behind",
      "userAgent": "e2e/1.0"
    }
    "#);
}

#[test]
fn a_request_that_no_route_takes_has_its_line_too() {
    let gateway = gateway_to("internal:echo", r#"match = { path = "/users" }"#);
    gateway.get("/nowhere");
    let line = gateway.wait_for_access("/nowhere");
    assert_eq!((&line["status"], &line["problem"], &line["route"]), (&404.into(), &"no-route".into(), &Value::Null));
}

#[test]
fn each_request_has_exactly_one_line() {
    let gateway = gateway_to("internal:echo", "");
    for path in ["/", "/status/503", "/a%2fb", "/bytes/1mb", "/last"] {
        gateway.get(path);
    }
    gateway.wait_for_access("/last");
    let paths =
        gateway.access_log().iter().map(|line| line["path"].as_str().expect("text").to_owned()).collect::<Vec<_>>();
    assert_eq!(paths, ["/", "/status/503", "/a%2fb", "/bytes/1mb", "/last"]);
}

#[test]
fn a_client_that_leaves_before_the_answer_is_logged_once() {
    let upstream = Upstream::start(|_| Reply::hang());
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = gateway.client();
    client.start(Request::get("/left"));
    upstream.wait_for_requests(1);
    client.abort();
    let line = gateway.wait_for_access("/left");
    assert_eq!((&line["completed"], &line["status"]), (&false.into(), &Value::Null), "{line}");
    assert_eq!(gateway.metric(r#"tollgate_requests_total{route="everything",status="499"}"#), 1.0);
    // The upstream need not go on for nobody.
    upstream.wait_until_left();
    assert_eq!(gateway.access_log().len(), 1);
}

#[test]
fn a_client_that_leaves_in_the_middle_of_the_body_is_logged_once() {
    let gate = Gate::closed();
    let never = gate.clone();
    let upstream = Upstream::start(move |_| {
        Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").then_after(&never, "").then_hang()
    });
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = gateway.client();
    client.start(Request::get("/left"));
    client.read_until("half");
    client.abort();
    let line = gateway.wait_for_access("/left");
    assert_eq!((&line["completed"], &line["status"], &line["responseBytes"]), (&false.into(), &200.into(), &4.into()));
    gate.open();
    upstream.wait_until_left();
    assert_eq!(gateway.access_log().len(), 1);
}

#[test]
fn the_access_log_can_be_off() {
    let config = everything_to("internal:echo", "");
    let mut gateway = gateway(&format!("{config}[gateway]\nlog = {{ access = false }}\n"));
    assert_eq!(gateway.get("/").status, 200);
    gateway.signal(tests::Signal::TERM);
    gateway.wait_exit();
    assert_eq!(gateway.access_log(), Vec::<Value>::new());
}

#[test]
fn a_line_of_the_log_is_json_when_nobody_watches() {
    let gateway = gateway_to("internal:echo", "");
    let _settled = settled();
    insta::assert_snapshot!(gateway.wait_for_log("listening on").to_string(), @r#"{"address":"127.0.0.1:PORT","level":"info","message":"listening on 127.0.0.1:PORT","target":"tollgate::gateway::listeners","time":"[time]","type":"log"}"#);
}

#[test]
fn why_a_request_was_refused_is_in_the_log_under_its_id_for_who_wants_to_know() {
    let gateway = gateway(&format!("{}[gateway]\nlog = {{ level = \"debug\" }}\n", everything_to("internal:echo", "")));
    let reason = |answer: Response| {
        let id = answer.json()["requestId"].clone();
        let line = wait_for("its line", || gateway.log().into_iter().find(|line| line["id"] == id));
        (line["level"].clone(), line["status"].clone(), line["message"].clone())
    };
    let far = Request::new("OPTIONS", "/").header("max-forwards", "x");
    let debug = |status: u16, message: &str| ("debug".into(), status.into(), message.into());
    assert_eq!(reason(gateway.send(far)), debug(400, "Max-Forwards is not one number"));
    assert_eq!(reason(gateway.get("/a%2")), debug(400, "the path holds `%` without two hex digits"));
    let mut client = gateway.client();
    client.write("GET / HTTP/1.1\r\nhost: x\nx: y\r\n\r\n");
    assert_eq!(reason(client.receive()), debug(400, "a line ends without CR"));
}

#[test]
fn the_first_line_says_what_runs() {
    let gateway = gateway_to("internal:echo", "");
    let line = gateway.wait_for_log("tollgate ");
    assert_eq!(line["message"], "tollgate 0.1.0: gateway.toml, 1 route, 0 plugins, 1 worker");
}

#[test]
fn secrets_are_in_no_log() {
    let config = everything_to("internal:echo", "");
    let consumer = "[[consumer]]\nname = \"acme\"\ncredentials = [{ key = \"${env:ACME_KEY}\" }]\n\
                    [gateway]\nlog = { level = \"trace\" }\n";
    let mut gateway = crate::builder(&format!("{config}{consumer}")).variable("ACME_KEY", "hush-hush").start();
    gateway.send(Request::get("/path?key=hush-hush").header("x-api-key", "hush-hush"));
    gateway.wait_for_access("/path");
    gateway.signal(tests::Signal::TERM);
    gateway.wait_exit();
    let lines = gateway.access_log().into_iter().chain(gateway.log());
    assert!(lines.into_iter().all(|line| !line.to_string().contains("hush-hush")));
}

#[test]
fn a_line_of_the_access_log_can_be_for_people() {
    let config = everything_to("internal:echo", "");
    let mut gateway = gateway(&format!("{config}[gateway]\nlog = {{ format = \"text\" }}\nadmin = \"off\"\n"));
    gateway.get("/users/7");
    gateway.signal(tests::Signal::TERM);
    gateway.wait_exit();
    let _settled = settled();
    insta::assert_snapshot!(gateway.stdout(), @r"[time] 127.0.0.1 GET /users/7 200 265B [duration] host=gateway.test route=everything endpoint=internal:echo");
}

#[test]
fn a_line_says_where_a_request_came_from_and_what_the_client_called_itself() {
    let removes = "plugins = [{ source = \"transform\", config = { request.headers.remove = [\"user-agent\"] } }]";
    let config = everything_to("internal:echo", &format!("match.path = \"/users/**\"\n{removes}"));
    let gateway = gateway(&format!("[[listener]]\nname = \"public\"\naddress = \"127.0.0.1:0\"\n{config}"));
    let agent = format!("a\u{9b}\u{1f980}\"{}", "x".repeat(300));
    for path in ["/users/7", "/nowhere"] {
        gateway.send(Request::get(path).header("host", "Shop.Example:8080").header("user-agent", &agent));
        let line = gateway.wait_for_access(path);
        assert_eq!((&line["listener"], &line["host"]), (&"public".into(), &"shop.example".into()), "{line}");
        let told = line["userAgent"].as_str().expect("text");
        assert!(told.starts_with("a\u{9b}\u{1f980}\"xxx") && told.len() == 256, "{told}");
    }
    gateway.send(Request::get("/refused").header("host", "a b"));
    assert_eq!(gateway.wait_for_access("/refused")["host"], "a b");
}
