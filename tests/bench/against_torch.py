#!/usr/bin/env python3
"""Training steps of thaw and of PyTorch on the same work, in turns: a JSON and a Markdown table.

    python3 tests/bench/against_torch.py build/tests/bench-step [--only NAME] [--rounds 8]
            [--out DIR] [--threads 2] [--isa avx2]

Needs torch and torchvision (Debian: python3-torchvision) and `ninja -C build tests/bench-step`.
--only: works whose name contains this text. --isa: thaw by its kernels for avx2, PyTorch limited
likewise. With --threads 1 a step's time is the processor's, to which other programs do less than to
the clock's.

Each work is a network, a batch and what is thawed. Both sides are processes of their own that wait
while the other one works: a round is some steps of thaw, then as many of PyTorch. The first round is
not counted. `ratio` is PyTorch's quickest step over thaw's quickest, in brackets the least and the
largest ratio of the rounds' medians. PyTorch is tuned as well as it can be: channels_last, torch.nn's own encoder layers, an
allocator that keeps its memory, the same number of threads, frozen BatchNorm by stored statistics,
gradients only of what is thawed.

`ceiling` is how much quicker a step could be than with everything thawed: the quickest time of every
node and pass, summed over what the plan still does, and the update. `reached` is the share of that
which the step's measured gain is.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

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


def works(only):
    for model, batch, size, classes, masks in NETWORKS:
        for mask in masks:
            words = mask.split()
            work = {"name": f"{model} @{size}, batch {batch}: {mask}", "model": model,
                    "batch": batch, "size": size, "classes": classes,
                    "thaw": [w for w in words if w != "cached"], "cached": "cached" in words}
            if only in work["name"]:
                yield work


class Side:
    """A process that does a step for every line it is sent."""

    def __init__(self, command, environment, clock):
        self.clock = clock  # which of the two times of a step counts
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.expect("ready")
        self.rounds = []

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"against_torch: {self.process.args[0]} ended")
        return line.strip()

    def expect(self, word):
        if self.line() != word:
            sys.exit(f"against_torch: {self.process.args[0]} is not ready")

    def turn(self, steps):
        seconds = []
        for _ in range(steps):
            self.process.stdin.write("step\n")
            self.process.stdin.flush()
            seconds.append(float(self.line().split()[self.clock]))
        self.rounds.append(seconds)

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
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    kept.update(MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_=str(1 << 40),
                MALLOC_TOP_PAD_=str(64 << 20))
    if isa:
        kept.update(THAW_ISA=isa, DNNL_MAX_CPU_ISA=isa.upper(), ATEN_CPU_CAPABILITY=isa)
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


def measure(program, work, arguments):
    thaw, torch = sides(program, work, arguments.threads, arguments.isa)
    steps = 50 if work["cached"] else 3
    for _ in range(arguments.rounds + 1):
        thaw.turn(steps)
        torch.turn(steps)
    thaw, torch = thaw.end(), torch.end()
    ratios = [b / a for a, b in zip(thaw["medians"], torch["medians"])]
    return dict(work, thaw=thaw, torch=torch, ratio=torch["quickest"] / thaw["quickest"],
                ratios=[min(ratios), max(ratios)],
                memory=thaw["peak_bytes"] / torch["peak_bytes"])


def add_ceilings(results):
    """Of every mask, against the same network with everything thawed."""
    for result in results:
        full = next((r for r in results if r["model"] == result["model"] and r["thaw"] == ["all"]),
                    None)
        if not full or full is result:
            continue
        a, b = full["thaw"], result["thaw"]
        # By the times of one process, so that both sums saw the same machine.
        scale = b["all_thawed"] / a["all_thawed"]
        result["ceiling"] = (b["all_thawed"] + scale * a["update"]) / (b["planned"] + b["update"])
        result["gain"] = a["quickest"] / b["quickest"]
        result["reached"] = result["gain"] / result["ceiling"]


def table(results):
    rows = ["| work: thawed | thaw, images/s | PyTorch | ratio | peak memory, MiB "
            "| of PyTorch's | faster than all thawed | ceiling | reached |",
            "|---|---|---|---|---|---|---|---|---|"]
    for r in results:
        row = [r["name"], f"{r['batch'] / r['thaw']['quickest']:.0f}",
               f"{r['batch'] / r['torch']['quickest']:.0f}",
               f"**{r['ratio']:.2f}** ({r['ratios'][0]:.2f}-{r['ratios'][1]:.2f})",
               f"{r['thaw']['peak_bytes'] / 2**20:.0f}", f"{r['memory']:.2f}"]
        row += ([f"{r['gain']:.2f}", f"{r['ceiling']:.2f}", f"{100 * r['reached']:.0f} %"]
                if "gain" in r else ["", "", ""])
        rows.append("| " + " | ".join(row) + " |")
    return "\n".join(rows) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--out")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--isa")
    arguments = parser.parse_args()
    results = []
    for work in works(arguments.only):
        results.append(measure(arguments.program, work, arguments))
        print(f"{work['name']}: {results[-1]['ratio']:.2f}", file=sys.stderr)
    add_ceilings(results)
    print(table(results), end="")
    if arguments.out:
        os.makedirs(arguments.out, exist_ok=True)
        with open(os.path.join(arguments.out, "against_torch.json"), "w") as file:
            json.dump(results, file, indent=1)
        with open(os.path.join(arguments.out, "against_torch.md"), "w") as file:
            file.write(table(results))


if __name__ == "__main__":
    main()
