//! The config files of `peers/`, with this run's ports put in.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Setup, plecto};
use crate::scenario::Scenario;

/// The key of a consumer; `peers/load.lua` and `peers/policies.lua` make the same ones.
pub const KEY: &str = "key-of-consumer-0042";
pub(super) const CONSUMERS: usize = 1000;

/// What Tollgate's plugins are told. It can be replaced while the gateway runs.
pub const CHAIN_FILE: &str = "chain.toml";

const UPSTREAM: &str = include_str!("../peers/upstream.conf");
const NGINX: &str = include_str!("../peers/nginx.conf");
const LUA_MODULES: &str = include_str!("../peers/lua-modules.conf");
const LUA_SHARED: &str = include_str!("../peers/lua-shared.conf");
const LUA_POLICIES: &str = include_str!("../peers/lua-policies.conf");
const LUA_SHOUT: &str = include_str!("../peers/lua-shout.conf");
const POLICIES: &str = include_str!("../peers/policies.lua");
const HAPROXY: &str = include_str!("../peers/haproxy.cfg");
const CADDY: &str = include_str!("../peers/Caddyfile");
const TRAEFIK: &str = include_str!("../peers/traefik.yaml");
const TRAEFIK_ROUTES: &str = include_str!("../peers/traefik-routes.yaml");
const HTTP_WASM: &str = include_str!("../peers/http-wasm.wat");
const HTTP_WASM_MANIFEST: &str = include_str!("../peers/http-wasm.yaml");
const TOLLGATE: &str = include_str!("../peers/tollgate.toml");
const CHAIN: &str = include_str!("../peers/chain.toml");

/// Where everybody listens.
#[derive(Clone, Copy)]
pub struct Places {
    pub address: SocketAddr,
    pub admin: SocketAddr,
    pub upstream: SocketAddr,
}

/// Writes the upstream's config.
pub fn upstream(folder: &Path, address: SocketAddr) -> Result<PathBuf> {
    let values = [("folder", text(folder)?), ("listen", address.port().to_string())];
    write(folder, "upstream.conf", &render(UPSTREAM, &values))
}

/// Writes a gateway's config, and what belongs to it.
pub fn gateway(folder: &Path, setup: &Setup, places: Places) -> Result<PathBuf> {
    let values = vec![
        ("listen", places.address.port().to_string()),
        ("upstream", places.upstream.port().to_string()),
        ("folder", text(folder)?),
        ("workers", setup.workers.to_string()),
        ("connections", setup.connections.to_string()),
        ("buffering", if setup.buffering { "on" } else { "off" }.to_owned()),
        ("admin", if setup.admin { places.admin.to_string() } else { "off".to_owned() }),
    ];
    match setup.scenario {
        Scenario::Nginx => write(folder, "nginx.conf", &nginx([""; 3], &values)),
        Scenario::NginxLua => {
            write(folder, "policies.lua", POLICIES)?;
            let values = [values, vec![("modules-path", text(&lua_modules()?)?)]].concat();
            let policies = if setup.shouts { LUA_SHOUT } else { LUA_POLICIES };
            write(folder, "nginx.conf", &nginx([LUA_MODULES, LUA_SHARED, policies], &values))
        }
        Scenario::HaProxy => write(folder, "haproxy.cfg", &render(HAPROXY, &values)),
        Scenario::Caddy => write(folder, "Caddyfile", &render(CADDY, &values)),
        Scenario::Traefik => traefik(folder, values, "", "edit", ""),
        Scenario::TraefikWasm => {
            let guest = folder.join("plugins-local/src/example.com/guest");
            fs::create_dir_all(&guest)?;
            write(&guest, ".traefik.yml", HTTP_WASM_MANIFEST)?;
            fs::write(guest.join("plugin.wasm"), wat::parse_str(HTTP_WASM)?)?;
            let local = "experimental: { localPlugins: { guest: { moduleName: example.com/guest } } }";
            traefik(folder, values, local, "edit, guest", "guest: { plugin: { guest: {} } }")
        }
        Scenario::Plecto | Scenario::PlectoKeyAuth | Scenario::PlectoChain => {
            plecto::manifest(folder, setup.scenario, values)
        }
        Scenario::Bare | Scenario::KeyAuth | Scenario::Chain => tollgate(folder, setup, values),
    }
}

