//! Writes the traits of a plugin's hooks and, in a component, the exports.

use crate::hook::Hook;
use crate::parse::Plugin;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{ImplItemFn, ReturnType};

/// Everything that stands in the place of the impl.
pub(crate) fn expand(plugin: &Plugin) -> TokenStream {
    let Plugin { attributes, interface, implementor, config, configure, hooks } = plugin;
    let hook_impls = hooks.iter().map(|(hook, function)| hook_impl(plugin, hook, function));
    let exports = exports(plugin);
    let testing = testing(plugin);
    quote! {
        #(#attributes)*
        impl #interface for #implementor {
            #config
            #configure
        }
        #(#hook_impls)*
        #exports
        #testing
    }
}

fn hook_impl(plugin: &Plugin, hook: &Hook, function: &ImplItemFn) -> TokenStream {
    let Plugin { attributes, implementor, .. } = plugin;
    let interface = format_ident!("{}", hook.interface);
    let answer = match &function.sig.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, answer) => quote!(#answer),
    };
    quote! {
        #(#attributes)*
        impl ::tollgate_plugin_sdk::hook::#interface for #implementor {
            type Answer = #answer;
            #function
        }
    }
}

/// Export names contain `:`, which native linkers refuse, so the glue is for components only.
fn exports(plugin: &Plugin) -> TokenStream {
    let implementor = &plugin.implementor;
    let hooks = plugin.hooks.iter().map(|(hook, _)| format_ident!("{}", hook.name));
    quote! {
        /// Exported at the root of the crate: the compiler refuses a second one, and says its name.
        #[cfg(target_family = "wasm")]
        #[doc(hidden)]
        #[macro_export]
        macro_rules! a_crate_has_one_plugin {
            () => {};
        }

        #[cfg(target_family = "wasm")]
        const _: () = {
            use ::tollgate_plugin_sdk::__private::{bindings, export};

            ::std::thread_local! {
                static PLUGIN: ::std::cell::OnceCell<#implementor> =
                    const { ::std::cell::OnceCell::new() };
            }

            impl export::Instance for #implementor {
                fn cell<R>(with: impl FnOnce(&::std::cell::OnceCell<Self>) -> R) -> R {
                    PLUGIN.with(with)
                }
            }

            type Export = export::Export<#implementor>;
            bindings::configure::export!(Export);
            #(bindings::#hooks::export!(Export);)*
        };
    }
}

/// What `testing` calls, where a hook that is not written must be callable too.
fn testing(plugin: &Plugin) -> TokenStream {
    let implementor = &plugin.implementor;
    let hooks = plugin.hooks.iter().map(|(hook, _)| format_ident!("{}", hook.name));
    quote! {
        #[cfg(not(target_family = "wasm"))]
        impl ::tollgate_plugin_sdk::testing::Hooks for #implementor {
            #(::tollgate_plugin_sdk::__testing_hook!(#hooks);)*
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_of_two_plugins_is_refused_by_an_item_that_says_why() {
        let plugin = quote! {
            impl Plugin for Example {
                type Config = ();
                fn configure(_: ()) -> Result<Self, ConfigError> {
                    Ok(Self)
                }
                fn on_log(&self, _: &LogEntry) {}
            }
        };
        let plugin = crate::parse::plugin(TokenStream::new(), plugin).expect("it is a plugin");
        let marker = quote!(#[macro_export] macro_rules! a_crate_has_one_plugin).to_string();
        assert_eq!(expand(&plugin).to_string().matches(&marker).count(), 1);
    }
}
