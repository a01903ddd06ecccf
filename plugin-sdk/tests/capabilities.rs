//! The fakes do what the contract says of the capabilities.

use tollgate_plugin_sdk::prelude::*;
use tollgate_plugin_sdk::testing::Gateway;

#[test]
fn state_forgets_after_its_time() {
    let gateway = Gateway::new();
    state::set(Subject::Plugin, "a", "1", Duration::from_secs(1));
    state::set(Subject::Plugin, "b", "2", None);
    gateway.advance(Duration::from_millis(999));
    assert_eq!(state::get(Subject::Plugin, "a").as_deref(), Some(&b"1"[..]));
    gateway.advance(Duration::from_millis(1));
    assert_eq!(state::get(Subject::Plugin, "a"), None);
    assert!(!state::delete(Subject::Plugin, "a"));
    assert!(state::delete(Subject::Plugin, "b"));
}

#[test]
fn a_counter_keeps_the_time_that_it_started_with_and_saturates() {
    let gateway = Gateway::new();
    assert_eq!(state::add(Subject::Plugin, "n", 2, Duration::from_secs(1)), 2);
    gateway.advance(Duration::from_millis(600));
    assert_eq!(state::add(Subject::Plugin, "n", i64::MAX, Duration::from_secs(1)), i64::MAX);
    gateway.advance(Duration::from_millis(400));
    assert_eq!(state::add(Subject::Plugin, "n", 1, None), 1);
    state::set(Subject::Plugin, "n", "text", None);
    assert_eq!(state::add(Subject::Plugin, "n", 1, None), 1);
}

#[test]
fn a_swap_wants_the_expected_value() {
    let _gateway = Gateway::new();
    assert!(!state::compare_and_swap(Subject::Plugin, "k", Some(b"a"), "b", None));
    assert!(state::compare_and_swap(Subject::Plugin, "k", None, "a", None));
    assert!(!state::compare_and_swap(Subject::Plugin, "k", None, "b", None));
    assert!(state::compare_and_swap(Subject::Plugin, "k", Some(b"a"), "b", None));
    assert_eq!(state::get(Subject::Plugin, "k").as_deref(), Some(&b"b"[..]));
}

#[test]
fn a_token_bucket_lets_the_burst_through_and_refills_smoothly() {
    let gateway = Gateway::new();
    let quota = [Quota::new(10, Duration::from_secs(1)).burst(3)];
    let acquire = || limiter::acquire(Subject::Plugin, "k", &quota, 1);
    for remaining in [2, 1, 0] {
        let decision = acquire();
        assert!(decision.allowed());
        assert_eq!(decision.standings()[0].remaining, remaining);
    }
    let refused = acquire();
    assert!(!refused.allowed());
    assert_eq!(refused.retry_after().as_millis(), 100);
    assert_eq!(refused.standings()[0].reset.as_millis(), 300);
    gateway.advance(refused.retry_after());
    assert!(acquire().allowed());
    assert!(!acquire().allowed());
    gateway.advance(Duration::from_secs(9));
    assert!(limiter::acquire(Subject::Plugin, "k", &quota, 3).allowed());
}

#[test]
fn a_sliding_window_weighs_the_window_before() {
    let gateway = Gateway::new();
    let quota = [Quota::new(10, Duration::from_secs(1)).sliding_window()];
    let acquire = |cost| limiter::acquire(Subject::Plugin, "k", &quota, cost);
    let full = acquire(10);
    assert_eq!((full.allowed(), full.standings()[0].remaining), (true, 0));
    let refused = acquire(4);
    assert_eq!(refused.retry_after().as_millis(), 1400);
    gateway.advance(Duration::from_millis(1399));
    assert!(!acquire(4).allowed());
    gateway.advance(Duration::from_millis(1));
    let decision = acquire(4);
    assert!(decision.allowed());
    assert_eq!(decision.standings()[0].reset.as_millis(), 1600);
    gateway.advance(Duration::from_millis(1600));
    assert_eq!(acquire(0).standings()[0].remaining, 10);
}

