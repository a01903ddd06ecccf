//! Takes an impl apart into what a plugin is made of, and says kindly what does not belong there.

use crate::hook::{CONFIGURE, HOOKS, Hook, nearest};
use proc_macro2::{Span, TokenStream};
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, FnArg, ImplItem, ImplItemFn, ImplItemType, ItemImpl, Path, Result, ReturnType, Signature, Type,
};

/// An impl that was checked.
pub(crate) struct Plugin {
    pub(crate) attributes: Vec<Attribute>,
    /// How the impl names the trait.
    pub(crate) interface: Path,
    pub(crate) implementor: Type,
    pub(crate) config: ImplItemType,
    pub(crate) configure: ImplItemFn,
    pub(crate) hooks: Vec<(&'static Hook, ImplItemFn)>,
}

const PLACE: &str = "`#[plugin]` goes on `impl Plugin for YourPlugin { .. }`";

/// Reads an item under `#[plugin]`.
pub(crate) fn plugin(arguments: TokenStream, item: TokenStream) -> Result<Plugin> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(arguments, "`#[plugin]` takes no arguments"));
    }
    let item: ItemImpl = match syn::parse2(item.clone())? {
        syn::Item::Impl(item) => item,
        other => return Err(Error::new(start(&other), PLACE)),
    };
    let interface = match item.trait_ {
        Some((None, path, _)) if is_plugin(&path) => path,
        Some((_, path, _)) => return Err(Error::new_spanned(path, PLACE)),
        None => return Err(Error::new_spanned(item.self_ty, PLACE)),
    };
    if !item.generics.params.is_empty() {
        let message = "a plugin is one concrete type: it cannot have parameters";
        return Err(Error::new_spanned(item.generics.params, message));
    }

    let mut problems = Problems::default();
    let (mut config, mut configure, mut hooks) = (None, None, Vec::new());
    for item in item.items {
        match item {
            ImplItem::Type(item) if item.ident == "Config" => config = Some(item),
            ImplItem::Fn(item) if item.sig.ident == "configure" => {
                problems.check(check_configure(&item.sig));
                configure = Some(item);
            }
            ImplItem::Fn(item) => match HOOKS.iter().find(|hook| item.sig.ident == hook.name) {
                Some(hook) => {
                    problems.check(check_hook(&item.sig, hook));
                    hooks.push((hook, item));
                }
                None => problems.check(Err(unknown(&item.sig))),
            },
            other => problems.check(Err(Error::new(
                start(&other),
                "a plugin has `type Config`, `fn configure` and hooks; this belongs elsewhere",
            ))),
        }
    }
    let place = item.self_ty.span();
    if config.is_none() {
        let message = "`type Config` is missing: the serde type of the `config` table, `()` for none";
        problems.check(Err(Error::new(place, message)));
    }
    if configure.is_none() {
        let message = format!("`configure` is missing: write `{CONFIGURE}`");
        problems.check(Err(Error::new(place, message)));
    }
    if hooks.is_empty() && problems.0.is_none() {
        let names = HOOKS.map(|hook| format!("`{}`", hook.name)).join(", ");
        problems.check(Err(Error::new(place, format!("a plugin has at least one hook of {names}"))));
    }
    problems.finish()?;
    let (Some(config), Some(configure)) = (config, configure) else {
        return Err(Error::new(place, PLACE));
    };
    let (attributes, implementor) = (item.attrs, *item.self_ty);
    Ok(Plugin { attributes, interface, implementor, config, configure, hooks })
}

fn is_plugin(path: &Path) -> bool {
    path.segments.last().is_some_and(|segment| segment.ident == "Plugin")
}

/// The first token of an item: underlining all of it would hide the message.
fn start(item: &impl quote::ToTokens) -> Span {
    item.to_token_stream().into_iter().next().map_or_else(Span::call_site, |token| token.span())
}

fn unknown(signature: &Signature) -> Error {
    let name = signature.ident.to_string();
    let help = match nearest(&name) {
        Some(known) => format!("did you mean `{known}`?"),
        None => {
            let names = HOOKS.map(|hook| format!("`{}`", hook.name)).join(", ");
            format!("the hooks are {names}; put other functions into an `impl` of their own")
        }
    };
    Error::new_spanned(&signature.ident, format!("there is no hook `{name}`: {help}"))
}

fn check_configure(signature: &Signature) -> Result<()> {
    let write = |what| format!("{what}: write `{CONFIGURE}`");
    check_plain(signature, &write)?;
    if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
        return Err(Error::new_spanned(receiver, write("`configure` makes the plugin, so it has no `self`")));
    }
    if signature.inputs.len() != 1 {
        return Err(Error::new(signature.paren_token.span.join(), write("`configure` takes the configuration")));
    }
    match signature.output {
        ReturnType::Type(..) => Ok(()),
        ReturnType::Default => {
            Err(Error::new_spanned(&signature.ident, write("`configure` answers the plugin or problems")))
        }
    }
}

fn check_hook(signature: &Signature, hook: &Hook) -> Result<()> {
    let write = |what| format!("{what}: write `{}`", hook.signature);
    check_plain(signature, &write)?;
    match signature.inputs.first() {
        Some(FnArg::Receiver(receiver)) if receiver.reference.is_some() && receiver.mutability.is_none() => {}
        Some(FnArg::Receiver(receiver)) => {
            let message = write("hooks take `&self`, as a plugin does not change between calls");
            return Err(Error::new_spanned(receiver, message));
        }
        _ => return Err(Error::new(signature.paren_token.span.join(), write("hooks take `&self`"))),
    }
    let parameters: Vec<_> = signature.inputs.iter().skip(1).collect();
    if parameters.len() != hook.parameters.len() {
        let message = write("wrong number of parameters");
        return Err(Error::new(signature.paren_token.span.join(), message));
    }
    for (parameter, mutable) in parameters.into_iter().zip(hook.parameters) {
        let FnArg::Typed(parameter) = parameter else { continue };
        match &*parameter.ty {
            Type::Reference(reference) if reference.mutability.is_some() == *mutable => {}
            other => {
                let what = if *mutable { "this one is `&mut`" } else { "this one is `&`" };
                return Err(Error::new_spanned(other, write(what)));
            }
        }
    }
    if let (Some(answer), ReturnType::Default) = (hook.answer, &signature.output) {
        return Err(Error::new_spanned(&signature.ident, write(answer)));
    }
    Ok(())
}

fn check_plain(signature: &Signature, write: &impl Fn(&'static str) -> String) -> Result<()> {
    if let Some(keyword) = &signature.asyncness {
        let message = write("hooks are synchronous; the gateway parks a call that waits");
        return Err(Error::new_spanned(keyword, message));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(&signature.generics.params, write("hooks have no parameters")));
    }
    Ok(())
}

/// Collects errors, so that all are reported at once.
#[derive(Default)]
struct Problems(Option<Error>);

impl Problems {
    fn check(&mut self, result: Result<()>) {
        match (&mut self.0, result) {
            (_, Ok(())) => {}
            (Some(errors), Err(error)) => errors.combine(error),
            (none, Err(error)) => *none = Some(error),
        }
    }

    fn finish(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
