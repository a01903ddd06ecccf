# testssl.sh against a listener with TLS, whose certificate is issued by an authority that is made for it. What it finds and
# is not mended stands in testssl.exceptions, `id | why`.
. "$(dirname "$0")/lib.sh"

need testssl testssl.sh
need openssl openssl
cd "$WORK"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj "/CN=A throw-away authority" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout ca.key -out ca.pem 2>/dev/null
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" -keyout server.key \
    -out server.csr 2>/dev/null
printf '%s\n' subjectAltName=DNS:localhost,IP:127.0.0.1 basicConstraints=critical,CA:FALSE \
    keyUsage=critical,digitalSignature extendedKeyUsage=serverAuth >server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 90 -extfile server.ext -out leaf.pem 2>/dev/null
cat leaf.pem ca.pem >server.pem
cat >gateway.toml <<'CONFIG'
[gateway]
admin = "off"
workers = 2

[[listener]]
address = "127.0.0.1:0"
tls = { cert = "server.pem", key = "server.key" }

[[upstream]]
name = "echo"
endpoints = ["internal:echo"]

[[route]]
name = "everything"
upstream = "echo"
CONFIG
start_gateway
port=${ADDRESSES[0]##*:}
# It answers with the number of its findings.
timeout 850 testssl --quiet --color 0 --warnings off --nodns none --add-ca "$WORK/ca.pem" --ip 127.0.0.1 \
    --jsonfile "$WORK/findings.json" "localhost:$port" >"$WORK/out" 2>&1 </dev/null || true
cp "$WORK/out" "$CACHE/logs/testssl.report"
[ -s findings.json ] || { tail -n 30 out; exit 1; }
python3 - findings.json "$HERE/testssl.exceptions" out <<'JUDGE'
import json, sys
findings = json.load(open(sys.argv[1]))
lines = [line.split("|", 1) for line in open(sys.argv[2]) if line.strip() and not line.startswith("#")]
excused = {name.strip(): reason.strip() for name, reason in lines}
# What is neither good nor only told.
bad = [found for found in findings if found["severity"] not in ("OK", "INFO", "DEBUG")]
judged = [found for found in findings if found["severity"] not in ("INFO", "DEBUG")]
unexplained = [found for found in bad if found["id"] not in excused]
for found in bad:
    word = "explained" if found["id"] in excused else "NOT OK"
    print(f'{word}: {found["id"]} ({found["severity"]}): {found["finding"]}')
finished = any(found["id"] == "scanTime" for found in findings)
if not finished:
    print("it did not come to its end")
for name in sorted(set(excused) - {found["id"] for found in bad}):
    print(f"explained, but not found: {name}")
print(f"result {len(judged) - len(unexplained)} {len(judged)} findings, "
      f"{len(bad) - len(unexplained)} explained in testssl.exceptions")
sys.exit(bool(unexplained) or not finished)
JUDGE
