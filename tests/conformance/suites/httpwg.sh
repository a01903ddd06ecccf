# RFC 9113 by `httpwg-cli`: what a server has to say to frames that are right and wrong. There are no exceptions.
. "$(dirname "$0")/lib.sh"

VERSION=0.2.5
need cc gcc
command -v httpwg >/dev/null || cargo install --quiet --locked --root "$CACHE" --version "$VERSION" httpwg-cli
cat >"$WORK/gateway.toml" <<'CONFIG'
[gateway]
admin = "off"
workers = 1

[[listener]]
address = "127.0.0.1:0"

[[upstream]]
name = "echo"
endpoints = ["internal:echo"]

[[route]]
name = "everything"
upstream = "echo"
CONFIG
start_gateway
# Its own timeouts are too short for a machine that does other things as well.
status=0
timeout 300 httpwg --address "${ADDRESSES[0]}" --frame-timeout 5000 --connect-timeout 5000 >"$WORK/out" 2>&1 || status=$?
sed -i 's/\x1b\[[0-9;]*m//g' "$WORK/out"
grep 'Test failed' "$WORK/out" || true
counts=$(sed -n 's|.*Passed \([0-9]*\)/\([0-9]*\) tests.*|\1 \2|p' "$WORK/out" | tail -n 1)
[ -n "$counts" ] || { tail -n 20 "$WORK/out"; exit 1; }
result "$counts" "cases, no exceptions"
[ "$status" = 0 ]
