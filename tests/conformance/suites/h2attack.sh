# Floods and bombs over HTTP/2 (tests/src/bin/h2attack.rs): each has to be closed, or to bring no more than it costs.
. "$(dirname "$0")/lib.sh"

cat >"$WORK/gateway.toml" <<'CONFIG'
[gateway]
admin = "off"
workers = 2

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
status=0
"$TOOLS/h2attack" --address "${ADDRESSES[0]}" --pid "$GATEWAY" >"$WORK/out" 2>&1 || status=$?
cat "$WORK/out"
counts=$(sed -n 's/^\([0-9]*\) of \([0-9]*\) closed or unamplified.*/\1 \2/p' "$WORK/out")
[ -n "$counts" ] || exit 1
result "$counts" "attacks closed or unamplified"
[ "$status" = 0 ]
