#!/usr/bin/env python3
"""What to thaw for which task: every strategy on every demonstration task, at the peak learning rate
that does best on validation images, with mean and spread of the test accuracy over seeds.

    python3 tests/bench/strategies.py build/thaw [--seeds 3] [--jobs 2] [--json FILE] [--task NAME]...

The rate is chosen per task and strategy by the mean validation accuracy (200 images) at the last
epoch over the seeds; the test images (2,000, or 797 digits) are only looked at for the table.
"""
import argparse
import concurrent.futures
import json
import os
import statistics
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
EXPERIMENTS = os.path.join(HERE, "..", "..", "models", "experiments")

# Each task: the experiment that it starts from, and what makes it this task.
CLOTHES = "clothes-noise.yaml"
TASKS = {
    "noise": (CLOTHES, ["data.shift=[noise 0.353]"]),
    "contrast": (CLOTHES, ["data.shift=[contrast 0.3]"]),
    "blur": (CLOTHES, ["data.shift=[blur 5]"]),
    "invert": (CLOTHES, ["data.shift=[invert]"]),
    "relabelled": ("clothes-relabelled.yaml", []),
    "digits": ("fashion-to-digits.yaml", []),
}
HEAD, FIRST = "thaw head", "thaw conv1, thaw bn1, thaw layer1"
STRATEGIES = {
    "head": HEAD,
    "layer3 + head": "thaw layer3, " + HEAD,
    "first": FIRST,
    "first + head": FIRST + ", " + HEAD,
    "all": "thaw all",
}
RATES = [0.0005, 0.002, 0.01, 0.05, 0.2]


def run(thaw, job):
    task, strategy, rate, seed = job
    experiment, sets = TASKS[task]
    sets = sets + [f"freeze.rules=[{STRATEGIES[strategy]}]", f"optim.lr={rate}", f"seed={seed}"]
    with tempfile.TemporaryDirectory() as directory:
        command = [thaw, "run", os.path.join(EXPERIMENTS, experiment), "--json", "--threads", "1",
                   "--out", os.path.join(directory, "run")]
        for s in sets:
            command += ["--set", s]
        done = subprocess.run(command, capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0:  # diverged: as bad as can be
        return {"validation": 0.0, "test": 0.0, "diverged": True}
    validation = [line["validation"]["accuracy"] for line in lines if line["kind"] == "epoch"][-1]
    test = [line["test"]["accuracy"] for line in lines if line["kind"] == "test"][-1]
    return {"validation": 100 * validation, "test": 100 * test, "diverged": False}


def cell(results, task, strategy, seeds):
    """The best rate on validation images, and the test accuracy there."""
    def mean(rate):
        return statistics.mean(results[task, strategy, rate, s]["validation"] for s in seeds)
    rate = max(RATES, key=mean)
    tests = [results[task, strategy, rate, s]["test"] for s in seeds]
    spread = statistics.stdev(tests) if len(tests) > 1 else 0.0
    return {"rate": rate, "mean": statistics.mean(tests), "spread": spread, "tests": tests}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("thaw")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json")
    parser.add_argument("--task", action="append", choices=list(TASKS))
    options = parser.parse_args()
    tasks, seeds = options.task or list(TASKS), range(options.seeds)
    jobs = [(t, s, r, seed) for t in tasks for s in STRATEGIES for r in RATES for seed in seeds]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = dict(zip(jobs, pool.map(lambda job: run(options.thaw, job), jobs)))
    table = {t: {s: cell(results, t, s, seeds) for s in STRATEGIES} for t in tasks}
    if options.json:
        rows = [dict(task=j[0], strategy=j[1], rate=j[2], seed=j[3], **r)
                for j, r in results.items()]
        with open(options.json, "w") as out:
            json.dump({"table": table, "runs": rows}, out, indent=1)
    print("| target | " + " | ".join(STRATEGIES) + " |")
    print("|---|" + "---|" * len(STRATEGIES))
    for t in tasks:
        best = max(table[t].values(), key=lambda c: c["mean"])
        cells = []
        for s in STRATEGIES:
            c = table[t][s]
            text = f"{c['mean']:.1f} ± {c['spread']:.1f}"
            cells.append((f"**{text}**" if c is best else text) + f" ({c['rate']:g})")
        print(f"| {t} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
