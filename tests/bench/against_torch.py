#!/usr/bin/env python3
"""Training steps of thaw and of PyTorch on the same work, in turns: a JSON and a Markdown table.

    python3 tests/bench/against_torch.py build/tests/bench-step [--only NAME] [--rounds 8]
            [--threads 2] [--isa avx2] [--growth] [--out DIR]

Needs torch and torchvision (Debian: python3-torchvision). Everything takes some 20 minutes on two
cores; what is measured so far is always in DIR (against_torch.json, .md; with --growth growth.json,
.md), by default beside the program. A work that fails is told and passed over; the exit code then
is 1. --only: works whose name contains this text. --isa: thaw by its kernels for avx2, PyTorch
limited likewise, which is checked in its process. With --threads 1 a step's time is the
processor's, to which other programs do less than to the clock's. --growth: in place of that, how
the time of a step with everything thawed grows with batch, image size, depth and threads.

Each work is a network, a batch and what is thawed. Both sides are processes of their own that wait
while the other one works: a round is some steps of thaw, then as many of PyTorch. The first round is
not counted. `ratio` is PyTorch's quickest step over thaw's quickest, in brackets the least and the
largest ratio of the rounds' medians. PyTorch is tuned as well as it can be: channels_last,
torch.nn's own encoder layers, an allocator that keeps its memory, the same number of threads,
frozen BatchNorm by stored statistics, gradients only of what is thawed.

Memory is the most that a process had in memory at any time (VmHWM), of either side; `own` is that
without what it had before it built the network, which for PyTorch are its libraries.

`faster than all thawed` is the step with everything thawed, in the same process of thaw behind the
rounds, over this one; `ceiling` is how much faster it could be: the quickest time of every node and
pass and of the update, summed over a plan with everything thawed, over the same sum of this plan.
`reached` is the share of the ceiling that the measured gain is.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE = 900  # seconds for a step, or for building a network

# Network, batch, size, classes, masks: what is thawed, "cached" with what the prefix computes given.
NETWORKS = [
    ("resnet18", 16, 224, 1000, ["all", "layer4 fc", "fc", "fc cached"]),
    ("resnet20", 128, 32, 10, ["all", "layer3 linear", "linear", "linear cached"]),
    ("resnet50", 8, 224, 1000, ["all", "layer4 fc", "fc"]),
    ("vgg11_bn", 8, 224, 1000, ["all", "classifier", "classifier.6"]),
    ("mobilenet_v2", 16, 224, 1000, ["all", "classifier"]),
    ("bert-base", 8, 128, 2, ["all", "bert.encoder.layer.10 bert.encoder.layer.11 bert.pooler "
                              "classifier", "classifier", "classifier cached"]),
]

# What is varied, and network, batch, size.
GROWTH = [
    ("batch", [("resnet18", n, 224) for n in (2, 4, 8, 16, 32)]),
    ("image size", [("resnet18", 8, size) for size in (64, 96, 128, 160, 224, 288)]),
    ("depth", [(name, 4, 224) for name in ("resnet18", "resnet34", "resnet50", "resnet101")]),
]


class Failed(Exception):
    pass


def work_of(model, batch, size, classes, mask):
    words = mask.split()
    return {"name": f"{model} @{size}, batch {batch}: {mask}", "model": model, "batch": batch,
            "size": size, "classes": classes, "thaw": [w for w in words if w != "cached"],
            "cached": "cached" in words}


def works(only):
    for model, batch, size, classes, masks in NETWORKS:
        for mask in masks:
            work = work_of(model, batch, size, classes, mask)
            if only in work["name"]:
                yield work


class Side:
    """A process that does a step for every line it is sent."""

    def __init__(self, command, environment, clock):
        self.clock = clock  # which of the two times of a step counts
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.rounds = []

    def line(self):
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if not line:
            raise Failed(f"{' '.join(self.process.args[:3])} ended without an answer")
        return line.strip()

    def expect(self, word):
        if self.line() != word:
            raise Failed(f"{self.process.args[0]} is not ready")

    def turn(self, steps):
        seconds = []
        for _ in range(steps):
            self.process.stdin.write("step\n")
            self.process.stdin.flush()
            seconds.append(float(self.line().split()[self.clock]))
        self.rounds.append(seconds)
        return min(seconds)

    def end(self):
        self.process.stdin.close()
        report = json.loads(self.line())
        self.process.wait()
        counted = self.rounds[1:]
        report["quickest"] = min(min(seconds) for seconds in counted)
        report["medians"] = [statistics.median(seconds) for seconds in counted]
        return report


def environment(isa):
    """Without presets that slow BLAS; an allocator that does not give memory back at every step."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("OPENBLAS_", "DNNL_", "ONEDNN_", "ATEN_", "THAW_", "OMP_"))}
    kept.update(MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_=str(1 << 40),
                MALLOC_TOP_PAD_=str(64 << 20))
    if isa:
        kept.update(THAW_ISA=isa, DNNL_MAX_CPU_ISA=isa.upper(), ONEDNN_MAX_CPU_ISA=isa.upper(),
                    ATEN_CPU_CAPABILITY=isa)
        if isa == "avx2":
            kept.update(OPENBLAS_CORETYPE="Haswell")
    return kept


