//! Changes of the config while traffic flows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use tests::{Client, Gate, Reply, Request, Signal, Upstream, wait_for};

use crate::{everything_to, gateway, gateway_to, settled, tollgate};

#[test]
fn an_edit_takes_effect_within_a_second_and_no_request_fails() {
    let (old, new) = (Upstream::saying("old"), Upstream::saying("new"));
    let gateway = gateway_to(&old.url(), "");
    let (address, over) = (gateway.address(), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let over = Arc::clone(&over);
            thread::spawn(move || {
                let mut client = Client::connect(address);
                while !over.load(Relaxed) {
                    let answer = client.get("/");
                    assert_eq!(answer.status, 200);
                    assert!(["old", "new"].contains(&answer.text().as_str()));
                }
            })
        })
        .collect();

    let mut client = gateway.client();
    assert_eq!(client.get("/").text(), "old");
    let edited = Instant::now();
    gateway.edit(&everything_to(&new.url(), ""));
    wait_for("the new config", || (client.get("/").text() == "new").then_some(()));
    let took = edited.elapsed();
    over.store(true, Relaxed);
    for client in clients {
        client.join().expect("no failed request");
    }
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_bad_edit_changes_nothing_and_logs_what_check_prints() {
    let gateway = gateway_to("internal:echo", "");
    let bad = everything_to("internal:echo", "upstraem = \"behind\"\ntimeout = \"soon\"");
    gateway.edit(&bad);
    let logged = gateway.wait_for_log("the configuration is refused");
    let checked = gateway.folder().tollgate(crate::BINARY, &["check", "--config", "gateway.toml"]);
    assert_eq!(checked.code, Some(78));
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let problems = logged["problems"].as_array().expect("a list");
    let told = problems.iter().map(|problem| {
        let place = format!("{}:{}:{}", text(&problem["file"]), problem["line"], problem["column"]);
        let help = problem["help"].as_str().map(|help| format!("  help: {help}\n")).unwrap_or_default();
        format!("{place}: {}\n{help}", text(&problem["message"]))
    });
    assert_eq!(told.collect::<String>() + "2 problems\n", checked.stderr);
    assert_eq!(gateway.get("/").status, 200);
    assert_eq!(gateway.metric("tollgate_config_generation"), 1.0);
}

