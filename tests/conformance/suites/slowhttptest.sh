# slowhttptest: a thousand clients that send heads slowly (-H), bodies slowly (-B), or read slowly (-X). All have to be closed
# in time, while a healthy client waits no more than one and a half times as long as without them.
#
# The timers of the listener are shorter than their defaults, so that this takes a minute; what is compared with them are the
# same timers. A connection counts as closed when the gateway has no socket for it any more: slowhttptest itself does not see
# in time that a connection is reset that it reads slowly.
#
# The gateway and the healthy client have one core, and the slow clients the others, as if they were elsewhere: slowhttptest
# takes a fifth of a core, ten times what the gateway spends on its clients, and its system calls over a thousand sockets are in
# the way of all that shares its core, whatever their priorities.
. "$(dirname "$0")/lib.sh"

need slowhttptest slowhttptest
CONNECTIONS=1000
RATE=200
TIMER=3
# Slow clients come for 5 seconds; then each has the time of the timer, of the looks at it, and of a last answer that it may
# not take (2 seconds).
MOST=$((CONNECTIONS / RATE + TIMER + TIMER + 4))
# By how much the 99th percentile may grow, in percent.
MOST_GROWTH=150

cat >"$WORK/gateway.toml" <<CONFIG
[gateway]
admin = "off"
workers = 1

[[listener]]
address = "127.0.0.1:0"
[listener.limits]
header-timeout = "${TIMER}s"
body-timeout = "${TIMER}s"
write-timeout = "${TIMER}s"

[[upstream]]
name = "echo"
endpoints = ["internal:echo"]

[[route]]
name = "everything"
upstream = "echo"
CONFIG
start_gateway
[ "$(nproc)" -ge 2 ] || { echo "slow clients need a core of their own: this machine has one"; exit 1; }
taskset --all-tasks --cpu-list --pid 0 "$GATEWAY" >/dev/null
taskset --cpu-list --pid "1-$(($(nproc) - 1))" "$$" >/dev/null
address=${ADDRESSES[0]}
port=$(printf '%04X' "${address##*:}")

# Connections that the gateway has open, as the kernel sees it.
open() {
    awk -v port=":$port" '$4 != "0A" && $4 != "06" && substr($2, 9) == port && $10 != 0 { n++ } END { print n + 0 }' \
        /proc/net/tcp
}

latency() {
    taskset --cpu-list 0 "$TOOLS/latency" --address "$address" --seconds "$1"
}

# attack NAME ARGUMENTS..: sets LEFT, the connections that are not closed in time, and MOST_OPEN, the most there were.
attack() {
    local name=$1 until attacker
    shift
    timeout 120 slowhttptest "$@" -c "$CONNECTIONS" -r "$RATE" -l 60 -p 5 >"$WORK/slow.out" 2>&1 </dev/null &
    attacker=$!
    until=$((SECONDS + MOST))
    latency "$((CONNECTIONS / RATE + TIMER))" >"$WORK/p99" &
    local measuring=$!
    MOST_OPEN=0
    while :; do
        LEFT=$(open)
        [ "$LEFT" -le "$MOST_OPEN" ] || MOST_OPEN=$LEFT
        # One may be the healthy client's, or that by which slowhttptest looks whether it has succeeded.
        { [ "$SECONDS" -ge "$until" ] || { [ "$MOST_OPEN" -gt 100 ] && [ "$LEFT" = 0 ] && ! kill -0 "$measuring" 2>/dev/null; }; } && break
        sleep 0.2
    done
    wait "$measuring" || { echo "$name: the healthy client was not served"; failed=1; }
    P99=$(cat "$WORK/p99")
    kill "$attacker" 2>/dev/null || true
    wait "$attacker" 2>/dev/null || true
}

failed=0 closed=0 worst=0 all=0
latency 2 >/dev/null
for kind in H B X; do
    case $kind in
        H) arguments=(-H -i 1 -x 10 -u "http://$address/") ;;
        B) arguments=(-B -i 1 -x 10 -s 8192 -u "http://$address/") ;;
        X) arguments=(-X -w 10 -y 20 -n 5 -z 32 -k 3 -u "http://$address/bytes/1mb") ;;
    esac
    before=$(latency 5)
    attack "-$kind" "${arguments[@]}"
    after=$(latency 5)
    # What others do on the machine is in both; the mean of before and after is what it did meanwhile.
    quiet=$(((before + after) / 2))
    growth=$((P99 * 100 / quiet))
    [ "$growth" -le "$worst" ] || worst=$growth
    # A client that came and was gone at once counts, so the most that were open at a time is only told.
    echo "-$kind: $((CONNECTIONS - LEFT)) of $CONNECTIONS closed (at most $MOST_OPEN open at a time)," \
        "p99 $P99 us with, $before and $after us without: $growth %"
    closed=$((closed + CONNECTIONS - LEFT)) all=$((all + CONNECTIONS))
    [ "$LEFT" = 0 ] && [ "$growth" -le "$MOST_GROWTH" ] || failed=1
    # So few at a time would mean that they did not come.
    [ "$MOST_OPEN" -ge $((CONNECTIONS / 4)) ] || { echo "-$kind: they did not come"; failed=1; }
done
result "$closed" "$all" "closed in time; a healthy client's p99 grew to $worst % at most (150 % allowed)"
[ "$failed" = 0 ]
