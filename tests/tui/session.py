#!/usr/bin/env python3
"""What a person does in a session: watch, freeze, thaw, go back, ask."""
import re

from terminal import ALL, check, main, same

# Steps of some tenths of a second, so that a change is seen to wait for the end of one.
SLOW = ALL + " --set data.limit=60 --set train.batch=512"


def percent(t, curve):
    """What the accuracy panel says of a curve now, in percent; None when it says nothing."""
    found = t.sees(rf"accuracy .*{curve} (\d+\.\d)%")
    return found and float(found.group(1))


def pause(t):
    t.keys("r")
    t.wait(r"^ paused ")


def go_on(t):
    t.keys("r")
    t.wait(r"^ running ")


def demonstration_starts_and_stops(t):
    t.thaw()
    t.wait("^ 1 train  2 layers  3 schedule  4 data  5 runs  6 log .*clothes-noise$")
    t.wait(lambda: t.step() > 8)
    t.wait(r"accuracy .*train \d+\.\d% .*validation \d+\.\d%")
    t.keys("q")
    t.wait(r"^ Stop training\? +s save and stop +d stop without saving +Esc go on")
    t.keys("Escape")
    t.gone(r"Stop training\?")
    t.keys("q", "s")
    found = re.search(r"^stopped after step \d+; go on with: thaw (\S+)$", t.left(), re.MULTILINE)
    check(found, "no word on how to go on")
    check(any(n.startswith("state") for n in t.files(found[1])), "no state to go on from")


def a_change_waits_for_the_step(t):
    t.thaw(SLOW)
    t.wait(lambda: t.step() > 0)
    t.keys("Home", "Down")
    same(t.row("conv1")[0], "◊", "mark")

    def seen_waiting():
        before = t.row("conv1")[0]
        t.keys("Space")
        t.wait(lambda: t.row("conv1")[0] != before)
        return t.row("conv1")[1] == "⋯" and t.sees("⋯ waiting for the step to end")

    t.wait(seen_waiting)  # a step may end in that very moment: then again
    t.wait(lambda: t.row("conv1")[1] == " ")
    done = {"▮": "freeze", "◊": "thaw"}[t.row("conv1")[0]]
    pause(t)
    t.keys("6")
    t.wait(rf"^ +\d+  user: {done} conv1$")
    t.keys("q", "d")
    t.left()


def prediction_then_measure(t):
    t.thaw("--paused " + ALL)
    t.steps(6)
    t.keys("Home", "Down", "Down", "Down")
    t.wait("^── space: freeze layer1 ─")
    t.wait(r"^trains +272k → 258k of 272k ")
    t.wait(r"^backward \S+ → \S+ FLOPs a sample ")
    t.wait(r"^memory +[\d.]+ MiB")
    predicted = t.wait(r"^speed +at most ([\d.]+)× as fast").group(1)
    t.keys("Space")
    t.wait("^── space: thaw layer1 ─")
    go_on(t)
    measured = t.wait(r"^measured ([\d.]+)× as fast, FLOPs: ([\d.]+)×")
    same(measured.group(2), predicted, "what the FLOPs said")
    check(float(measured.group(1)) > 0, "nothing measured")
    t.keys("q", "d")
    t.left()


def new_user_finds_what_to_thaw(t):
    t.thaw("--paused")
    t.steps(60)
    check(t.wait(lambda: percent(t, "validation")) < 60, "the head alone is too good")
    t.keys("Home", "Down", "v", "Down", "Down")
    t.wait("^── space: thaw conv1; thaw bn1; thaw la")
    t.keys("Space")
    t.wait(lambda: all(t.row(layer)[0] == "◊" for layer in ("conv1", "bn1", "layer1")))
    t.wait(r"^ 14\.8 k of 272 k thawed")
    go_on(t)
    t.wait(lambda: percent(t, "validation") > 62)
    t.wait("┊thaw co")  # a line in the plots
    t.keys("q", "d")
    t.left()


def back_in_time_is_a_new_branch(t):
    t.thaw("--paused " + ALL)
    t.steps(20)
    t.keys("[")
    step = t.wait(r"^ step (\d+) of branch 0: Enter goes back there, Esc stays here").group(1)
    t.keys("Enter")
    t.wait(rf"^ back at step {step} of branch 0; what happens from here is a new branch")
    same(t.step(), int(step), "step")
    go_on(t)
    t.wait(lambda: t.step() > int(step) + 8)
    pause(t)
    t.wait(rf"↳ branch 1, from step {step} of branch 0")
    t.resize(200, 60)
    t.wait(r"loss .*train \S+ .*branch 0 ")
    t.keys("q", "d")
    t.left()


def divergence_pauses_and_goes_back(t):
    t.thaw("--paused")
    t.steps(9)
    t.words("lr x1e6")
    go_on(t)
    found = t.wait(r"the loss is not finite at step (\d+): the first bad value is in ([^;]+); "
                   r"Enter goes back to step (\d+)")
    check(found.group(2) in ("linear", "the loss"), f"the bad value is in {found.group(2)}")
    check(int(found.group(3)) < int(found.group(1)), "it goes on to the past")
    t.wait("^ paused ")
    t.keys("Enter")
    t.wait(rf"^ back at step {found.group(3)} of branch 0")
    t.words("lr 0.01")
    go_on(t)
    t.wait("↳ branch 1")
    t.keys("q", "d")
    t.left()


def words_and_help(t):
    t.thaw("--paused")
    t.text(":fre")
    t.keys("Tab")
    t.wait("^:freeze")
    t.text("layer3.1.c")
    t.keys("Tab")
    t.wait(r"^:freeze layer3\.1\.conv\d")
    t.keys("C-u")
    t.text("thwa layer1")
    t.keys("Enter")
    t.wait("there is no command 'thwa'; did you mean thaw")
    t.words("thaw layr1")
    t.wait("layer1")
    t.words("thaw layer1")
    t.wait(lambda: t.row("layer1")[0] == "◊")
    t.keys("?")
    t.wait(r"space +freeze or thaw this row")
    t.wait("^ any key closes this")
    t.keys("Escape")
    t.gone("any key closes this")
    t.text("/conv2")
    t.wait(lambda: not t.sees(r"^\S\S? *[▸▾]? *(conv1|bn1|linear) "))
    t.keys("Enter")
    t.wait("^ +/conv2")
    t.wait("conv2")
    t.keys("Escape")
    t.row("linear")
    t.keys("q")
    t.left()


def clicks(t):
    t.thaw("--paused")
    tabs = t.wait("^ 1 train  2 layers .* 6 log").group()
    t.mouse(0, tabs.index("6 log") + 2)
    t.wait("^ +step  what happened")
    t.mouse(0, tabs.index("1 train"))
    t.row("layer2")
    t.mouse(next(i for i, r in enumerate(t.rows()) if re.match(r"^▮ +▾ layer2 ", r)), 6)
    t.wait("^── space: thaw layer2 ─")
    t.keys("q")
    t.left()


main(demonstration_starts_and_stops, a_change_waits_for_the_step, prediction_then_measure,
     new_user_finds_what_to_thaw, back_in_time_is_a_new_branch, divergence_pauses_and_goes_back,
     words_and_help, clicks)
