#!/usr/bin/env python3
"""What the terminal looks like when a person leaves, comes back, resizes, or has a plain one."""
import os
import random
import re
import signal
import subprocess

from terminal import ALL, COLUMNS, ROWS, check, main, same

# A colour in the numbers of an escape sequence; bold (1), reverse (7) and the like are none.
COLOUR = r"\033\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]"


def train(t):
    t.thaw(ALL)
    t.wait(lambda: t.step() > 4)


def send(t, number):
    os.kill(t.program(), number)


def keys_that_leave(t):
    train(t)
    t.keys("q", "s")
    check(re.search("go on with: thaw runs/", t.left()), "no word on how to go on")
    train(t)
    t.keys("q", "d")
    check(re.search("^left at step ", t.left(), re.MULTILINE), "no word on what is lost")
    train(t)
    t.keys("C-c")
    check(re.search("go on with: thaw runs/", t.left(130)), "no word on how to go on")


def signals_that_leave(t):
    for number in (signal.SIGTERM, signal.SIGHUP):
        train(t)
        send(t, number)
        check(re.search("go on with: thaw runs/", t.left(130)), "no word on how to go on")


def crashes_give_the_terminal_back(t):
    for number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGQUIT):
        train(t)
        send(t, number)
        check(t.ended() != 0, f"exit code after {number.name}")
        t.given_back()


def suspended_and_back(t):
    def goes_on():
        t.wait("^ 1 train  2 layers")
        step = t.step()
        t.wait(lambda: t.step() > step)
        check(not t.sees("end-|Stopped"), "the shell's words are still there")

    train(t)
    for suspend in (lambda: t.keys("C-z"), lambda: send(t, signal.SIGTSTP)):
        suspend()
        check(t.ended() > 128, "not stopped")
        t.given_back()
        t.start("fg")
        goes_on()
    send(t, signal.SIGSTOP)  # nothing can be given back, but all is drawn anew
    t.wait("Stopped")
    t.start("fg", enter="C-j")
    goes_on()
    t.keys("q", "d")
    t.left()


def resize_storm(t):
    train(t)
    t.keys("Home", "Down", "v", "Down", "Down")
    marked = "^── space: freeze conv1; freeze bn1; f"
    t.wait(marked)
    chance = random.Random(1)
    for i in range(60):
        t.resize(chance.randint(1, 200), chance.randint(1, 60))
    t.resize(1, 1)
    t.resize(40, 10)
    t.wait("^40x10 is too small$")
    t.wait("^60x16 is needed$")
    t.keys("q")
    t.wait(r"^Stop training\?")
    t.keys("Escape")
    t.wait("^q quits$")
    t.resize(COLUMNS, ROWS)
    t.wait(marked)
    t.keys("r")
    t.wait("^ paused ")
    before = t.rows()
    t.keys("C-l")
    t.words("")  # done when the line is gone again
    t.gone("^:")
    same(t.rows(), before, "the screen drawn anew")
    t.resize(30, 5)
    t.wait("q quits")
    t.keys("q", "d")
    t.left()


def plain_terminals(t):
    t.thaw("--paused")
    check(re.search(COLOUR, t.screen("-e")), "no colours where there should be some")
    for command, letters in [("NO_COLOR=1 thaw", None), ("thaw --no-color", None),
                             ("TERM=vt100 thaw", None), ("thaw --ascii", "ascii"),
                             ("LC_ALL=C thaw", "ascii")]:
        t.keys("q")
        t.left()
        t.start(f"{command} --paused")
        t.wait("^ paused ")
        same(bool(re.search(COLOUR, t.screen("-e"))), letters is not None, f"colours of {command}")
        if letters:
            same([c for c in t.screen() if not c.isascii()], [], f"letters of {command}")
    t.keys("q")
    t.left()


def no_terminal(t):
    for name, where in [("", {}), ("TERM=dumb", {"TERM": "dumb"})]:
        done = subprocess.run(["thaw"], env=dict(t.environment, **where), cwd=t.directory,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        same(done.returncode, 2, f"exit code without a terminal {name}")
        same(done.stdout, "", "output")
        check(re.fullmatch("thaw: the workbench needs a terminal; .*thaw run .*\n", done.stderr),
              done.stderr)
    for command, said in [("thaw > file", "needs a terminal; "),
                          ("TERM=dumb thaw", "can place its cursor, which \"dumb\""),
                          ("TERM=nonsense thaw", "does not know the terminal \"nonsense\""),
                          ("TERM= thaw", "set TERM"), ("env -u TERM thaw", "set TERM")]:
        t.start(command)
        screen = re.sub("\n", " ", t.left(2))
        check(said in screen and "thaw run EXPERIMENT.yaml" in screen, screen)
    same(t.bytes("file"), b"", "what was written to a file")
    same("runs" in t.files(), False, "a run's directory")


main(keys_that_leave, signals_that_leave, crashes_give_the_terminal_back, suspended_and_back,
     resize_storm, plain_terminals, no_terminal)
