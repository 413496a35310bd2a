#!/usr/bin/env bash
# Profiles the digits sample and opens the report in headless Chromium, wide and on a phone of 360 pixels, light and dark: nothing may be asked of a
# network, the console must stay empty, the phases must add up to 100 +- 1 %, and nothing but drawings may be wider than the page.
# With --update the picture in docs is taken anew. Needs chromium and python3 (Debian's do).
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
command -v chromium >/dev/null || { echo "test-report: chromium is not installed (apt-get install chromium)" >&2; exit 1; }

dotnet build samples/Digits -c Release -v quiet --nologo
samples/Digits/bin/Release/net10.0/Digits --json --seconds 3 --clients 64 --profile "$work/profile.html"

browse() { # NAME WIDTH HEIGHT [OPTION...]: a picture, and what the console said
    local name=$1 width=$2 height=$3; shift 3
    chromium --headless=new --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/$name" --host-resolver-rules="MAP * ~NOTFOUND" \
        --disable-background-networking --disable-component-update --enable-logging=stderr --v=0 --window-size="$width,$height" \
        --screenshot="$work/$name.png" "$@" "file://$work/page.html" >"$work/$name.txt" 2>&1
    [ -s "$work/$name.png" ] || { echo "test-report: no picture ($name)" >&2; cat "$work/$name.txt" >&2; exit 1; }
    if grep -E 'CONSOLE' "$work/$name.txt"; then echo "test-report: the console is not empty ($name)" >&2; exit 1; fi
}

# Chromium has no window as narrow as a phone, but a frame may be.
frame() { # PAGE WIDTH HEIGHT
    echo "<!DOCTYPE html><html lang=en><title>frame</title><link rel=icon href=data:,><body style=margin:0><iframe id=frame src=$1 style=width:$2px;height:$3px;border:0></iframe>"
}
cp "$work/profile.html" "$work/page.html"
browse light 1100 1500
browse dark 1100 1500 --blink-settings=preferredColorScheme=0
frame profile.html 360 2000 >"$work/page.html"
browse phone 500 2000

# What the browser made of it, told by a copy of the page with a script; the page itself has none.
python3 - "$work" <<'PY'
import sys
work = sys.argv[1]
page = open(f"{work}/profile.html", encoding="utf-8").read()
assert "<script" not in page and "http:" not in page and "https:" not in page, "the page asks for something"
probe = """<script>addEventListener('load', () => {
  const out = [];
  const share = [...document.querySelectorAll('[data-share]')].map(e => +e.dataset.share);
  const sum = share.reduce((a, b) => a + b, 0);
  if (share.length !== 6 || sum < 99 || sum > 101) out.push('phases: ' + share.length + ' add up to ' + sum);
  if (document.documentElement.scrollWidth > innerWidth) out.push('wider than the page: ' + document.documentElement.scrollWidth);
  for (const svg of document.querySelectorAll('svg'))
    if (svg.getAttribute('role') !== 'img' || !svg.getAttribute('aria-label') || svg.getBoundingClientRect().height < 16) out.push('a drawing without name or size');
  for (const wide of document.querySelectorAll('.scroll')) if (wide.tabIndex !== 0 || !wide.getAttribute('aria-label')) out.push('scrolls, but not by keyboard');
  if (!document.documentElement.lang || !document.title || document.querySelectorAll('h1').length !== 1) out.push('language, title or heading');
  const lum = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => (x /= 255) <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4); return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
  const back = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(c)) return c; } return 'rgb(255,255,255)'; };
  for (const e of document.querySelectorAll('h1,h2,p,dt,dd,th,td,svg text')) {
    const a = lum(e.matches('text') ? getComputedStyle(e).fill : getComputedStyle(e).color), b = lum(back(e));
    const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (contrast < 4.5) out.push('contrast ' + contrast.toFixed(2) + ' of ' + e.tagName);
  }
  for (const svg of document.querySelectorAll('svg')) {
    const labels = [...svg.querySelectorAll('text')].map(e => e.getBoundingClientRect()).filter(r => r.width > 0);
    const box = svg.getBoundingClientRect();
    labels.forEach((r, i) => {
      if (r.height < 12) out.push('a label of ' + r.height.toFixed(1) + ' px');
      if (r.left < box.left - 1 || r.right > box.right + 1 || r.bottom > box.bottom + 1) out.push('a label that is cut off');
      if (labels.some((other, j) => j > i && r.left < other.right && other.left < r.right && r.top < other.bottom && other.top < r.bottom)) out.push('labels that overlap');
    });
  }
  top.document.body.innerHTML = '<pre id="verdict">' + sum.toFixed(2) + '|' + out.join(';') + '|end</pre>';
});</script></body>"""
open(f"{work}/probe.html", "w", encoding="utf-8").write(page.replace("</body>", probe))
PY
for scheme in 0 1; do
    for width in 360 500 1100; do
        frame probe.html "$width" 900 >"$work/frame.html"
        verdict=$(chromium --headless=new --no-sandbox --disable-gpu --user-data-dir="$work/probe$scheme$width" --blink-settings=preferredColorScheme=$scheme \
            --allow-file-access-from-files --window-size=1200,900 --dump-dom "file://$work/frame.html" 2>/dev/null | grep -o 'id="verdict">[^<]*' | cut -d'>' -f2)
        case "$verdict" in
            *"||end") echo "scheme $scheme, $width px: phases add up to ${verdict%%|*} %" ;;
            *) echo "test-report: scheme $scheme, $width px: $verdict" >&2; exit 1 ;;
        esac
    done
done
if [ "${1:-}" = --update ]; then cp "$work/light.png" docs/operations/profile.png; fi
if [ -n "${REPORT_OUT:-}" ]; then mkdir -p "$REPORT_OUT"; cp "$work"/*.png "$work/profile.html" "$REPORT_OUT"; fi