#[test]
fn on_a_terminal_each_problem_of_a_bad_edit_has_its_lines() {
    let text = "[gateway]\nlog = { format = \"text\" }\n";
    let mut gateway = gateway(&format!("{text}{}", everything_to("internal:echo", "")));
    let bad = everything_to("internal:echo", "upstraem = \"behind\"\ntimeout = \"soon\"");
    gateway.edit(&format!("{text}{bad}"));
    wait_for("the refusal", || gateway.stderr().contains("is refused").then_some(()));
    gateway.signal(Signal::TERM);
    gateway.wait_exit();
    let log = gateway.stderr();
    let from = log.find("ERROR").expect("it is logged");
    let until = log.find("stopping").expect("it stops");
    let _settled = settled();
    insta::assert_snapshot!(log[from..until].rsplit_once('\n').expect("lines").0, @r"
    ERROR the configuration is refused, the gateway goes on with the one it has: 2 problems
      gateway.toml:12:1: unknown key `upstraem` (route `everything`)
        help: did you mean `upstream`?
      gateway.toml:13:11: `soon` is not a duration (route `everything`)
        help: a number and `us`, `ms`, `s`, `m`, `h` or `d`: `[duration]`, `30s`
    ");
}

#[test]
fn a_bad_edit_that_is_mended_takes_effect() {
    let gateway = gateway_to("internal:echo", "");
    gateway.edit("[[route");
    gateway.wait_for_log("the configuration is refused");
    gateway.edit(&everything_to("internal:echo", r#"match = { path = "/mended" }"#));
    gateway.wait_for_generation(2.0);
    assert_eq!((gateway.get("/mended").status, gateway.get("/").status), (200, 404));
}

#[test]
fn requests_in_flight_finish_on_the_config_that_they_started_with() {
    let gate = Gate::closed();
    let held = gate.clone();
    let old = Upstream::start(move |_| Reply::ok("old").after(&held));
    let gateway = gateway_to(&old.url(), "");
    let mut client = gateway.client();
    client.start(Request::get("/"));
    old.wait_for_requests(1);
    gateway.reload(&everything_to("internal:echo", r#"match = { path = "/new" }"#));
    assert_eq!(gateway.get("/").status, 404);
    gate.open();
    assert_eq!(client.receive().text(), "old");
    // The connection goes on, on the new config.
    assert_eq!(client.get("/new").status, 200);
}

#[test]
fn a_hangup_reads_the_config_again_without_an_edit() {
    let gateway = gateway_to("internal:echo", "");
    gateway.signal(Signal::HUP);
    gateway.wait_for_log("SIGHUP");
    gateway.wait_for_generation(2.0);
    assert_eq!(gateway.get("/").status, 200);
}

#[test]
fn a_listener_can_be_added_and_removed() {
    let config = everything_to("internal:echo", "");
    let first = "[[listener]]\naddress = \"127.0.0.1:0\"\n";
    let second = "[[listener]]\naddress = \"127.0.0.2:0\"\n";
    let gateway = gateway(&format!("{config}{first}"));
    gateway.reload(&format!("{config}{first}{second}"));
    let line = gateway.wait_for_log("listening on 127.0.0.2");
    let added = line["address"].as_str().and_then(|address| address.parse().ok()).expect("an address");
    let mut kept = gateway.client();
    assert_eq!((Client::connect(added).get("/").status, kept.get("/").status), (200, 200));
    gateway.reload(&format!("{config}{second}"));
    gateway.wait_for_log(&format!("no longer listening on {}", gateway.address()));
    wait_for("the first to close", || Client::try_connect(gateway.address()).is_err().then_some(()));
    // Connections that it had accepted go on.
    assert_eq!((Client::connect(added).get("/").status, kept.get("/").status), (200, 200));
}

#[test]
fn a_listener_can_be_made_wider_and_narrower_on_its_port() {
    let config = everything_to("internal:echo", "");
    let gateway = gateway_to("internal:echo", "");
    let port = gateway.address().port();
    for address in ["0.0.0.0", "127.0.0.1", "0.0.0.0", "127.0.0.2"] {
        gateway.reload(&format!("{config}[[listener]]\naddress = \"{address}:{port}\"\n"));
        let served = if address == "127.0.0.2" { [127, 0, 0, 2] } else { [127, 0, 0, 1] };
        wait_for("the listener", || {
            let mut client = Client::try_connect((served, port).into()).ok()?;
            client.try_send(Request::get("/")).ok().filter(|answer| answer.status == 200)
        });
    }
}

#[test]
fn a_new_listener_that_cannot_be_had_changes_nothing() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound");
    let gateway = gateway_to("internal:echo", "");
    let config = everything_to("internal:echo", r#"match = { path = "/new" }"#);
    let listeners = format!("[[listener]]\naddress = \"127.0.0.1:0\"\n[[listener]]\naddress = \"{address}\"\n");
    gateway.edit(&format!("{config}{listeners}"));
    let logged = gateway.wait_for_log("the configuration is refused");
    let problem = logged["problems"][0]["message"].as_str().expect("text");
    assert!(problem.contains(&format!("cannot listen on {address}")), "{logged}");
    assert_eq!((gateway.get("/").status, gateway.get("/new").status), (200, 200));
}

#[test]
fn a_refused_edit_leaves_what_plugins_keep() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound");
    let limited =
        r#"plugins = [{ source = "rate-limit", config = { by = { header = "x-caller" }, limit = 1, window = "1h" } }]"#;
    let config = everything_to("internal:echo", limited);
    let gateway = gateway(&config);
    let statuses = || {
        let mut client = gateway.client();
        let ask = |caller: usize| client.send(Request::get("/").header("x-caller", &caller.to_string())).status;
        (0..200).map(ask).collect::<Vec<_>>()
    };
    assert_eq!(statuses(), [200; 200]);
    let smaller = "[gateway]\nlimiter = { max-entries = 64 }\n";
    let listeners = format!("[[listener]]\naddress = \"127.0.0.1:0\"\n[[listener]]\naddress = \"{address}\"\n");
    gateway.edit(&format!("{smaller}{config}{listeners}"));
    gateway.wait_for_log("the configuration is refused");
    assert_eq!(statuses(), [429; 200]);
}

#[test]
fn included_files_count_also_those_that_are_new() {
    let config = "include = [\"routes/*.toml\"]\n[[upstream]]\nname = \"echo\"\nendpoints = [\"internal:echo\"]\n";
    let route = |name: &str, path: &str| {
        format!("[[route]]\nname = \"{name}\"\nupstream = \"echo\"\nmatch = {{ path = \"{path}\" }}\n")
    };
    let gateway = crate::builder(config).file("routes/a.toml", route("a", "/a")).start();
    gateway.folder().write("routes/b.toml", route("b", "/b"));
    gateway.wait_for_generation(2.0);
    assert_eq!(gateway.get("/b").status, 200);
    gateway.folder().write("routes/a.toml", route("a", "/changed"));
    gateway.wait_for_generation(3.0);
    assert_eq!((gateway.get("/changed").status, gateway.get("/a").status), (200, 404));
}

#[test]
fn connections_to_an_upstream_that_did_not_change_are_kept() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "");
    gateway.get("/");
    gateway.reload(&everything_to(&upstream.url(), r#"match = { path = "/new" }"#));
    assert_eq!(gateway.get("/new").status, 200);
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn what_waits_for_the_next_start_is_said() {
    let config = everything_to("internal:echo", "");
    let gateway = gateway(&format!("[gateway]\nworkers = 1\n{config}"));
    gateway.edit(&format!("[gateway]\nworkers = 2\n{config}"));
    gateway.wait_for_log("[gateway] workers was changed and takes effect at the next start");
}

#[test]
fn a_check_says_the_same_of_the_same_file_whatever_the_gateway_runs_on() {
    let ran = tollgate("[[route", &["check", "--config", "gateway.toml"]);
    assert!(ran.code == Some(78) && ran.stderr.starts_with("gateway.toml:1:"), "{ran:?}");
}

#[test]
fn a_file_that_is_written_in_place_is_noticed_too() {
    let gateway = gateway_to("internal:echo", "");
    let config = std::fs::read_to_string(gateway.folder().path().join("gateway.toml")).expect("it is there");
    let edited = config.replace("name = \"everything\"", "name = \"everything\"\nmatch = { path = \"/new\" }");
    std::fs::write(gateway.folder().path().join("gateway.toml"), edited).expect("the folder is ours");
    wait_for("the edit", || (gateway.get("/").status == 404).then_some(()));
    assert_eq!(gateway.get("/new").status, 200);
}

#[test]
fn what_is_logged_changes_with_the_config() {
    let config = |log: &str| everything_to("internal:echo", "") + "[gateway]\n" + log;
    let mut gateway = gateway(&config("log = { access = false }"));
    let generation = |gateway: &tests::Gateway, number: f64| {
        wait_for("the next generation", || (gateway.metric("tollgate_config_generation") == number).then_some(()));
    };
    assert_eq!(gateway.get("/unseen").status, 200);
    gateway.edit(&config("log = { level = \"warn\" }"));
    generation(&gateway, 2.0);
    gateway.get("/seen");
    gateway.wait_for_access("/seen");
    gateway.edit(&config("log = { access = false, level = \"debug\", format = \"text\" }"));
    generation(&gateway, 3.0);
    assert_eq!(gateway.get("/unseen").status, 200);
    gateway.signal(Signal::TERM);
    gateway.wait_exit();
    assert_eq!(gateway.stdout().matches("/seen").count(), 1, "{}", gateway.stdout());
    assert!(!gateway.stdout().contains("/unseen"), "{}", gateway.stdout());
    let log = gateway.stderr();
    // Not at "warn"; as text from then on.
    assert!(!log.contains("\"generation\":2") && log.contains("generation=3"), "{log}");
    assert!(!log.contains("takes effect at the next start"), "{log}");
}
