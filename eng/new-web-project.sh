#!/usr/bin/env bash
# Packs the packages, looks into them, and shows that a new web project serves a model with fewer than 15 lines of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en MSBUILDDISABLENODEREUSE=1

work=$(mktemp -d)
server=
cleanup() { [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true; rm -rf "$work"; }
trap cleanup EXIT
fail() { echo "eng/new-web-project.sh: $*" >&2; exit 1; }

# 1. The packages, with what a user relies on inside.
for project in $(grep -l '<IsPackable>true' src/*/*.csproj); do
    dotnet pack "$project" -c Release -v q -o "$work/packages"
done
for package in "$work"/packages/*.nupkg; do
    name=$(basename "$package")
    contents=$(python3 -m zipfile -l "$package")
    inside=('lib/net10.0/.*\.dll' 'lib/net10.0/.*\.xml')
    if grep -q 'DotnetToolSettings\.xml' <<<"$contents"; then inside=('tools/net10.0/any/.*\.dll'); fi
    for file in README.md '\.nuspec' "${inside[@]}"; do
        grep -qE "^$file|/$file|^[^ ]*$file " <<<"$contents" || fail "$name lacks $file"
    done
    [ -f "${package%.nupkg}.snupkg" ] || fail "$name has no symbols"
    python3 -m zipfile -e "$package" "$work/unpacked/$name"
    grep -q '<license type="expression">MIT</license>' "$work/unpacked/$name"/*.nuspec || fail "$name has no license"
done
for analyzer in FastBatch.Generators FastBatch.CodeFixes; do
    ls "$work"/unpacked/FastBatch.[0-9]*/analyzers/dotnet/cs/$analyzer.dll >/dev/null || fail "FastBatch lacks $analyzer"
done

# 2. A new web project that references one of them, with the program of docs/hosting.md. Its packages are unpacked beside it: a cache would keep those of an earlier build.
cd "$work"
dotnet new web -n Service -o service --no-restore >/dev/null
cd service
tr -d '\r' <Program.cs | sed '1s/^\xEF\xBB\xBF//' >../Template.cs
global=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: //')
cat >nuget.config <<CONFIG
<configuration>
  <config><add key="globalPackagesFolder" value="$work/cache" /></config>
  <fallbackPackageFolders>$([ -d "$global/fastbatch" ] || echo "<add key=\"global\" value=\"$global\" />")</fallbackPackageFolders>
  <packageSources><add key="packed" value="$work/packages" /></packageSources>
</configuration>
CONFIG
version=$(ls "$work"/packages/FastBatch.Hosting.*.nupkg | sed 's/.*FastBatch.Hosting.\(.*\).nupkg/\1/')
dotnet add package FastBatch.Hosting --version "$version" --no-restore >/dev/null
sed -n '/^```cs$/,/^```$/p' "$repository/docs/hosting.md" | sed '1d;$d' >Program.cs
grep -q 'AddFastBatch()' Program.cs || fail "docs/hosting.md has no program"
own=$(diff ../Template.cs Program.cs | grep -cE '^> *[^ ]' || true)
[ "$own" -lt 15 ] || fail "the program has $own lines of its own"
dotnet build -c Release -v q -warnaserror --nologo >../build || { cat ../build >&2; fail "the project does not build"; }

# 3. It serves: many at once, each with its own answer.
dotnet bin/Release/net10.0/Service.dll --urls http://127.0.0.1:0 >../log 2>&1 &
server=$!
for _ in $(seq 300); do
    grep -q 'Now listening on' ../log && break
    kill -0 "$server" 2>/dev/null || { cat ../log >&2; fail "the service did not start"; }
    sleep 0.1
done
address=$(sed -n 's/.*Now listening on: //p' ../log | tr -d '\r' | head -1)
curl -f --no-progress-meter --parallel "$address/score?x=[1-20]&y=2" -o '../answer#1'
for x in $(seq 20); do
    [ "$(cat "../answer$x")" = "$((x + 6))" ] || fail "x = $x, y = 2: expected $((x + 6)), got '$(cat "../answer$x")'"
done
kill -TERM "$server"
wait "$server" || fail "the service did not stop cleanly"
server=
grep -q 'has answered every request it accepted' ../log || fail "the service did not drain"
echo "eng/new-web-project.sh: $(ls ../packages/*.nupkg | wc -l) packages; a new web project with $own lines of its own serves, answers 20 requests and stops"
