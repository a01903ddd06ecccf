//! The config files of `peers/`, with this run's ports put in.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::scenario::Scenario;

/// The key of a consumer; `peers/load.lua` and `peers/policies.lua` make the same ones.
pub const KEY: &str = "key-of-consumer-0042";
const CONSUMERS: usize = 1000;

const UPSTREAM: &str = include_str!("../peers/upstream.conf");
const NGINX: &str = include_str!("../peers/nginx.conf");
const LUA_MODULES: &str = include_str!("../peers/lua-modules.conf");
const LUA_SHARED: &str = include_str!("../peers/lua-shared.conf");
const LUA_POLICIES: &str = include_str!("../peers/lua-policies.conf");
const POLICIES: &str = include_str!("../peers/policies.lua");
const TOLLGATE: &str = include_str!("../peers/tollgate.toml");
const CHAIN: &str = include_str!("../peers/chain.toml");

/// Writes the upstream's config.
pub fn upstream(folder: &Path, address: SocketAddr) -> Result<PathBuf> {
    let values = [("folder", text(folder)?), ("listen", address.port().to_string())];
    write(folder, "upstream.conf", &render(UPSTREAM, &values))
}

/// Writes a gateway's config, and what belongs to it.
pub fn gateway(folder: &Path, scenario: Scenario, address: SocketAddr, upstream: SocketAddr) -> Result<PathBuf> {
    let (listen, upstream) = (address.port().to_string(), upstream.port().to_string());
    let mut values = vec![("listen", listen), ("upstream", upstream), ("folder", text(folder)?)];
    if !scenario.is_tollgate() {
        let [modules, shared, policies] = match scenario {
            Scenario::NginxLua => {
                write(folder, "policies.lua", POLICIES)?;
                values.push(("modules-path", text(&lua_modules()?)?));
                [LUA_MODULES, LUA_SHARED, LUA_POLICIES]
            }
            _ => [""; 3],
        };
        let whole = NGINX.replace("@modules@", modules).replace("@shared@", shared).replace("@policies@", policies);
        return write(folder, "nginx.conf", &render(&whole, &values));
    }
    let plugins = match scenario {
        Scenario::KeyAuth => r#""key-auth""#,
        Scenario::Chain => r#""key-auth", "rate-limit", "circuit-breaker", "transform""#,
        _ => "",
    };
    values.push(("plugins", plugins.to_owned()));
    write(folder, "consumers.toml", &consumers()?)?;
    write(folder, "chain.toml", if scenario == Scenario::Chain { CHAIN } else { "" })?;
    write(folder, "gateway.toml", &render(TOLLGATE, &values))
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

fn render(template: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value))
}

fn write(folder: &Path, name: &str, contents: &str) -> Result<PathBuf> {
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
        for scenario in Scenario::all() {
            if *scenario == Scenario::NginxLua && lua_modules().is_err() {
                continue;
            }
            let file = gateway(folder.path(), *scenario, address, address).expect("a folder that can be written");
            let text = fs::read_to_string(file).expect("it was written");
            let left = text.lines().find(|line| !line.trim_start().starts_with('#') && line.contains('@'));
            assert_eq!(left, None, "{scenario:?}");
        }
    }
}