def sides(program, work, threads, isa):
    options = {"batch": work["batch"], "size": work["size"], "classes": work["classes"],
               "threads": threads}
    command = [program, work["model"], "--serve"]
    for key, value in options.items():
        command += [f"--{key}", str(value)]
    for pattern in work["thaw"]:
        command += ["--thaw", pattern]
    if work["cached"]:
        command.append("--cached")
    torch = [sys.executable, os.path.join(HERE, "torch_step.py"),
             json.dumps(dict(work, threads=threads))]
    own = {k: v for k, v in environment(isa).items() if not k.startswith("MALLOC_")}
    clock = 1 if threads == 1 else 0
    return Side(command, own, clock), Side(torch, environment(isa), clock)


def check_isa(isa, torch):
    """That PyTorch and what it multiplies by were limited, as far as they tell."""
    wanted = {"aten": "AVX2", "onednn": 7, "openblas": "Haswell"}  # 7: dnnl_cpu_isa_avx2
    for part, value in wanted.items():
        if isa == "avx2" and torch["isa"][part] not in (value, None):
            raise Failed(f"PyTorch's {part} is not limited: {torch['isa'][part]}")


def take_turns(thaw, torch, rounds):
    """Rounds of about half a second of each side, of at least three steps."""
    thaw.expect("ready")
    torch.expect("ready")
    slowest = max(thaw.turn(3), torch.turn(3))
    steps = max(3, min(200, int(0.5 / slowest)))
    for _ in range(rounds):
        thaw.turn(steps)
        torch.turn(steps)


def measure(program, work, threads, rounds, isa):
    thaw, torch = pair = sides(program, work, threads, isa)
    try:
        take_turns(thaw, torch, rounds)
        thaw, torch = thaw.end(), torch.end()
    finally:
        for side in pair:
            side.process.kill()
            side.process.wait()
    check_isa(isa, torch)
    ratios = [b / a for a, b in zip(thaw["medians"], torch["medians"])]
    result = dict(work, threads=threads, thaw=thaw, torch=torch,
                  ratio=torch["quickest"] / thaw["quickest"], ratios=[min(ratios), max(ratios)],
                  memory=thaw["peak_bytes"] / torch["peak_bytes"],
                  own_memory=own(thaw) / own(torch))
    if work["thaw"] != ["all"]:
        result["gain"] = thaw["all_step"] / thaw["quickest"]
        result["ceiling"] = thaw["all_thawed"] / thaw["planned"]
        result["reached"] = result["gain"] / result["ceiling"]
    return result


def own(report):
    return max(report["peak_bytes"] - report["idle_bytes"], 1)


def mebibytes(count):
    return f"{count / 2**20:.0f}"


def rate(r, side):
    return f"{r['batch'] / r[side]['quickest']:,.0f}"


