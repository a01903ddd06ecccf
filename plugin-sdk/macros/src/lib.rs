//! The `#[plugin]` attribute of `tollgate-plugin-sdk`, which re-exports and documents it.

use proc_macro::TokenStream;

mod expand;
mod hook;
mod parse;

/// Makes the component of an `impl Plugin for ..`: reads which hooks the impl has, exports those
/// and no others.
///
/// The impl has `type Config`, `fn configure`, and any of the hooks.
/// A crate has one plugin.
#[proc_macro_attribute]
pub fn plugin(arguments: TokenStream, item: TokenStream) -> TokenStream {
    parse::plugin(arguments.into(), item.into())
        .map_or_else(|error| error.into_compile_error(), |plugin| expand::expand(&plugin))
        .into()
}