#[test]
fn what_one_quota_refuses_is_not_charged_to_the_others() {
    let gateway = Gateway::new();
    let second = Quota::new(1, Duration::from_secs(1));
    let hour = Quota::new(5, Duration::from_secs(3600)).sliding_window();
    let quotas = [second, hour];
    assert!(limiter::acquire(Subject::Plugin, "k", &quotas, 1).allowed());
    let refused = limiter::acquire(Subject::Plugin, "k", &quotas, 1);
    assert!(!refused.allowed());
    assert_eq!(refused.standings()[1].remaining, 4);
    assert!(refused.standings()[1].retry_after.is_zero());
    gateway.advance(Duration::from_secs(1));
    assert!(limiter::acquire(Subject::Plugin, "k", &quotas, 1).allowed());
    assert!(limiter::acquire(Subject::Plugin, "other", &quotas, 1).allowed());
}

#[test]
fn a_consumer_is_found_by_id_and_verified_by_secret() {
    let gateway = Gateway::new();
    gateway.consumer("acme").credential("basic", "alice", "secret").key("k-1");
    assert_eq!(consumers::find("basic", "alice").expect("she is known").name(), "acme");
    assert!(consumers::find("basic", "bob").is_none());
    assert!(consumers::verify("basic", "alice", "wrong").is_none());
    assert!(consumers::verify("basic", "alice", "secret").is_some());
    assert!(consumers::verify_key("k-1").is_some());
    assert!(consumers::verify_key("secret").is_none());
}

#[test]
fn a_request_asks_for_a_number_of_redirects_that_there_may_be() {
    struct Follower;

    #[plugin]
    impl Plugin for Follower {
        type Config = ();

        fn configure(_: ()) -> Result<Self, ConfigError> {
            Ok(Self)
        }

        fn on_request(&self, _: &mut Request) -> Action {
            let most = |most| outbound::Request::url(Method::GET, "https://a.test/").redirects(most).send();
            assert!(matches!(most(11), Err(outbound::SendError::Invalid(_))));
            Reply::new(most(10).map_or(StatusCode::BAD_GATEWAY, |response| response.status())).into()
        }
    }

    let gateway = Gateway::new();
    let plugin = testing::configure::<Follower>(json!({})).expect("it takes any");
    // What the redirects lead to in the end is what a test prepares.
    gateway.answer(testing::response(200));
    assert_eq!(plugin.request(testing::get("/")).reply().status(), 200);
    gateway.fail(outbound::SendError::Redirect("it is one more than 10".into()));
    assert_eq!(plugin.request(testing::get("/")).reply().status(), 502);
    assert_eq!(gateway.sent().iter().map(outbound::Request::most_redirects).collect::<Vec<_>>(), [10, 10]);
}

#[test]
#[should_panic(expected = "only inside `configure`")]
fn setup_is_refused_outside_configure() {
    let _gateway = Gateway::new();
    setup::own_header("x-consumer");
}

#[test]
fn time_stands_still_until_it_is_moved() {
    let gateway = Gateway::new();
    let start = clock::now();
    gateway.advance(Duration::from_secs(2));
    assert_eq!(clock::now(), start + 2_000);
    gateway.set_time(5);
    assert_eq!(clock::now(), 5);
}

#[test]
fn a_note_that_has_no_room_is_an_error_that_can_be_handled() {
    struct Hoarder;

    #[plugin]
    impl Plugin for Hoarder {
        type Config = ();

        fn configure(_: ()) -> Result<Self, ConfigError> {
            Ok(Self)
        }

        fn on_request(&self, request: &mut Request) -> Action {
            let kept = (0..100).take_while(|key| request.try_set_note(&key.to_string(), "1").is_ok()).count();
            Reply::new(StatusCode::OK).body(kept.to_string()).into()
        }
    }

    let _gateway = Gateway::new();
    let plugin = testing::configure::<Hoarder>(json!({})).expect("it takes any");
    assert_eq!(plugin.request(testing::get("/")).reply().body(), b"64");
}

