//! What becomes of responses.

use super::*;

#[test]
fn headers_of_responses_are_edited_with_values_of_the_request() {
    let plugin = plugin(json!({ "response": { "headers": {
        "remove": ["server"],
        "rename": { "x-internal": "x-public" },
        "set": { "x-request-id": "{request.id}" },
        "add": { "cache-control": "no-store" },
        "append": { "vary": "x-tenant" },
    } } }));
    plugin.request(get("/").id("17")).next();
    let response = response(200).header("server", "x").header("x-internal", "1").header("vary", "accept");
    let response = plugin.respond(response).next();
    let headers: Vec<_> = response.headers().iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
    assert_eq!(headers.len(), 5, "{headers:?}");
    for header in ["x-public: \"1\"", "x-request-id: \"17\"", "cache-control: \"no-store\"", "vary: \"x-tenant\""] {
        assert!(headers.contains(&header.to_owned()), "{header} in {headers:?}");
    }
}

#[test]
fn the_narrowest_entry_decides_the_status() {
    let status = json!({ "*": 203, "404": 410, "5xx": 503, "501": 501 });
    let plugin = plugin(json!({ "response": { "status": status } }));
    for (from, to) in [(404, 410), (500, 503), (599, 503), (501, 501), (200, 203), (400, 203)] {
        assert_eq!(plugin.respond(response(from)).next().status(), to, "{from}");
    }
}

#[test]
fn without_an_entry_the_status_stays() {
    let plugin = plugin(json!({ "response": { "status": { "404": 410 } } }));
    assert_eq!(plugin.respond(response(500)).next().status(), 500);
}
