#!/usr/bin/env python3
"""FreezeOut against training everything: what it gains, beside the ceiling of what it could.

    python3 tests/bench/freezeout.py build/thaw build/tests/bench-step [--rounds 3] [--starts 0.8,0.5]

Runs the demonstration on 700 noisy pictures (15 epochs, BatchNorm by the batch where thawed) with
everything thawed and by FreezeOut, in turns, on one thread; a run's time is the processor's, to
which other programs do less than to the clock's, and nearly all of it is training: there is almost
nothing to evaluate on. `measured` is the quickest run of everything by the quickest of FreezeOut,
in brackets the least and the largest ratio of a round.

`ceiling`: the quickest time of every node and pass with everything thawed (bench-step), summed over
what the plan of each stage still does, and the update. In the first epoch of a stage the frozen
prefix is computed, after it its features are there.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

EPOCHS, SAMPLES, BATCH = 15, 700, 32
STEPS = EPOCHS * -(-SAMPLES // BATCH)
KEYS = [f"train.epochs={EPOCHS}", f"train.batch={BATCH}", f"data.limit={SAMPLES // 10}", "data.validation=1",
        "data.test_limit=1", "train.evaluate_every=100", "freeze.rules=[thaw all]", "freeze.bn=batch",
        "schedule.name=cosine", "optim.lr=0.05"]


def sets(start):
    own = ["strategy.name=freezeout", f"strategy.start={start}"] if start else ["strategy.name=full"]
    return [word for key in KEYS + own for word in ("--set", key)]


def write_experiment(folder):
    path = os.path.join(folder, "experiment.yaml")
    source = os.path.join(os.path.dirname(__file__), "../../models/experiments/clothes-noise.yaml")
    with open(source) as given, open(path, "w") as out:
        out.write(given.read())
    return path


def run_seconds(thaw, experiment, start, out):
    before = os.times()
    subprocess.run([thaw, "run", experiment, "--out", out, "--threads", "1", "--quiet", *sets(start)],
                   check=True)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def stages(thaw, experiment, start):
    """Pairs of a first step and the names that are frozen from then on."""
    text = subprocess.run([thaw, "schedule", experiment, *sets(start)], check=True, capture_output=True,
                          text=True).stdout
    frozen, result = [], [(0, [])]
    for percent, what in re.findall(r"([0-9.]+)% -> (freeze [^\n\"']*)", text):
        frozen = frozen + re.findall(r"freeze ([^;,\s\"'\]]+)", what)
        result.append((round(float(percent) / 100 * STEPS), frozen))
    return result


def blocks(thaw, experiment):
    """conv1, bn1, layer1.0, ..., linear."""
    shown = json.loads(subprocess.run([thaw, "show", experiment, "--json"], check=True, capture_output=True,
                                      text=True).stdout)
    return [m["name"] for m in shown["modules"] if re.fullmatch(r"conv1|bn1|linear|layer\d\.\d", m["name"])]


def planned(bench, thawed, cached):
    """Seconds of a step with these blocks thawed, by the quickest of every node and pass."""
    command = [bench, "resnet20", "--batch", str(BATCH), "--size", "28", "--classes", "10", "--threads", "1",
               "--serve", *(["--cached"] if cached else [])]
    for name in thawed:
        command += ["--thaw", name]
    done = subprocess.run(command, input="\n" * 5, check=True, capture_output=True, text=True).stdout
    found = json.loads(done.splitlines()[-1])
    return found["planned"] + found["update"]


def ceiling(bench, all_blocks, plan):
    whole = planned(bench, all_blocks, False) * STEPS
    total, ends = 0, [first for first, _ in plan[1:]] + [STEPS]
    for (first, frozen), end in zip(plan, ends):
        thawed = [b for b in all_blocks if b not in frozen]
        count, epoch = end - first, STEPS // EPOCHS
        if count <= 0 or not thawed:
            continue
        total += planned(bench, thawed, False) * min(count, epoch)
        if count > epoch:
            total += planned(bench, thawed, bool(frozen)) * (count - epoch)
    return whole / total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("thaw")
    parser.add_argument("bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--starts", default="0.8,0.5")
    asked = parser.parse_args()
    starts = [float(s) for s in asked.starts.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        experiment = write_experiment(folder)
        times = {start: [] for start in [None] + starts}
        for turn in range(asked.rounds):
            for start, seconds in times.items():
                seconds.append(run_seconds(asked.thaw, experiment, start, f"{folder}/{start}-{turn}"))
                print(f"{start or 'everything'}: {seconds[-1]:.2f} s", file=sys.stderr)
        names = blocks(asked.thaw, experiment)
        print("| strategy.start | measured | ceiling | reached |\n|---|---|---|---|")
        for start in starts:
            ratios = [a / b for a, b in zip(times[None], times[start])]
            measured = min(times[None]) / min(times[start])
            most = ceiling(asked.bench, names, stages(asked.thaw, experiment, start))
            print(f"| {start} | {measured:.2f} ({min(ratios):.2f} to {max(ratios):.2f}) | {most:.2f} | "
                  f"{100 * measured / most:.0f} % |")


if __name__ == "__main__":
    main()
