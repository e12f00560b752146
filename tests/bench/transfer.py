#!/usr/bin/env python3
"""Transfer on real pictures: ResNet-20 from CIFAR-10 to five kinds of flowers at 32 pixels, 1,000
pictures to learn from, 500 to validate on, 500 to test on, 8 epochs; what is thawed against accuracy.

    python3 tests/bench/transfer.py build/thaw DATA [--seeds 3] [--jobs 2] [--json FILE]

DATA holds weights/resnet_cifar10/resnet20-12fca82f.th and datasets/flowers5_thumbs. The rate is chosen
for each mask by the mean validation accuracy at the last epoch over the seeds, so that the validation
figures flatter a little; the test pictures are only looked at for the table.
"""
import argparse
import concurrent.futures
import json
import os
import statistics
import subprocess
import tempfile

HEAD = "thaw head"
MASKS = {
    "head": (HEAD, True),
    "layer3 + head": ("thaw layer3, " + HEAD, True),
    "layer2, layer3 + head": ("thaw layer2, thaw layer3, " + HEAD, True),
    "all": ("thaw all", True),
    "from scratch": ("thaw all", False),
}
RATES = [0.01, 0.05, 0.2]

EXPERIMENT = """
name: flowers
model: {{name: resnet20, shortcut: a, weights: "{weights}", new_head: {pretrained}}}
data:
  name: folder
  path: "{flowers}"
  size: 32
  limit: 200
  validation: 100
  test_limit: 100
  mean: [0.485, 0.456, 0.406]
  std: [0.229, 0.224, 0.225]
train: {{epochs: 8, batch: 32}}
freeze: {{rules: [{rules}], bn: {bn}}}
optim: {{name: sgd, lr: {rate}, weight_decay: 1e-4, clip: 1}}
schedule: {{name: one-cycle}}
seed: {seed}
"""


def run(options, job):
    mask, rate, seed = job
    rules, pretrained = MASKS[mask]
    weights = os.path.join(options.data, "weights", "resnet_cifar10", "resnet20-12fca82f.th")
    text = EXPERIMENT.format(
        weights=os.path.abspath(weights) if pretrained else "", rules=rules, rate=rate, seed=seed,
        pretrained="true" if pretrained else "false", bn="frozen" if pretrained else "batch",
        flowers=os.path.abspath(os.path.join(options.data, "datasets", "flowers5_thumbs")))
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "flowers.yaml")
        with open(path, "w") as out:
            out.write(text)
        done = subprocess.run([options.thaw, "run", path, "--json", "--threads", "1", "--out",
                               os.path.join(directory, "run")], capture_output=True, text=True)
    if done.returncode == 1:  # diverged: as bad as can be
        return {"validation": 0.0, "test": 0.0}
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    validation = [line["validation"]["accuracy"] for line in lines if line["kind"] == "epoch"][-1]
    test = [line["test"]["accuracy"] for line in lines if line["kind"] == "test"][-1]
    return {"validation": 100 * validation, "test": 100 * test}


def spread(values):
    return f"{statistics.mean(values):.1f} ± {statistics.stdev(values) if values[1:] else 0:.1f}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("thaw")
    parser.add_argument("data")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json")
    options = parser.parse_args()
    seeds = range(options.seeds)
    jobs = [(mask, rate, seed) for mask in MASKS for rate in RATES for seed in seeds]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = dict(zip(jobs, pool.map(lambda job: run(options, job), jobs)))
    print("| thawed | validation | test | rate |\n|---|---|---|---|")
    for mask in MASKS:
        def of(rate, what):
            return [results[mask, rate, seed][what] for seed in seeds]
        rate = max(RATES, key=lambda r: statistics.mean(of(r, "validation")))
        print(f"| {mask} | {spread(of(rate, 'validation'))} | {spread(of(rate, 'test'))} | {rate:g} |")
    if options.json:
        with open(options.json, "w") as out:
            json.dump([dict(mask=m, rate=r, seed=s, **result)
                       for (m, r, s), result in results.items()], out, indent=1)


if __name__ == "__main__":
    main()
