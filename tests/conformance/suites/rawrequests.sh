# gunicorn's raw requests, from its sdist: tests/requests/{valid,invalid}/*.http. They are not kept here; what is expected of
# each is, in rawrequests.expected, with the reason where that is not what gunicorn does.
. "$(dirname "$0")/lib.sh"

VERSION=27.0.1
DIGEST=b1514965361c8b7e8107a80aa2a92636878df1ccfac6dd204a676426e04d9e3e

folder=$CACHE/gunicorn-$VERSION
if [ ! -d "$folder/tests/requests" ]; then
    need python3 python3
    python3 -m pip --version >/dev/null 2>&1 || need pip python3-pip
    python3 -m pip download --quiet --no-deps --no-binary gunicorn --dest "$CACHE" "gunicorn==$VERSION"
    echo "$DIGEST  $folder.tar.gz" | sha256sum --check --quiet
    tar -xzf "$folder.tar.gz" -C "$CACHE"
fi
status=0
"$TOOLS/rawrequests" --binary "$BINARY" --requests "$folder/tests/requests" \
    --expectations "$HERE/rawrequests.expected" >"$WORK/out" || status=$?
grep -v "^result" "$WORK/out" || true
[ "$status" = 0 ] || exit "$status"
differing=$(grep -c '|[^|]*|[^|]*|[^|]*| [^ ]' "$HERE/rawrequests.expected" || true)
result "$(sed -n 's/^result //p' "$WORK/out")" "as expected; $differing differ from gunicorn, see rawrequests.expected"
