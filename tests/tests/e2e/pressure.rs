//! A machine that has too little for the gateway: of CPU time, of memory; and whose clock jumps.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use tests::{Gateway, Request, Signal, Upstream};

use crate::guests::{faults, plugin, resident, routes};
use crate::hostile::hostile;
use crate::load::Load;
use crate::{builder, everything_to, gateway, gateway_to};

#[test]
fn a_gateway_that_gets_little_cpu_time_serves_all_and_faults_no_plugin() {
    let gateway = hostile("");
    gateway.make_nice();
    let over = AtomicBool::new(false);
    let others = thread::available_parallelism().map_or(2, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 0..others {
            scope.spawn(|| {
                while !over.load(SeqCst) {
                    std::hint::spin_loop()
                }
            });
        }
        let load = Load::start(gateway.address(), 4, "/evil/x");
        load.wait_for_more(200);
        over.store(true, SeqCst);
        load.end();
    });
    for kind in ["deadline", "trap", "memory"] {
        assert_eq!(faults(&gateway, "hostile", kind), 0.0, "{kind}");
    }
}

/// As a virtual machine is that is moved, or a container that is frozen.
#[test]
fn a_gateway_that_was_stopped_for_a_second_goes_on_where_it_was() {
    let upstream = Upstream::saying("here");
    let (gateway, clock) = (gateway_to(&upstream.url(), ""), gateway_to("internal:echo", ""));
    let mut kept: Vec<_> = (0..10).map(|_| gateway.client()).collect();
    kept.iter_mut().for_each(|client| assert_eq!(client.get("/").text(), "here"));
    gateway.signal(Signal::STOP);
    kept.iter_mut().for_each(|client| client.start(Request::get("/")));
    // The kernel takes their connections.
    let mut new: Vec<_> = (0..10).map(|_| gateway.client()).collect();
    new.iter_mut().for_each(|client| client.start(Request::get("/")));
    assert_eq!(clock.get("/delay/1s").status, 200);
    gateway.signal(Signal::CONT);
    kept.iter_mut().chain(&mut new).for_each(|client| assert_eq!(client.receive().text(), "here"));
}

#[test]
fn bodies_that_come_in_masses_take_no_more_memory_than_they_may() {
    const CLIENTS: usize = 64;
    const LENGTH: usize = 1 << 20;
    let upstream = Upstream::saying("");
    let route = everything_to(&upstream.url(), "plugins = [\"editor\"]\nmax-body = \"2MiB\"");
    let editor = plugin(
        "editor",
        "editor",
        "limits = { max-body = \"2MiB\", memory = \"16MiB\", deadline = \"5s\", wall = \"20s\" }",
    );
    let gateway = gateway(&format!("[gateway]\nworkers = 1\nbodies = {{ max-bytes = \"4MiB\" }}\n{editor}{route}"));
    assert_eq!(gateway.send(Request::post("/", vec![b'a'; LENGTH])).status, 200);
    let before = resident(&gateway);
    let (mut clients, mut most) = (Vec::new(), before);
    for _ in 0..CLIENTS {
        let mut client = gateway.client();
        client.write(format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {LENGTH}\r\n\r\n"));
        client.write(vec![b'a'; LENGTH - 1]);
        most = most.max(resident(&gateway));
        clients.push(client);
    }
    let statuses: Vec<u16> = clients
        .into_iter()
        .map(|mut client| {
            client.write("a");
            client.receive().status
        })
        .collect();
    let served = statuses.iter().filter(|status| **status == 200).count();
    assert!(served > 0 && statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert!(served < CLIENTS, "there was room for all of them");
    // The room, what a plugin copies of it, and what the allocator keeps.
    assert!(most < before + 24, "{before} MiB, then {most} MiB");
    assert_eq!(gateway.send(Request::post("/", vec![b'a'; LENGTH])).status, 200);
}

/// Debian's `faketime`, which tells a program another time.
fn libfaketime() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("Linux has it").filter_map(Result::ok);
    let libraries = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    let found = libraries.into_iter().find(|library| library.exists());
    found.expect("this test needs libfaketime: apt-get install faketime")
}

/// A gateway whose wall clock is moved by what stands in a file. Its monotonic clock is the system's, as it is when
/// somebody sets the time.
fn with_a_clock(config: &str) -> Gateway {
    let builder = builder(config).file("clock", "+0");
    let clock = builder.folder().path().join("clock").display().to_string();
    let library = libfaketime().display().to_string();
    let variables = [("LD_PRELOAD", library.as_str()), ("FAKETIME_TIMESTAMP_FILE", &clock)];
    let always = [("FAKETIME_NO_CACHE", "1"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
    variables.into_iter().chain(always).fold(builder, |builder, (name, value)| builder.variable(name, value)).start()
}

#[test]
fn a_clock_that_jumps_moves_the_times_in_the_log_and_nothing_else() {
    let limit = "plugins = [{ source = \"rate-limit\", config = { by = \"route\", limit = 2, window = \"1h\" } }]";
    let limited = routes(&[("free", &[])])
        + &format!("[[route]]\nname = \"limited\"\nupstream = \"echo\"\nmatch = {{ path = \"/limited\" }}\n{limit}\n");
    let gateway = with_a_clock(&limited);
    let mut client = gateway.client();
    let mut statuses = |target: &str| (0..2).map(|_| client.get(target).status).collect::<Vec<_>>();
    assert_eq!(statuses("/limited"), [200, 200]);
    let year = |path: &str| gateway.wait_for_access(path)["time"].as_str().expect("a time")[..4].to_owned();
    client_asks(&gateway, "/free/now");
    let now: u32 = year("/free/now").parse().expect("a year");
    for (jump, path, jumped) in [("+800d", "/free/later", now + 2), ("-800d", "/free/earlier", now - 3)] {
        let mut waiting = gateway.client();
        waiting.start(Request::get("/free/delay/300ms"));
        gateway.folder().write("clock", jump);
        // It waits neither for two years nor not at all.
        let asked = std::time::Instant::now();
        assert_eq!(waiting.receive().status, 200);
        assert!(asked.elapsed().as_secs() < 10);
        // A window is no longer and no shorter.
        assert_eq!(statuses("/limited"), [429, 429]);
        client_asks(&gateway, path);
        let year: u32 = year(path).parse().expect("a year");
        assert!(year.abs_diff(jumped) <= 1, "{jump}: {year}");
    }
    gateway.signal(Signal::HUP);
    gateway.wait_for_generation(2.0);
    assert_eq!(statuses("/free/x"), [200, 200]);
}

fn client_asks(gateway: &Gateway, target: &str) {
    assert_eq!(gateway.get(target).status, 200);
}
