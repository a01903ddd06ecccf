//! The contract, spoken by a guest that has nothing but `wit/` and wit-bindgen.

use tests::{Gateway, Request};

use crate::gateway;
use crate::guests::{ask, plugin, routes};

/// A gateway with the guest `bare` on `/evil/{id}/**`, and one who calls himself acme.
fn bare() -> Gateway {
    let plugin = plugin(
        "bare",
        "bare",
        "grants = [\"state\", \"limiter\", \"consumers\", \"identify\"]\nconfig = { some = [1, \"two\"] }",
    );
    let consumer =
        "[[consumer]]\nname = \"acme\"\ngroups = [\"partners\", \"beta\"]\ncredentials = [{ key = \"acme-key\" }]\n";
    let other = "[[upstream]]\nname = \"other\"\nendpoints = [\"internal:echo\"]\n";
    let routes = routes(&[("evil", &["bare"])]).replace("/evil/**", "/evil/{id}/**");
    gateway(&format!("{plugin}{consumer}{other}{routes}"))
}

#[test]
fn configure_gets_the_config_as_json() {
    bare().wait_for_log("configured with {\"some\":[1,\"two\"]}");
}

#[test]
fn a_plugin_reads_everything_of_a_request() {
    let request = Request::get("/evil/7%208/and/more?a=1&b")
        .header("host", "Shop.Example:8080")
        .header("x-request-id", "from-outside")
        .header("x-ask", "facts")
        .header("x-many", "one")
        .header("x-many", "two");
    let answer = bare().send(request);
    let facts = answer.text();
    let id = answer.header("x-request-id").expect("every answer has one");
    insta::assert_snapshot!(facts.replace(id, "[id]"), @r#"
    method GET
    scheme http
    authority shop.example:8080
    path /evil/7%208/and/more
    query Some("a=1&b")
    id [id]
    first Some("one")
    absent None
    upper case Some("one")
    param Some("7%208")
    rest Some("and/more")
    no param None
    client 127.0.0.1
    route evil
    upstream echo
    consumer None []
    note None
    value one
    value two
    x-many: one
    x-many: two
    "#);
}

#[test]
fn state_does_what_it_says() {
    insta::assert_snapshot!(ask(&bare(), "x-ask", "state").text(), @r#"
    absent None
    set Some("1")
    swap wrong false
    swap right true
    swapped Some("3")
    swap absent true
    add 5 -2
    saturates true
    delete true false
    gone None
    of each subject ruwp
    caller Some("w")
    "#);
}

#[test]
fn several_quotas_are_charged_together_or_not_at_all() {
    insta::assert_snapshot!(ask(&bare(), "x-ask", "limiter").text(), @r"
    cost 2 allowed true remaining [8, 1] waits [false, false] resets true
    cost 2 allowed false remaining [8, 1] waits [false, true] resets true
    cost 1 allowed true remaining [7, 0] waits [false, false] resets true
    ");
}

#[test]
fn consumers_are_known_by_their_keys() {
    insta::assert_snapshot!(ask(&bare(), "x-ask", "consumers").text(), @r#"
    right key Some("acme")
    wrong key None
    other kind None
    find None
    groups ["partners", "beta"] []
    still nobody None
    "#);
}

#[test]
fn who_was_identified_is_named_in_the_access_log() {
    let gateway = bare();
    let answer = gateway.send(Request::get("/evil/7/who").header("x-ask", "identify"));
    assert_eq!(answer.json()["headers"]["x-bare"], "acme");
    assert_eq!(gateway.wait_for_access("/evil/7/who")["consumer"], "acme");
}

#[test]
fn a_plugin_writes_a_request_and_what_is_wrong_is_refused() {
    let request = Request::get("/evil/7/8").header("x-ask", "write").header("x-gone", "1").header("x-many", "one");
    let answer = bare().send(request);
    let seen = answer.json();
    assert_eq!(
        (seen["method"].as_str(), seen["path"].as_str(), seen["query"].as_str()),
        (Some("PUT"), Some("/made/of/it"), Some("a=1&b=2"))
    );
    let headers = &seen["headers"];
    assert_eq!(headers["x-one"], "last");
    assert_eq!(headers["x-many"], serde_json::json!(["one", "more"]));
    assert_eq!(headers["x-bytes"], "\u{fffd}");
    assert!(headers["x-gone"].is_null() && headers["x-more"].is_null(), "{headers}");
    insta::assert_snapshot!(headers["x-refused"].as_str().unwrap_or_default().replace(") ", ")\n"), @r"
    invalid (error 0)
    invalid (error 0)
    invalid (error 0)
    invalid (error 0)
    invalid (error 0)
    invalid-name (error 0)
    invalid-value (error 1)
    forbidden (error 2)
    forbidden (error 2)
    unknown (error 1)
    full (error 2)
    ");
}

#[test]
fn a_plugin_writes_a_response_and_what_is_wrong_is_refused() {
    let answer = ask(&bare(), "x-ask", "write");
    assert_eq!((answer.status, answer.header("content-type")), (203, None));
    assert_eq!(answer.header("x-seen"), Some("200 ResponseOrigin::Upstream Some(\"application/json\") true 1"));
    let notes: Vec<_> =
        answer.headers.iter().filter(|(name, _)| name == "x-note").map(|(_, value)| value.as_str()).collect();
    assert_eq!(notes, ["by bare", "twice"]);
    insta::assert_snapshot!(answer.header("x-refused").unwrap_or_default().replace(") ", ")\n"), @r"
    invalid (error 0)
    forbidden (error 2)
    invalid-value (error 1)
    forbidden (error 2)
    ");
}

#[test]
fn on_log_reads_the_outcome() {
    let gateway = bare();
    assert_eq!(gateway.send(Request::post("/evil/7/8", "four")).status, 200);
    let line = gateway.wait_for_log("POST /evil/7/8 ");
    let line = line["message"].as_str().unwrap_or_default();
    let sized = line.split(' ').map(|word| if word.starts_with("response-bytes=") { "response-bytes=N" } else { word });
    insta::assert_snapshot!(sized.collect::<Vec<_>>().join(" "), @r#"POST /evil/7/8 status=Some(200) completed=true request-bytes=4 response-bytes=N took=true endpoint=Some("internal:echo") problem=None"#);
}

#[test]
fn what_is_asked_at_the_wrong_time_is_a_fault() {
    let gateway = bare();
    assert_eq!(ask(&gateway, "x-ask", "too early").problem(), "plugin-fault");
    gateway.wait_for_log("there is no response yet");
    assert_eq!(ask(&gateway, "x-ask", "without a reply").problem(), "plugin-fault");
    gateway.wait_for_log("`reply`, of which it has said nothing");
    assert_eq!(ask(&gateway, "x-ask", "no body").problem(), "plugin-fault");
    gateway.wait_for_log("there is a body only in the hooks of bodies and chunks");
    assert_eq!(ask(&gateway, "x-ask", "too late").problem(), "plugin-fault");
    gateway.wait_for_log("`setup` can be called only inside `configure`");
}

/// The guest `bare`, which declares edits, behind another plugin or none.
fn declaring(before: &str) -> Gateway {
    let grants = "grants = [\"state\", \"limiter\", \"consumers\", \"identify\"]";
    let plugin = plugin("bare", "bare", &format!("{grants}\nconfig = {{ declare = true }}"));
    let consumer = "[[consumer]]\nname = \"acme\"\ngroups = [\"partners\", \"beta\"]\n\
                    credentials = [{ key = \"acme-key\" }]\n";
    let route = format!(
        "[[upstream]]\nname = \"echo\"\nendpoints = [\"internal:echo\"]\n[[route]]\nname = \"all\"\n\
         upstream = \"echo\"\nplugins = [{before}\"bare\"]\n"
    );
    gateway(&format!("{plugin}{consumer}{route}"))
}

#[test]
fn what_a_plugin_declares_is_done_to_every_exchange_that_it_meets() {
    let gateway = declaring("");
    let request = Request::get("/").header("x-gone", "1").header("x-old", "kept").header("x-many", "one");
    let answer = gateway.send(request);
    assert_eq!((answer.header("x-declared"), answer.header("content-type")), (Some("yes"), None));
    let headers = &answer.json()["headers"];
    assert_eq!(headers["x-gone"], serde_json::Value::Null);
    assert_eq!((&headers["x-old"], &headers["x-new"]), (&serde_json::Value::Null, &"kept".into()));
    assert_eq!((headers["x-set"].as_str(), headers["x-added"].as_str()), (Some("declared"), Some("declared")));
    assert_eq!(headers["x-many"], serde_json::json!(["one", "declared"]));
    let calls = |hook: &str| {
        gateway.metric(&format!("tollgate_plugin_calls_total{{plugin=\"bare\",hook=\"{hook}\",outcome=\"next\"}}"))
    };
    assert!(calls("on-request") > 0.0, "it was not omitted");
    assert_eq!(calls("on-response"), 0.0, "it was omitted");
}

#[test]
fn what_a_plugin_declares_is_not_done_where_it_was_not_met() {
    let reply = "{ source = \"key-auth\" }, ";
    let answer = declaring(reply).get("/");
    assert_eq!((answer.status, answer.header("x-declared")), (401, None));
}

#[test]
fn a_caller_who_is_identified_is_told_in_the_headers_that_are_declared_for_it() {
    let request =
        Request::get("/").header("x-ask", "identify").header("x-caller", "forged").header("x_caller", "forged");
    let answer = declaring("").send(request);
    let headers = &answer.json()["headers"];
    assert_eq!(
        (headers["x-caller"].as_str(), headers["x-caller-groups"].as_str()),
        (Some("acme"), Some("partners,beta"))
    );
    assert_eq!(headers["x_caller"], serde_json::Value::Null);
}

#[test]
fn a_header_of_the_response_can_be_written_while_the_request_is_on_its_way() {
    let answer = bare().send(Request::get("/evil/7/8").header("x-ask", "stage"));
    assert_eq!(answer.header("x-refused"), Some("forbidden (error 2) invalid-value (error 1)"));
    let staged = answer.headers.iter().filter(|(name, _)| name == "x-staged").map(|(_, value)| value.as_str());
    assert_eq!(staged.collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(answer.header("content-type"), None);
}
