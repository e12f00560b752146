"""Prints `PASSED FAILED` for a meson test log: cmocka's own counts where a test printed them."""
import json
import re
import sys


def count(test):
    text = test.get("stdout", "") + test.get("stderr", "")
    passed = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", text)))
    failed = sum(map(int, re.findall(r"\[  FAILED  \] (\d+) test", text)))
    good = test["result"] in ("OK", "SKIP", "EXPECTEDFAIL")
    if good and failed == 0:
        return max(passed, 1 if test["result"] == "OK" else 0), 0
    return passed, max(failed, 1)


totals = [0, 0]
with open(sys.argv[1]) as log:
    for line in log:
        for i, n in enumerate(count(json.loads(line))):
            totals[i] += n
print(*totals)
