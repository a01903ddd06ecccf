//! How many connections a listener takes: of everybody together, and of one address.

use std::net::{Ipv4Addr, SocketAddr};

use tests::{Client, Folder, Gateway, Request, wait_for};

use crate::{everything_to, gateway};

/// The config of a gateway to the echo whose listener has these limits; `gateway` is of `[gateway]`.
fn limited(limits: &str, gateway: &str) -> String {
    let listener = format!("[[listener]]\naddress = \"127.0.0.1:0\"\nlimits = {{ {limits} }}\n");
    format!("[gateway]\n{gateway}\n{listener}{}", everything_to("internal:echo", ""))
}

/// A connection that is served until it is closed; none if it is refused.
fn served(gateway: &Gateway) -> Option<Client> {
    let mut client = gateway.client();
    let answer = client.try_send(Request::get("/")).ok()?;
    assert_eq!(answer.status, 200);
    Some(client)
}

fn refused(gateway: &Gateway, reason: &str) -> f64 {
    gateway.metric(&format!("tollgate_connections_refused_total{{reason=\"{reason}\"}}"))
}

/// Opens as many as it can, and answers them.
fn open(gateway: &Gateway, tried: usize) -> Vec<Client> {
    (0..tried).filter_map(|_| served(gateway)).collect()
}

#[test]
fn connections_over_the_limit_are_reset_at_once_and_counted() {
    let gateway = gateway(&limited("connections = 2", "workers = 1"));
    let mut open = open(&gateway, 5);
    assert_eq!((open.len(), refused(&gateway, "connections")), (2, 3.0));
    // Whoever is in is served on.
    assert!(open.iter_mut().all(|client| client.get("/again").status == 200));
    // Who leaves makes room.
    open.remove(0).abort();
    wait_for("room", || served(&gateway));
}

#[test]
fn who_is_reset_for_want_of_room_is_told_of_in_the_log() {
    let gateway = gateway(&limited("connections = 2, connections-per-address = 1", "workers = 1"));
    let _first = served(&gateway).expect("room");
    assert!(served(&gateway).is_none());
    let line = gateway.wait_for_log("no connection");
    assert_eq!((&line["level"], &line["reason"]), (&"info".into(), &"connections-per-address".into()), "{line}");
    let _second = from(Ipv4Addr::new(127, 0, 0, 9), &gateway).expect("room");
    assert!(served(&gateway).is_none());
    let line = gateway.wait_for_log("as many are open");
    assert_eq!((&line["level"], &line["reason"]), (&"warn".into(), &"connections".into()), "{line}");
}

#[test]
fn the_limit_of_connections_is_one_for_all_workers() {
    let gateway = gateway(&limited("connections = 10", "workers = 4"));
    assert_eq!(open(&gateway, 40).len(), 10);
}

#[test]
fn a_limit_of_connections_that_changes_takes_effect_at_once() {
    let gateway = gateway(&limited("connections = 1", ""));
    let mut first = served(&gateway).expect("room");
    assert!(served(&gateway).is_none());
    gateway.reload(&limited("connections = 2", ""));
    let mut second = served(&gateway).expect("room");
    gateway.reload(&limited("connections = 1", ""));
    assert!(served(&gateway).is_none());
    // Whoever is in stays.
    assert_eq!((first.get("/").status, second.get("/").status), (200, 200));
}

/// A client that connects from this address of the machine.
fn from(address: Ipv4Addr, gateway: &Gateway) -> Option<Client> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((address, 0)).into()).expect("all of 127.0.0.0/8 is this machine");
    socket.connect(&gateway.address().into()).expect("it is accepted");
    let mut client = Client::on(socket.into()).expect("it is open");
    client.try_send(Request::get("/")).is_ok().then_some(client)
}

#[test]
fn each_address_has_its_own_limit_of_connections() {
    let gateway = gateway(&limited("connections-per-address = 2", "workers = 4"));
    let [one, other] = [Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::new(127, 0, 0, 9)];
    let mut of_one: Vec<_> = (0..6).filter_map(|_| from(one, &gateway)).collect();
    assert_eq!((of_one.len(), refused(&gateway, "connections-per-address")), (2, 4.0));
    let of_other: Vec<_> = (0..3).filter_map(|_| from(other, &gateway)).collect();
    assert_eq!(of_other.len(), 2);
    of_one.remove(0).abort();
    wait_for("room", || from(one, &gateway));
}

#[test]
fn trusted_proxies_speak_for_many_and_may_have_more_connections_than_one_address() {
    let gateway = gateway(&limited("connections-per-address = 1", "trusted-proxies = [\"127.0.0.9\"]"));
    let of = |address: Ipv4Addr| (0..5).filter_map(|_| from(address, &gateway)).collect::<Vec<_>>().len();
    assert_eq!((of(Ipv4Addr::new(127, 0, 0, 1)), of(Ipv4Addr::new(127, 0, 0, 9))), (1, 5));
}

#[test]
fn connections_of_a_unix_socket_have_a_limit_too() {
    let folder = Folder::new();
    let path = folder.path().join("a.sock");
    let listener = format!("[[listener]]\naddress = \"unix:{}\"\nlimits = {{ connections = 3 }}\n", path.display());
    let gateway = gateway(&format!("[gateway]\nworkers = 2\n{listener}{}", everything_to("internal:echo", "")));
    let served = || {
        let mut client = Client::connect_unix(&path);
        client.try_send(Request::get("/")).is_ok().then_some(client)
    };
    let mut open: Vec<_> = (0..5).filter_map(|_| served()).collect();
    assert_eq!((open.len(), refused(&gateway, "connections")), (3, 2.0));
    open.remove(0).abort();
    wait_for("room", served);
}

/// The gateway's own limits leave the admin listener alone, as they leave other listeners.
#[test]
fn listeners_have_limits_of_their_own() {
    let second = "[[listener]]\naddress = \"127.0.0.2:0\"\n";
    let gateway = gateway(&format!("{}{second}", limited("connections = 1", "")));
    let _first = served(&gateway).expect("room");
    assert!(served(&gateway).is_none());
    let others: Vec<_> = (0..3).map(|_| Client::connect(gateway.addresses()[1])).collect();
    assert!(others.into_iter().all(|mut client| client.get("/").status == 200));
    assert_eq!(gateway.admin_get("/healthz").status, 200);
}
