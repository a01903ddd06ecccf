# The faults of faults.md: each is as declared if all tests pass that its row names. It builds the tests itself, and tests what
# cargo builds with them, not BINARY.
. "$(dirname "$0")/lib.sh"

command -v faketime >/dev/null || need faketime faketime
cd "$HERE/../.."
cargo test --quiet -p tests --test e2e --no-run
cargo test --quiet -p tollgate --lib --no-run

# named KIND: the tests of this kind, each once.
named() {
    grep -o "\`$1 [a-z0-9_:]*\`" "$HERE/faults.md" | tr -d '\`' | cut -d' ' -f2 | sort -u
}
# What passed, one `KIND NAME` a line; a test that fails is in the output, and among the faults that are not as declared.
mapfile -t e2e < <(named e2e)
mapfile -t host < <(named host)
cargo test -p tests --test e2e -- --exact "${e2e[@]}" >"$WORK/e2e" || true
cargo test -p tollgate --lib -- --exact "${host[@]}" >"$WORK/host" || true
for kind in e2e host; do
    sed -n "s/^test \(.*\) \.\.\. ok$/$kind \1/p" "$WORK/$kind"
done >"$WORK/passed"
grep -h -A 20 '^---- ' "$WORK/e2e" "$WORK/host" || true

awk -F ' [|] ' '
    FNR == NR { passed[$0] = 1; next }
    /^[|] / && !/^[|] (fault |---)/ {
        sub(/^[|] /, "", $1); count = split($3, cells, "`"); missing = ""
        for (at = 2; at <= count; at += 2) if (!(cells[at] in passed)) missing = missing " " cells[at] ";"
        faults++; good += missing == ""
        print (missing == "" ? "as declared: " $1 : "NOT as declared: " $1 ": not passed:" missing)
    }
    END { print "counts " good + 0 " " faults }
' "$WORK/passed" "$HERE/faults.md" >"$WORK/out"
grep -v '^counts ' "$WORK/out"
read -r _ good faults < <(tail -n 1 "$WORK/out")
result "$good" "$faults" "faults as declared in faults.md, by ${#e2e[@]} end-to-end tests and ${#host[@]} unit tests"
[ "$good" = "$faults" ]
