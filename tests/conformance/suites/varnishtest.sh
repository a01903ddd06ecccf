# Scripts of `varnishtest`: a raw client and a raw server with the gateway between them, so that they show what the upstream
# really received, and what a client really gets when an upstream misbehaves. Each script has a gateway of its own.
. "$(dirname "$0")/lib.sh"

need varnishtest varnish
passed=0 of=0
for script in "$HERE"/varnishtest/*.vtc; do
    upstream=$(free_port)
    sed "s/@upstream@/127.0.0.1:$upstream/" "$HERE/varnishtest/gateway.toml" >"$WORK/gateway.toml"
    start_gateway
    of=$((of + 1))
    if TMPDIR=$WORK varnishtest -t 60 -D gateway="${ADDRESSES[0]/:/ }" -D upstream="127.0.0.1 $upstream" \
        "$script" >"$WORK/out" 2>&1; then
        passed=$((passed + 1))
    else
        echo "FAILED: $script"
        cat "$WORK/out"
    fi
done
result "$passed" "$of" "scripts"
[ "$passed" = "$of" ]
