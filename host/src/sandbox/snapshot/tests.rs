use std::time::Duration;

use wasmparser::{Parser, Payload};

use super::*;
use crate::config::{Grant, PluginLimits};
use crate::sandbox::engine::EngineSettings;
use crate::state::{Bounds, State};
use crate::telemetry::metrics::Registry;

fn engine() -> Engine {
    Engine::new(EngineSettings { instances: 8, memory: 16 << 20, cache: None }).expect("it starts")
}

fn attempt(engine: &Engine, source: &[u8]) -> Result<Snapshot, Unfit> {
    let bounds = Bounds::of_entries(16);
    let identity = Identity {
        scope: "it".into(),
        state: Arc::new(State::new(bounds, bounds)),
        metrics: Registry::new(1).plugin("it"),
        outbound: None,
        kept: None,
    };
    let limits = PluginLimits {
        deadline: Duration::from_secs(5),
        wall: Duration::from_secs(60),
        memory: 16 << 20,
        instances: 1,
        queue: 1,
        calls: u64::MAX,
        max_body: 1 << 20,
        over_limit: crate::config::OverLimit::Reject,
        max_ratio: 100,
    };
    let (name, config, grants) = ("it".into(), "{}".into(), Grant::ALL.to_vec());
    let spec =
        PluginSpec { name, scope: "it".into(), config, grants, limits, decode: false, outbound: None, fresh: true };
    take(engine, source, &Arc::new(identity), &spec)
}

/// A bundled plugin that takes an empty configuration.
fn bundled(engine: &Engine) -> &'static [u8] {
    let fit = tollgate_bundle::PLUGINS.iter().find(|plugin| attempt(engine, plugin.component).is_ok());
    fit.expect("one needs no configuration").component
}

#[test]
fn of_every_bundled_plugin_a_snapshot_can_be_made() {
    let engine = engine();
    for plugin in tollgate_bundle::PLUGINS {
        match attempt(&engine, plugin.component) {
            Ok(_) | Err(Unfit::Load(LoadError::Refused(_))) => {}
            Err(unfit) => panic!("{}: {unfit}", plugin.name),
        }
    }
}

/// A module with a global that nothing can read, instantiated at the end of a component: wizer asserts that there is
/// none.
fn with_a_closed_module(component: &[u8]) -> Vec<u8> {
    let modules = Parser::new(0).parse_all(component).filter(|it| matches!(it, Ok(Payload::ModuleSection { .. })));
    let index = u8::try_from(modules.count()).expect("a few");
    let module = wat::parse_str("(module (global (mut i32) (i32.const 0)))").expect("it is good text");
    let section = |id, data: &[u8]| [&[id, u8::try_from(data.len()).expect("short")], data].concat();
    [component, &section(1, &module), &section(2, &[1, 0, index, 0])].concat()
}

#[test]
fn a_form_that_is_not_supported_is_said_and_never_a_panic() {
    let engine = engine();
    let closed = with_a_closed_module(bundled(&engine));
    assert!(matches!(attempt(&engine, &closed), Err(Unfit::Form(_))));
    assert!(matches!(attempt(&engine, b"\0asm\x0d\0\x01\0 and then nonsense"), Err(Unfit::Form(_))));
}

#[test]
fn a_component_that_makes_resources_is_found_out() {
    let makes = "(component (type $it (resource (rep i32))) (core func (canon resource.new $it)))";
    let drops = "(component (import \"it\" (type $it (sub resource))) (core func (canon resource.drop $it)))";
    let found = |text| permitted::makes_resources(&wat::parse_str(text).expect("it is good text"));
    assert_eq!((found(makes), found(drops)), (true, false));
}
