#!/usr/bin/env bash
# The functions of the C header, those that the library exports and those that the C# bindings declare must be the same ones; names
# whatever is missing, and where. Usage: eng/check-native-exports.sh <library> [<header> [<folder with the bindings>]]
set -euo pipefail
cd "$(dirname "$0")/.."

library=${1:?usage: eng/check-native-exports.sh <library> [<header> [<folder with the bindings>]]}
header=${2:-src/Native/include/fastbatch_native.h}
bindings=${3:-src/Native}

lists=$(mktemp -d)
trap 'rm -rf "$lists"' EXIT

grep -oE '^FB_API .*\bfb_[a-z0-9_]+\(' "$header" | grep -oE 'fb_[a-z0-9_]+\($' | tr -d '(' | sort -u >"$lists/header"

case "$library" in
    *.dll) dumpbin -exports "$library" | grep -oE '\bfb_[a-z0-9_]+' ;;
    *.dylib) nm -gU "$library" | awk '{ print $NF }' | sed 's/^_//' ;;
    *) nm -D --defined-only "$library" | awk '{ print $NF }' ;;
esac | sort -u >"$lists/exports"

# A binding is a partial method with the function's name, or one of any name with the function as its EntryPoint.
find "$bindings" -name '*.cs' -not -path '*/obj/*' -not -path '*/bin/*' -print0 |
    xargs -0 grep -hoE 'partial [A-Za-z0-9_<>*]+ fb_[a-z0-9_]+\(|EntryPoint *= *"fb_[a-z0-9_]+"' |
    grep -oE 'fb_[a-z0-9_]+' | sort -u >"$lists/bindings" || true

status=0
compare() {
    local missing
    missing=$(comm -23 "$lists/$1" "$lists/$2" | paste -sd' ')
    if [ -n "$missing" ]; then
        echo "eng/check-native-exports.sh: in the $1 but not in the $2: $missing" >&2
        status=1
    fi
}

for list in header exports bindings; do
    if [ ! -s "$lists/$list" ]; then
        echo "eng/check-native-exports.sh: no function found in the $list ($library, $header, $bindings)" >&2
        status=1
    fi
done
compare header exports
compare exports header
compare header bindings
compare bindings header

[ $status -ne 0 ] || echo "header = exports = bindings: $(wc -l <"$lists/header") functions"
exit $status
