//! Several listeners at once, and routes that are bound to some of them.

use tests::{Client, Folder, Gateway};

use crate::{gateway, settled, tollgate};

/// Two named listeners and one without a name; routes for each, whose name the echo shows as the path.
fn config(listeners: [&str; 3]) -> String {
    let [public, internal, other] = listeners;
    let route = |name: &str, rule: &str| {
        format!("[[route]]\nname = \"{name}\"\nupstream = \"echo\"\nrewrite = \"/{name}\"\nmatch = {{ {rule} }}\n")
    };
    let routes = [
        route("everywhere", r#"path = "/""#),
        route("public", r#"path = "/", listener = "public""#),
        route("admin", r#"path = "/admin/**", listener = "internal""#),
        route("named", r#"path = "/named", listener = ["public", "internal"]"#),
    ];
    format!(
        "[[listener]]\nname = \"public\"\naddress = \"{public}\"\n[[listener]]\nname = \"internal\"\naddress = \"{internal}\"\n\
         [[listener]]\naddress = \"{other}\"\n[[upstream]]\nname = \"echo\"\nendpoints = [\"internal:echo\"]\n{}",
        routes.concat()
    )
}

/// The route that a request takes, by its name.
fn taken(client: &mut Client, path: &str) -> String {
    let answer = client.get(path);
    match answer.status {
        200 => answer.json()["path"].as_str().expect("text").trim_start_matches('/').to_owned(),
        status => status.to_string(),
    }
}

fn at(gateway: &Gateway, listener: usize) -> Client {
    Client::connect(gateway.addresses()[listener])
}

#[test]
fn a_route_takes_what_comes_through_its_listeners() {
    let gateway = gateway(&config(["127.0.0.1:0", "127.0.0.2:0", "[::1]:0"]));
    for (listener, path, route) in [
        (0, "/", "public"),
        (0, "/admin/x", "404"),
        (0, "/named", "named"),
        (1, "/", "everywhere"),
        (1, "/admin/x", "admin"),
        (1, "/named", "named"),
        (2, "/", "everywhere"),
        (2, "/admin/x", "404"),
        (2, "/named", "404"),
    ] {
        assert_eq!(taken(&mut at(&gateway, listener), path), route, "{listener} {path}");
    }
}

#[test]
fn listeners_of_several_kinds_serve_at_once() {
    let folder = Folder::new();
    let path = folder.path().join("internal.sock");
    let unix = format!("unix:{}", path.display());
    let gateway = gateway(&config(["127.0.0.1:0", &unix, "[::1]:0"]));
    assert_eq!(taken(&mut at(&gateway, 0), "/"), "public");
    assert_eq!(taken(&mut Client::connect_unix(&path), "/admin/x"), "admin");
    assert_eq!(taken(&mut at(&gateway, 1), "/"), "everywhere");
}

/// Which listener a connection came through does not change under it, whatever becomes of the names.
#[test]
fn a_connection_keeps_the_name_of_the_listener_that_it_came_through() {
    let [one, other] = ["127.0.0.1:0", "127.0.0.2:0"];
    let gateway = gateway(&config([one, other, "[::1]:0"]));
    let (mut public, mut internal) = (at(&gateway, 0), at(&gateway, 1));
    assert_eq!((taken(&mut public, "/admin/x").as_str(), taken(&mut internal, "/admin/x").as_str()), ("404", "admin"));
    gateway.reload(&config([other, one, "[::1]:0"]));
    assert_eq!((taken(&mut public, "/admin/x").as_str(), taken(&mut internal, "/admin/x").as_str()), ("404", "admin"));
    // New ones have the new name.
    assert_eq!(taken(&mut at(&gateway, 0), "/admin/x"), "admin");
    assert_eq!(taken(&mut at(&gateway, 1), "/admin/x"), "404");
}

#[test]
fn match_takes_the_name_of_a_listener() {
    let config = config(["127.0.0.1:0", "127.0.0.2:0", "[::1]:0"]);
    let matched = |arguments: &[&str]| {
        let ran = tollgate(&config, &[&["match", "--config", "gateway.toml"], arguments].concat());
        format!("{:?}\n{}{}", ran.code, ran.stdout, ran.stderr)
    };
    let _settled = settled();
    insta::assert_snapshot!(matched(&["GET", "/", "--listener", "public"]), @r"
    Some(0)
    route `public`: upstream `echo`
      everywhere  it matches, but the taken route asks for more
      public      taken
      admin       another listener: it wants `internal`
      named       another path: it wants `/named`
    ");
    insta::assert_snapshot!(matched(&["GET", "/named"]), @r"
    Some(1)
    no route: 404
      everywhere  another path: it wants `/`
      public      another listener: it wants `public`
      admin       another listener: it wants `internal`
      named       another listener: it wants `public` or `internal`
    ");
    insta::assert_snapshot!(matched(&["GET", "/", "--listener", "pubic"]), @r"
    Some(64)
    no listener is named `pubic`; there are `public`, `internal`
    ");
}