def table(results):
    rows = ["| work: thawed | thaw, samples/s | PyTorch | ratio | peak memory, MiB | of PyTorch's "
            "| own, MiB | of PyTorch's | faster than all thawed | ceiling | reached |",
            "|---|---|---|---|---|---|---|---|---|---|---|"]
    for r in results:
        if "failed" in r:
            rows.append(f"| {r['name']} | failed: {r['failed']} " + "| " * 10)
            continue
        row = [r["name"], rate(r, "thaw"), rate(r, "torch"),
               f"**{r['ratio']:.2f}** ({r['ratios'][0]:.2f}-{r['ratios'][1]:.2f})",
               mebibytes(r["thaw"]["peak_bytes"]), f"{r['memory']:.2f}",
               mebibytes(own(r["thaw"])), f"{r['own_memory']:.2f}"]
        row += ([f"{r['gain']:.2f}", f"{r['ceiling']:.2f}", f"{100 * r['reached']:.0f} %"]
                if "gain" in r else ["", "", ""])
        rows.append("| " + " | ".join(row) + " |")
    return "\n".join(rows) + "\n"


def growth_table(results):
    rows = ["| varied | network, size, batch, threads | thaw, ms a sample | PyTorch | ratio |",
            "|---|---|---|---|---|"]
    for r in results:
        what = f"{r['model']} @{r['size']}, batch {r['batch']}, {r.get('threads', '')}"
        if "failed" in r:
            rows.append(f"| {r['varied']} | {what} | failed: {r['failed']} | | |")
            continue
        each = [1e3 * r[side]["quickest"] / r["batch"] for side in ("thaw", "torch")]
        rows.append(f"| {r['varied']} | {what} | {each[0]:.2f} | {each[1]:.2f} "
                    f"| {r['ratio']:.2f} |")
    return "\n".join(rows) + "\n"


def growth(threads):
    """Works, each with the number of threads and what it varies."""
    for varied, points in GROWTH:
        for model, batch, size in points:
            yield dict(work_of(model, batch, size, 1000, "all"), varied=varied), threads
    for count in range(1, threads + 1):
        work = work_of("resnet18", 8, 224, 1000, "all")
        # On one thread, too, by the clock: the processor's time would not compare.
        yield dict(work, varied="threads"), count


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return {"processor": names[0] if names else platform.processor(),
            "processors": os.cpu_count(), "load": os.getloadavg()[0]}


def write(path, results, text, arguments):
    """What there is so far; whole files only."""
    document = {"machine": machine(), "threads": arguments.threads, "isa": arguments.isa,
                "rounds": arguments.rounds, "results": results}
    for name, content in ((path + ".json", json.dumps(document, indent=1)), (path + ".md", text)):
        with open(name + ".new", "w", encoding="utf-8") as file:
            file.write(content)
        os.replace(name + ".new", name)


def run(arguments):
    """All works in order; whether all went well."""
    results = []
    make = growth_table if arguments.growth else table
    path = os.path.join(arguments.out, "growth" if arguments.growth else "against_torch")
    todo = (growth(arguments.threads) if arguments.growth
            else ((work, arguments.threads) for work in works(arguments.only)))
    for work, threads in todo:
        if arguments.only not in work["name"]:
            continue
        try:
            results.append(measure(arguments.program, work, threads, arguments.rounds,
                                   arguments.isa))
            print(f"{work['name']}: {results[-1]['ratio']:.2f}", file=sys.stderr, flush=True)
        except (Failed, OSError, ValueError, KeyError) as error:
            results.append(dict(work, threads=threads, failed=str(error)))
            print(f"against_torch: {work['name']}: {error}", file=sys.stderr, flush=True)
        write(path, results, make(results), arguments)
    print(make(results), end="")
    print(f"against_torch: {path}.json, {path}.md", file=sys.stderr)
    return not any("failed" in r for r in results)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--out")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--isa")
    parser.add_argument("--growth", action="store_true")
    arguments = parser.parse_args()
    if not os.access(arguments.program, os.X_OK):
        sys.exit(f"against_torch: {arguments.program}: no such program; ninja -C build makes it")
    arguments.program = os.path.abspath(arguments.program)
    arguments.out = arguments.out or os.path.dirname(arguments.program)
    os.makedirs(arguments.out, exist_ok=True)
    busy = os.getloadavg()[0] > 0.5
    if busy:
        print("against_torch: other programs are busy, so these times are noisy", file=sys.stderr)
    sys.exit(0 if run(arguments) else 1)


if __name__ == "__main__":
    main()
