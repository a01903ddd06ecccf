# What the suites share: installing, and a gateway of their own. Sourced by each of them.
#
# From `run`: BINARY, the gateway; CACHE, the folder for what is installed; HERE, the folder of `run`; TOOLS, the folder of
# this repository's own programs.
set -euo pipefail

WORK=$(mktemp -d)
GATEWAY=
export PATH="$CACHE/bin:$PATH"

# need COMMAND PACKAGE: installs a Debian package, if the command is not there.
need() {
    command -v "$1" >/dev/null && return
    echo "installing $2"
    apt-get install -y -q "$2" >/dev/null || { apt-get update -q && apt-get install -y -q "$2"; } >/dev/null
}

# A port of loopback that nobody listens on, below those that the system gives out by itself.
free_port() {
    local port
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 10000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
    echo "no free port" >&2
    return 1
}

# Starts the gateway on $WORK/gateway.toml, and waits until it listens. ADDRESSES are those of its listeners.
start_gateway() {
    stop_gateway
    : >"$WORK/gateway.log"
    (cd "$WORK" && exec env TOLLGATE_CACHE_DIR="$CACHE/compiled" NO_COLOR=1 "$BINARY" run --config gateway.toml) \
        >"$WORK/access.log" 2>"$WORK/gateway.log" &
    GATEWAY=$!
    local count
    count=$(grep -c '^\[\[listener\]\]' "$WORK/gateway.toml")
    for _ in $(seq 300); do
        mapfile -t ADDRESSES < <(sed -n 's/.*listening on \([0-9.:]*\).*/\1/p' "$WORK/gateway.log")
        [ "${#ADDRESSES[@]}" -ge "$count" ] && return
        kill -0 "$GATEWAY" 2>/dev/null || break
        sleep 0.1
    done
    echo "the gateway did not start:" >&2
    cat "$WORK/gateway.log" >&2
    return 1
}

# Ends it at once: nobody waits for its connections.
stop_gateway() {
    [ -n "$GATEWAY" ] || return 0
    kill -KILL "$GATEWAY" 2>/dev/null || true
    wait "$GATEWAY" 2>/dev/null || true
    GATEWAY=
}

# The last line of a suite.
result() {
    echo "result $*"
}

trap 'stop_gateway; rm -rf "$WORK"' EXIT
