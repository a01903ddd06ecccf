use super::*;

fn registration<'a>(name: &str, keys: &[&'a str]) -> Registration<'a> {
    Registration { name: name.to_owned(), groups: vec![format!("group of {name}")], keys: keys.to_vec() }
}

fn name<'a>(consumers: &'a Consumers, secret: &str) -> Option<&'a str> {
    consumers.verify("key", "", secret.as_bytes()).map(|id| consumers.consumer(id).name.as_str())
}

#[test]
fn each_key_names_its_owner_and_no_other_does() {
    let keys: Vec<_> = (0..1_000).map(|number| format!("key-{number}")).collect();
    let mut registrations = vec![registration("acme", &["one", "two"]), registration("none", &[""])];
    registrations.extend(keys.iter().map(|key| registration(&format!("owner of {key}"), &[key])));
    let consumers = Consumers::new(&registrations).expect("no key comes twice");
    assert_eq!(name(&consumers, "one"), Some("acme"));
    assert_eq!(name(&consumers, "two"), Some("acme"));
    for key in &keys {
        assert_eq!(name(&consumers, key), Some(&*format!("owner of {key}")));
    }
    for unknown in ["", "on", "one ", "ONE", "key-1000"] {
        assert_eq!(name(&consumers, unknown), None, "{unknown}");
    }
    assert_eq!(consumers.verify("basic", "", b"one"), None);
    assert_eq!(consumers.verify("key", "acme", b"one"), None);
    assert_eq!(consumers.find("key", ""), None);
    let acme = consumers.verify("key", "", b"one").expect("it is a key");
    assert_eq!(consumers.consumer(acme).groups, ["group of acme"]);
}

#[test]
fn a_table_without_keys_knows_nobody() {
    let consumers = Consumers::new(&[]).expect("no key comes twice");
    assert_eq!(name(&consumers, ""), None);
    assert_eq!(name(&consumers, "key"), None);
}

#[test]
fn a_key_has_one_owner() {
    let shared = Consumers::new(&[registration("a", &["x"]), registration("b", &["y", "x"])]);
    assert_eq!(shared.err(), Some(DuplicateKey(0, 1)));
    let twice = Consumers::new(&[registration("a", &["x", "x"])]).expect("one owner");
    assert_eq!(name(&twice, "x"), Some("a"));
}

#[test]
fn no_secret_is_shown() {
    let consumers = Consumers::new(&[registration("acme", &["hush"])]).expect("one key");
    let shown = format!("{consumers:?}");
    assert!(shown.contains("acme") && !shown.contains("hush") && !shown.contains("salt"), "{shown}");
}
