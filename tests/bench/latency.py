#!/usr/bin/env python3
"""How quickly the workbench answers, through a pseudo-terminal, as JSON:

    python3 tests/bench/latency.py build/thaw [--starts 20] [--keys 200] [--seconds 10]

- from exec to the row of tabs of the first frame (also the processor time till then, which other
  programs hardly change), and to the frame that shows the model;
- from a key (Up, Down, at random intervals) to the first bytes that paint the cursor's bar on
  another row, while the demonstration trains, and while it trains with everything thawed on all cores;
- redraws a second and the UI thread's share of a core in the same time; bursts of output with
  GAP seconds of silence between them count as redraws;
- the share of a core that the whole program takes while paused.

Times are in milliseconds. Other programs that run at the same time count: mind the load average.
"""
import argparse
import fcntl
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time

ROWS, COLUMNS = 36, 100
BAR = "48;5;239"  # the background of the cursor's row, of theme.c
GAP = 0.008
PATIENCE = 60
LONG = ["--set", "train.epochs=100000"]
TRAININGS = {"demonstration": LONG, "all thawed": LONG + ["--set", "freeze.rules=[thaw all]"]}


class Painted:
    """Which rows are painted with the cursor's bar; follows what curses sends to an xterm."""
    token = re.compile(rb"\x1b\[([?\d;]*)([@-~])|\x1b[()][0-9A-B]|\x1b[=>78DEHMc]|[\x00-\x1f]"
                       rb"|[^\x00-\x1f]+")

    def __init__(self):
        self.rest, self.row, self.bar = b"", 0, False

    def feed(self, data):
        """The rows, in the order of painting."""
        data, rows = self.rest + data, []
        cut = data.rfind(b"\x1b")
        whole = cut < 0 or len(data) - cut > 32 or self.token.match(data, cut)
        self.rest = b"" if whole else data[cut:]
        for found in self.token.finditer(data if whole else data[:cut]):
            if found.group(2):
                self.control(found.group(1).decode(), found.group(2).decode())
            elif found.group() == b"\n":
                self.row += 1
            elif self.bar and found.group()[0] >= 0x20 and self.row not in rows:
                rows.append(self.row)
        return rows

    def control(self, numbers, last):
        first = int(numbers.split(";")[0]) if numbers.split(";")[0].isdigit() else 0
        if last in "Hd":
            self.row = max(first, 1) - 1
        elif last in "AB":
            self.row += max(first, 1) * (1 if last == "B" else -1)
        elif last == "m":
            if BAR in numbers:
                self.bar = True
            elif numbers in ("", "0") or re.match(r"0;|.*\b4[89]\b", numbers):
                self.bar = False


class Workbench:
    def __init__(self, program, *options):
        self.directory = tempfile.mkdtemp(prefix="thaw-latency-")
        environment = dict(os.environ, TERM="xterm-256color", LC_ALL="C.UTF-8",
                           XDG_CONFIG_HOME=self.directory, XDG_STATE_HOME=self.directory)
        for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NO_COLOR", "COLORFGBG"):
            environment.pop(name, None)
        self.began = time.monotonic()
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", ROWS, COLUMNS, 0, 0))
            os.chdir(self.directory)
            os.execve(program, ["thaw", *options], environment)

    def read(self, seconds):
        """What comes within the time, or b""."""
        if not select.select([self.terminal], [], [], max(seconds, 0))[0]:
            return b""
        try:
            return os.read(self.terminal, 1 << 16)
        except OSError:
            sys.exit("the program ended by itself")

    def until(self, pattern):
        """When the pattern has come; bytes before it are dropped."""
        seen, end = b"", time.monotonic() + PATIENCE
        while not re.search(pattern, seen):
            if time.monotonic() > end:
                sys.exit(f"waited in vain for {pattern!r} in: {seen[-2000:]!r}")
            seen += self.read(1)
        return time.monotonic()

    def key(self, name):
        os.write(self.terminal, name)

    def seconds_used(self, thread=None):
        """Processor time of a thread, or of all."""
        folder = f"/proc/{self.process}/task"
        total = 0
        for name in [str(thread)] if thread else os.listdir(folder):
            with open(f"{folder}/{name}/schedstat") as file:
                total += int(file.read().split()[0])
        return total / 1e9

    def close(self):
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.terminal)
        shutil.rmtree(self.directory, ignore_errors=True)