#[test]
fn a_client_has_the_certificate_that_the_test_gives_it() {
    struct Mesh;

    #[plugin]
    impl Plugin for Mesh {
        type Config = ();

        fn configure(_: ()) -> Result<Self, ConfigError> {
            Ok(Self)
        }

        fn on_request(&self, request: &mut Request) -> Action {
            let Some(certificate) = request.client_certificate() else { return Reply::forbidden().into() };
            if !certificate.uris().iter().any(|uri| uri == "spiffe://example.org/billing") {
                return Reply::forbidden().into();
            }
            request.set_header("x-client", certificate.subject());
            Action::Next
        }
    }

    let gateway = Gateway::new();
    let plugin = testing::configure::<Mesh>(json!(null)).expect("it needs nothing");
    let certificate = testing::client_certificate("CN=billing");
    let of_billing = certificate.clone().uri("spiffe://example.org/billing");
    let request = plugin.request(testing::get("/").client_certificate(of_billing)).next();
    assert_eq!(request.header("x-client"), Some("CN=billing"));
    // The hook, whether there is one, its URIs, its subject, and the header.
    assert_eq!(gateway.crossings(), 5);
    assert_eq!(plugin.request(testing::get("/").client_certificate(certificate)).reply().status(), 403);
    assert_eq!(plugin.request(testing::get("/")).reply().status(), 403);
}

struct Counting {
    seen: metrics::Counter,
    share: metrics::Gauge,
    times: metrics::Histogram,
}

#[plugin]
impl Plugin for Counting {
    type Config = String;

    fn configure(name: String) -> Result<Self, ConfigError> {
        Ok(Self {
            seen: metrics::Counter::new(&name, "Requests.", &[("kind", "all")]),
            share: metrics::Gauge::new("share", "Of all.", &[]),
            times: metrics::Histogram::new("time_seconds", "Time.", &[], &[0.1, 1.0]),
        })
    }

    fn on_request(&self, _: &mut Request) -> Action {
        self.seen.add(2);
        self.seen.increment();
        self.share.set(0.25);
        self.share.set(f64::NAN);
        self.times.observe_duration(std::time::Duration::from_millis(250));
        self.times.observe(f64::INFINITY);
        Action::Next
    }
}

#[test]
fn what_a_plugin_counts_can_be_looked_at() {
    let gateway = Gateway::new();
    let plugin = testing::configure::<Counting>(json!("seen")).expect("it takes any name");
    assert!(gateway.metric("seen", &[("kind", "all")]).is_empty());
    plugin.request(testing::get("/")).next();
    plugin.request(testing::get("/")).next();
    assert_eq!(gateway.metric("seen", &[("kind", "all")]), [6.0]);
    assert_eq!(gateway.metric("share", &[]), [0.25]);
    assert_eq!(gateway.metric("time_seconds", &[]), [0.25, 0.25]);
}

#[test]
#[should_panic(expected = "leave the suffix of `seen_total` to the gateway")]
fn a_metric_with_a_name_that_the_gateway_refuses_fails_its_test() {
    let _gateway = Gateway::new();
    let _ = testing::configure::<Counting>(json!("seen_total"));
}

#[test]
fn a_key_verifies_what_was_signed_with_it_and_nothing_else() {
    use tollgate_plugin_sdk::crypto::{Algorithm, Key};

    struct Signed(Key);

    #[plugin]
    impl Plugin for Signed {
        type Config = String;

        fn configure(secret: String) -> Result<Self, ConfigError> {
            let key = Key::from_secret(Algorithm::Hs256, secret).map_err(ConfigError::new)?;
            assert!(Key::from_secret(Algorithm::Rs256, "a secret is no RSA key, however long it is").is_err());
            Ok(Self(key))
        }

        fn on_request(&self, request: &mut Request) -> Action {
            let signature = request.header("x-signature").expect("the test sends it");
            if self.0.verify(request.path(), signature) { Action::Next } else { Reply::forbidden().into() }
        }
    }

    let _gateway = Gateway::new();
    assert!(testing::configure::<Signed>(json!("short")).is_err());
    let secret = "a secret of at least 32 bytes, as it must be";
    let plugin = testing::configure::<Signed>(json!(secret)).expect("it is long enough");
    let asked = |signature: &[u8]| plugin.request(testing::get("/a").header("x-signature", signature));
    asked(&testing::sign_with_secret(Algorithm::Hs256, secret, "/a")).next();
    assert_eq!(asked(&testing::sign_with_secret(Algorithm::Hs256, secret, "/b")).reply().status(), 403);
    assert_eq!(asked(&testing::sign_with_secret(Algorithm::Hs512, secret, "/a")).reply().status(), 403);
    assert_eq!(asked(&testing::sign_with_secret(Algorithm::Hs256, "another", "/a")).reply().status(), 403);
}
