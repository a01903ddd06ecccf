//! What wit-bindgen makes of `wit/`: the one place of the SDK with unsafe code.
//!
//! One world for all imports, and one tiny world per hook, so that a component exports only the
//! hooks whose export macro the plugin invokes. The types of the contract exist once, in
//! [`imports`]; the hook worlds join them by `with`.

/// Everything that a plugin may import. What is not called does not end up in the component.
pub mod imports {
    wit_bindgen::generate!({
        path: "../wit",
        world: "tollgate:plugin/capabilities",
        generate_all,
    });
}

macro_rules! hook {
    ($module:ident, $bindings:tt, $world:tt, $($join:tt => $shared:ident)?) => {
        #[doc = concat!("The export of `", stringify!($module), "`.")]
        pub mod $module {
            wit_bindgen::generate!({
                path: "../wit",
                inline: $world,
                pub_export_macro: true,
                export_macro_name: "export",
                default_bindings_module: $bindings,
                with: {
                    $($join: crate::backend::bindings::imports::tollgate::plugin::$shared)?
                },
            });
        }
    };
}

hook!(
    configure,
    "tollgate_plugin_sdk::__private::bindings::configure",
    "package tollgate:sdk; world configure { export tollgate:plugin/configure@0.1.0; }",
);
hook!(
    on_request,
    "tollgate_plugin_sdk::__private::bindings::on_request",
    "package tollgate:sdk; world on-request { export tollgate:plugin/on-request@0.1.0; }",
    "tollgate:plugin/http@0.1.0" => http
);
hook!(
    on_request_body,
    "tollgate_plugin_sdk::__private::bindings::on_request_body",
    "package tollgate:sdk; world on-request-body { export tollgate:plugin/on-request-body@0.1.0; }",
    "tollgate:plugin/http@0.1.0" => http
);
hook!(
    on_request_chunk,
    "tollgate_plugin_sdk::__private::bindings::on_request_chunk",
    "package tollgate:sdk; world on-request-chunk { export tollgate:plugin/on-request-chunk@0.1.0; }",
    "tollgate:plugin/http@0.1.0" => http
);
hook!(
    on_response,
    "tollgate_plugin_sdk::__private::bindings::on_response",
    "package tollgate:sdk; world on-response { export tollgate:plugin/on-response@0.1.0; }",
    "tollgate:plugin/http@0.1.0" => http
);
hook!(
    on_response_body,
    "tollgate_plugin_sdk::__private::bindings::on_response_body",
    "package tollgate:sdk; world on-response-body { export tollgate:plugin/on-response-body@0.1.0; }",
    "tollgate:plugin/http@0.1.0" => http
);
hook!(
    on_response_chunk,
    "tollgate_plugin_sdk::__private::bindings::on_response_chunk",
    "package tollgate:sdk; world on-response-chunk { export tollgate:plugin/on-response-chunk@0.1.0; }",
    "tollgate:plugin/http@0.1.0" => http
);
hook!(
    on_log,
    "tollgate_plugin_sdk::__private::bindings::on_log",
    "package tollgate:sdk; world on-log { export tollgate:plugin/on-log@0.1.0; }",
);
