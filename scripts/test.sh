#!/usr/bin/env bash
# Runs the tests of a build folder and ends with one line, `anywarp: N passed, N failed, N skipped`, read from CTest's own report.
# Fails when a test fails and when nothing at all was executed. More words are passed on to ctest: scripts/test.sh build -R ptx
set -uo pipefail
build=${1:?usage: scripts/test.sh BUILD [ctest options]}
shift
report=$(realpath "$build")/test-report.xml
rm -f "$report"
ctest --test-dir "$build" -j"${JOBS:-2}" --output-on-failure --no-tests=error --output-junit "$report" "$@"
status=$?
python3 - "$report" "$status" <<'END'
import re
import sys
import xml.etree.ElementTree as xml

report, status = sys.argv[1], int(sys.argv[2])
passed = failed = skipped = 0
failures, reasons = [], {}
try:
    cases = list(xml.parse(report).getroot().iter("testcase"))
except (OSError, xml.ParseError) as error:
    print(f"no report of the tests: {error}")
    cases = []
for case in cases:
    skip = case.find("skipped")
    if skip is not None or case.get("status") == "disabled":
        # Skipped by the test's own word. A test whose program is missing is a failure, though CTest calls it "not run" too.
        why = skip.get("message", "") if skip is not None else "Disabled"
        if why.startswith(("SKIP_", "Disabled")):
            skipped += 1
            continue
        failures.append(f"{case.get('name')} (not run: {why})")
        failed += 1
    elif case.find("failure") is not None or case.get("status") == "fail":
        failures.append(case.get("name"))
        failed += 1
    else:
        passed += 1
        # A CTest entry may be a whole family of GoogleTest cases: those that skipped themselves are counted too.
        output = case.findtext("system-out") or ""
        skipped += sum(int(count) for count in re.findall(r"^\[  SKIPPED \] (\d+) tests?[.,]", output, re.M))
for name in failures:
    print("failed:", name)
if not passed and not failed:
    print("no test was executed")
print(f"anywarp: {passed} passed, {failed} failed, {skipped} skipped")
sys.exit(0 if passed and not failed and status == 0 else 1)
END
