#!/usr/bin/env bash
# devices_test.sh NAME ANYWARP: one test of `anywarp devices`.
set -euo pipefail
name=$1 anywarp=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export XDG_CONFIG_HOME=$folder/config
unset ANYWARP_DEVICE_PATH
fail() {
    echo "failed: $*"
    exit 1
}
# expect CODE TEXT COMMAND...: the exit code, and a part of what is printed.
expect() {
    local code=$1 wanted=$2 got=0 output
    shift 2
    output=$("$@" 2>&1) || got=$?
    [[ $got == "$code" ]] || fail "$* ended with $got, not $code: $output"
    [[ $output == *"$wanted"* ]] || fail "$* doesn't print \"$wanted\": $output"
}
device='{"name": "Mine", "vendor": "Me", "country": "DE", "architecture": "Own", "figures": {
    "units": {"value": 10, "confidence": "published", "source": "s"},
    "clock.boost_mhz": {"value": 1000, "confidence": "published", "source": "s"},
    "ops.fp16": {"value": 4096, "confidence": "published", "source": "s"},
    "peak.fp16": {"value": PEAK, "confidence": "published", "source": "s"},
    "memory.bandwidth_gbs": {"value": 1000, "confidence": "published", "source": "s"}},
    "sources": {"s": {"title": "Bench", "url": "https://example.org"}}}'

case $name in
list)
    expect 0 "h20 " "$anywarp" devices
    expect 0 "not legal advice" "$anywarp" devices
    expect 0 "cloudmatrix-384" "$anywarp" devices
    ;;
compare)
    expect 0 "989.4 (6.69x)" "$anywarp" devices h20 h100 b200
    expect 0 "by letter" "$anywarp" devices h20 --date 2025-04-09
    expect 0 "88 FR 73458" "$anywarp" devices h20 --date 2025-04-08
    expect 0 "not legal advice" "$anywarp" devices h20
    expect 0 "72 gb200" "$anywarp" devices gb200-nvl72
    expect 0 "Assumed when a program asks" "$anywarp" devices rubin
    ;;
json)
    command -v python3 >/dev/null || { echo "skipped: no python3" && exit 77; }
    "$anywarp" devices h20 tpu-v4 gb200-nvl72 --json --date 2025-04-09 >out.json
    python3 - <<'END'
import json
h20, tpu, rack = json.load(open("out.json"))
assert h20["figures"]["peak.fp16"] == {"value": 148, "unit": "TFLOP/s", "confidence": "reported", "source": "toms_h20", "note": ""}, h20
assert h20["export"]["class"] == "letter" and h20["export"]["licence_china"] == "needed"
assert abs(h20["export"]["tpp"] - 2368) < 1 and "not legal advice" in h20["export"]["notice"]
assert all(rule["url"].startswith("https://") for rule in h20["export"]["rules"])
assert tpu["figures"]["chip.die_mm2"]["value"] is None and tpu["figures"]["chip.die_mm2"]["confidence"] == "unknown"
assert rack["parts"] == [{"device": "gb200", "count": 72}] and "export" not in rack
END
    "$anywarp" devices --json | python3 -c 'import json, sys; assert len(json.load(sys.stdin)) > 70'
    ;;
roofline)
    command -v python3 >/dev/null || { echo "skipped: no python3" && exit 77; }
    "$anywarp" devices h20 h100 b200 --roofline chart.svg --precision bf16,fp8 >/dev/null
    python3 - <<'END'
import xml.etree.ElementTree as tree
root = tree.parse("chart.svg").getroot()
ns = "{http://www.w3.org/2000/svg}"
assert len(root.findall(ns + "polyline")) == 6, "one line per device and precision"
texts = [t.text for t in root.findall(ns + "text")]
for wanted in ("NVIDIA H20, bf16 (reported)", "NVIDIA B200 SXM 180GB, fp8", "operations per byte of memory traffic", "989.4 T/s, 3.352 TB/s, ridge 295"):
    assert wanted in texts, (wanted, texts)
width, height = float(root.get("width")), float(root.get("height"))
for line in root.findall(ns + "polyline"):
    points = [tuple(map(float, p.split(","))) for p in line.get("points").split()]
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points), points
    # The slope is one decade for one decade, then flat.
    assert points[0][1] > points[1][1] == points[2][1] and points[0][0] < points[1][0] < points[2][0]
labels = sorted(float(t.get("y")) for t in root.findall(ns + "text") if "font-weight:bold;fill" in t.get("style"))
assert all(b - a >= 30 for a, b in zip(labels, labels[1:])), "labels overlap"
END
    expect 2 "none of the devices" "$anywarp" devices h20 --roofline none.svg --precision fp4
    expect 2 "is not one of fp64" "$anywarp" devices h20 --roofline none.svg --precision fp3
    expect 2 "can't write" "$anywarp" devices h20 --roofline missing/chart.svg
    ;;
lint)
    expect 0 " 0 findings" "$anywarp" devices --lint
    echo "${device/PEAK/40.96}" >good.json && echo "${device/PEAK/81.92}" >sparse.json && sed s/value/valeu/ good.json >misspelt.json
    expect 0 "1 devices, 13 rules, 0 findings" "$anywarp" devices --lint good.json
    expect 1 "sparse.json: peak: peak.fp16 is 81.92, but 10 units x 1000 MHz x 4096 operations give 40.96; is it the sparse peak?" \
        "$anywarp" devices --lint sparse.json
    expect 1 'unknown key "valeu"' "$anywarp" devices --lint misspelt.json
    ;;
user_file)
    mkdir -p config/anywarp/devices path
    echo "${device/PEAK/40.96}" >config/anywarp/devices/mine.json
    echo "${device/PEAK/40.96}" >path/other.json
    expect 0 "40.96" "$anywarp" devices mine
    expect 0 "40.96" "$anywarp" devices path/other.json
    expect 0 "40.96" env ANYWARP_DEVICE_PATH="$folder/path" "$anywarp" devices other
    expect 0 "[$folder/config/anywarp/devices/mine.json]" "$anywarp" devices
    ;;
errors)
    expect 2 'no device is called "h2o"; near: h20' "$anywarp" devices h2o
    expect 2 'is not YYYY-MM-DD' "$anywarp" devices h20 --date yesterday
    expect 2 "can't open the device file ./none.json" "$anywarp" devices ./none.json
    ;;
esac