def summary(seconds):
    ordered = sorted(1000 * s for s in seconds)
    return {"count": len(ordered), "median": round(statistics.median(ordered), 1),
            "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 1), "max": round(ordered[-1], 1)}


def load():
    return [round(x, 2) for x in os.getloadavg()]


def starts(program, count):
    frames, used, models = [], [], []
    for _ in range(count):
        bench = Workbench(program, "--paused")
        frames.append(bench.until(rb"\x1b\[(?:H\x1b\[)?2J[^\0]*layers") - bench.began)
        used.append(bench.seconds_used())
        models.append(bench.until(rb"paused") - bench.began)
        bench.close()
    return {"first_frame_ms": summary(frames), "processor_till_first_frame_ms": summary(used),
            "model_shown_ms": summary(models)}


def drain(bench, painted, until):
    """Takes in what comes until then; the row that was painted with the bar last."""
    last = None
    while (left := until - time.monotonic()) > 0:
        last = (painted.feed(bench.read(left)) or [last])[-1]
    return last


def one_key(bench, painted, name, row):
    """Seconds until the bar is on another row, and that row; row None: it did not come."""
    began = time.monotonic()
    bench.key(name)
    while time.monotonic() - began < 5:
        other = [r for r in painted.feed(bench.read(1)) if r != row]
        if other:
            return time.monotonic() - began, other[-1]
    return 5.0, None


def keys(bench, count):
    """Down six rows, up six rows, and so on."""
    chance, painted, times, lost = random.Random(1), Painted(), [], 0
    row = None
    for i in range(count + 1):
        drain(bench, painted, time.monotonic() + chance.uniform(0.05, 0.35))
        name = b"\x1bOB" if i // 6 % 2 == 0 else b"\x1bOA"
        seconds, row = one_key(bench, painted, name, row)
        lost += row is None
        if i > 0:  # before the first one the bar's row is not known
            times.append(seconds)
    return dict(summary(times), lost=lost)


def redraws(bench, seconds):
    """Bursts of output a second, and the UI thread's share of a core."""
    before, began, bursts, last = bench.seconds_used(bench.process), time.monotonic(), 0, 0.0
    while time.monotonic() - began < seconds:
        if bench.read(0.1):
            bursts += time.monotonic() - last > GAP
            last = time.monotonic()
    passed = time.monotonic() - began
    used = bench.seconds_used(bench.process) - before
    return {"redraws_per_second": round(bursts / passed, 1),
            "ui_share_percent": round(100 * used / passed, 2)}


def training(program, options, count, seconds):
    bench = Workbench(program, *options)
    bench.until(rb"running")
    result = {"load_average": load()}
    before, began = bench.seconds_used(), time.monotonic()
    result["key_ms"] = keys(bench, count)
    used = bench.seconds_used() - before
    result["program_share_percent"] = round(100 * used / (time.monotonic() - began), 1)
    result.update(redraws(bench, seconds))
    bench.key(b"r")
    bench.until(rb"paused")
    drain(bench, Painted(), time.monotonic() + 1)
    before = bench.seconds_used()
    drain(bench, Painted(), time.monotonic() + seconds)
    result["paused_share_percent"] = round(100 * (bench.seconds_used() - before) / seconds, 3)
    bench.close()
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    result = {"processors": os.cpu_count(), "load_average": load()}
    result["start"] = starts(program, options.starts)
    for name, more in TRAININGS.items():
        result[name] = training(program, more, options.keys, options.seconds)
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
