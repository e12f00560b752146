#!/usr/bin/env python3
"""Runs as files: a session is done again to the same bits, played again, and taken up."""
import os

from terminal import ALL, check, main, same

SOURCE = os.environ["THAW_SOURCE"]
NOISE = os.path.join(SOURCE, "models", "experiments", "clothes-noise.yaml")
LABELS = os.path.join(SOURCE, "models", "experiments", "clothes-relabelled.yaml")
FEW = "--set data.test_limit=10"  # the test images at the end take their time


def pause(t):
    t.keys("r")
    t.wait("^ paused ")


def finish(t):
    t.keys("r")
    t.wait("^ finished ")


def same_bits(t, one, other):
    same(t.bytes(one, "last.safetensors") == t.bytes(other, "last.safetensors"), True,
         f"{one} and {other} have the same weights")


def session_done_again(t):
    """By hand: thaw, freeze, another rate, take back; to the end; back, and another end."""
    t.thaw(f"--paused --out hand --set train.epochs=8 {FEW}")
    t.steps(5)
    t.words("thaw conv1; thaw layer1; thaw layer2.0")
    t.wait(lambda: t.row("layer1").startswith("◊ "))
    t.keys("r")
    t.wait("^ running ")
    t.keys("Home", "Down", "Down", "Down", "Space")  # layer1, while it trains
    t.wait(lambda: t.row("layer1").startswith("▮ "))
    t.words("lr 0.1")
    pause(t)
    t.keys("+", "u")
    t.steps(1)
    finish(t)
    first = t.bytes("hand", "last.safetensors")
    t.keys("[", "[", "[", "Enter")
    t.wait("what happens from here is a new branch")
    t.keys("Home", "Down", "Down", "Space")  # bn1
    t.wait(lambda: t.row("bn1").startswith("◊ "))
    finish(t)
    t.keys("q")
    check("done; the weights are in hand" in t.left(), "no word on the weights")
    t.command("thaw run --quiet --events hand --out again")
    same_bits(t, "hand", "again")
    t.command("thaw run --quiet --events hand --branch 0 --out again-0")
    same(t.bytes("again-0", "last.safetensors") == first, True, "branch 0 has the same weights")
    check(first != t.bytes("hand", "last.safetensors"), "both branches ended alike")


def taken_up_and_finished(t):
    t.thaw(f"--out part --set train.epochs=8 {ALL} {FEW}")
    t.wait(lambda: t.step() > 4)
    t.keys("q", "s")
    t.left()
    for _ in range(2):  # in the middle of an epoch, too
        t.thaw("part")
        t.wait("taken up where it stopped; r goes on")
        check(t.step() > 4, "it began anew")
        t.steps(3)
        t.keys("q", "s")
        t.left()
    t.thaw("part")
    finish(t)
    t.keys("q")
    t.left()
    t.command("thaw run --quiet part/experiment.yaml --out whole")
    same_bits(t, "part", "whole")


def played_again(t):
    t.command(f"thaw run --quiet {NOISE} --set train.epochs=4 {FEW} --out done")
    before = t.files("done"), t.bytes("done", "events.jsonl")
    t.thaw("replay done --paused")
    t.wait("clothes-noise, a replay$")
    same(t.step(), 0, "step")
    t.words("speed 2")
    t.keys("r")
    t.wait("^ running ")
    t.wait(lambda: t.step() >= 2)
    pause(t)
    t.words("rewind 10")
    t.wait(lambda: t.step() == 10)
    t.wait(r"accuracy .*validation \d+\.\d%")
    t.keys("[", "Enter")
    t.wait(lambda: t.step() < 10)
    t.words("thaw layer1")
    t.wait("replay")
    t.words("speed 1000")
    finish(t)
    same(t.step(), 16, "step")
    t.keys("q")
    t.left()
    same((t.files("done"), t.bytes("done", "events.jsonl")), before, "the run's files")


def another_one_opened(t):
    t.command(f"thaw run --quiet {LABELS} --set train.epochs=2 {FEW} --out runs/other")
    t.thaw("--paused")
    t.steps(5)
    t.keys("5")
    t.wait("runs/other .* 2/2 .* finished")
    t.words("open runs/nowhere")
    t.wait("'runs/nowhere' is not the directory of a run; write `open RUN`")
    t.words("open runs/other")
    t.wait(r"Stop training\?")
    t.keys("s")
    t.wait("^ 1 train .* clothes-relabelled$")
    t.wait("^ finished ")
    t.keys("q")
    t.left()


main(session_done_again, taken_up_and_finished, played_again, another_one_opened)