/// What [`CHAIN_FILE`] says for the chain of four with this limit, which no load reaches.
pub fn chain_file(limit: u64) -> String {
    CHAIN.replace("limit = 1000000000,", &format!("limit = {limit},"))
}

/// The folder of nginx's dynamic modules, when Lua's is there.
pub fn lua_modules() -> Result<PathBuf> {
    let told = Command::new("nginx").arg("-V").output().context("nginx is not installed")?;
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    let folder = told.split_whitespace().find_map(|option| option.strip_prefix("--modules-path="));
    let folder = PathBuf::from(folder.context("this nginx has no dynamic modules")?);
    let module = folder.join("ngx_http_lua_module.so");
    ensure!(module.exists(), "{} is not there: apt-get install libnginx-mod-http-lua", module.display());
    Ok(folder)
}

fn nginx([modules, shared, policies]: [&str; 3], values: &[(&str, String)]) -> String {
    let whole = NGINX.replace("@modules@", modules).replace("@shared@", shared).replace("@policies@", policies);
    render(&whole, values)
}

fn traefik(
    folder: &Path,
    mut values: Vec<(&str, String)>,
    plugins: &str,
    middlewares: &str,
    guest: &str,
) -> Result<PathBuf> {
    let more = [("experimental", plugins), ("middlewares", middlewares), ("guest", guest)];
    values.extend(more.map(|(name, value)| (name, value.to_owned())));
    write(folder, "traefik-routes.yaml", &render(TRAEFIK_ROUTES, &values))?;
    write(folder, "traefik.yaml", &render(TRAEFIK, &values))
}

fn tollgate(folder: &Path, setup: &Setup, mut values: Vec<(&str, String)>) -> Result<PathBuf> {
    let own = match setup.scenario {
        Scenario::KeyAuth => &["key-auth"][..],
        Scenario::Chain => &["key-auth", "rate-limit", "circuit-breaker", "transform"],
        _ => &[],
    };
    let (names, told) = match &setup.chain {
        Some(chain) => (chain.names.clone(), chain.plugins.as_str()),
        None => {
            let told = if setup.scenario == Scenario::Chain { CHAIN } else { "" };
            (own.iter().map(|name| (*name).to_owned()).collect(), told)
        }
    };
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    values.push(("plugins", quoted.join(", ")));
    write(folder, "consumers.toml", &consumers()?)?;
    write(folder, CHAIN_FILE, told)?;
    write(folder, "gateway.toml", &render(TOLLGATE, &values))
}

fn consumers() -> Result<String> {
    let mut consumers = String::new();
    for number in 0..CONSUMERS {
        writeln!(
            consumers,
            "[[consumer]]\nname = \"consumer-{number:04}\"\ngroups = [\"partners\"]\n\
             credentials = [{{ key = \"key-of-consumer-{number:04}\" }}]\n"
        )?;
    }
    Ok(consumers)
}

pub(super) fn render(template: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value))
}

pub(super) fn write(folder: &Path, name: &str, contents: &str) -> Result<PathBuf> {
    let file = folder.join(name);
    fs::write(&file, contents).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(file)
}

fn text(path: &Path) -> Result<String> {
    Ok(path.to_str().context("the folder's name is not text")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_a_config_is_filled() {
        let folder = tempfile::tempdir().expect("a folder");
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let places = Places { address, admin: address, upstream: address };
        for scenario in Scenario::all() {
            // PlectoProxy's filters would be built first: `plecto.rs` looks at their manifest.
            let built_first = matches!(scenario, Scenario::PlectoKeyAuth | Scenario::PlectoChain);
            if built_first || *scenario == Scenario::NginxLua && lua_modules().is_err() {
                continue;
            }
            let file = gateway(folder.path(), &Setup::from(*scenario), places).expect("a folder that can be written");
            let mut text = fs::read_to_string(file).expect("it was written");
            if *scenario == Scenario::Traefik {
                text += &fs::read_to_string(folder.path().join("traefik-routes.yaml")).expect("it was written");
            }
            let left = text.lines().find(|line| !line.trim_start().starts_with('#') && line.contains('@'));
            assert_eq!(left, None, "{scenario:?}");
        }
    }

    #[test]
    fn another_limit_is_another_chain() {
        assert_ne!(chain_file(7), CHAIN);
        assert_eq!(chain_file(1_000_000_000), CHAIN);
    }
}
