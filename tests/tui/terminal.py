"""A person at a terminal: a shell in tmux, keys sent to it, and the screen read back.

Every case gets a directory, a tmux server, and settings of its own. Whatever it waits for is looked
for on the screen until it is there or patience ends; no time is ever asserted. Prints cmocka's lines.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

PATIENCE = float(os.environ.get("THAW_PATIENCE", 120))  # seconds; sanitizers are slow
COLUMNS, ROWS = 100, 36  # wide enough for legends with values
ALL = '--set "freeze.rules=[thaw all]"'  # no step is so short that the run ends before a key comes
SKIPPED = 77  # meson's exit code for a test that was skipped
SHELL = "PS1='$ ' exec sh -i"


class Failure(Exception):
    pass


def check(good, what):
    if not good:
        raise Failure(what)


def same(got, wanted, what="got"):
    check(got == wanted, f"{what}: {got!r} instead of {wanted!r}")


class Terminal:
    """One tmux server with one window, in which a shell runs."""

    def __init__(self, directory):
        self.directory = directory
        self.typed = 0
        program = os.environ["THAW_PROGRAM"]
        keep = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLORFGBG", "TMUX")}
        self.environment = dict(
            keep, LC_ALL="C.UTF-8", TMUX_TMPDIR=directory, HOME=directory,
            XDG_CONFIG_HOME=self.path("config"), XDG_STATE_HOME=self.path("state"),
            PATH=os.path.dirname(program) + os.pathsep + os.environ["PATH"])
        self.tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), "-c", directory,
                  "TERM=tmux-256color " + SHELL)
        self.shell = int(self.ask("pane_pid"))
        self.command("ulimit -c 0; stty -a > modes")

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def tmux(self, *arguments):
        done = subprocess.run(["tmux", "-u", "-L", "thaw", "-f", os.devnull, *arguments],
                              env=self.environment, capture_output=True, text=True,
                              encoding="utf-8")
        check(done.returncode == 0, f"tmux {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def ask(self, name):
        """A value of tmux's: pane_pid, alternate_on, ..."""
        return self.tmux("display-message", "-p", f"#{{{name}}}").strip()

    # What the person does

    def keys(self, *names):
        """Keys by tmux's names: "Down", "Space", "C-c"; single characters are themselves."""
        for name in names:
            self.tmux("send-keys", *(["-l"] if len(name) == 1 else []), "--", name)

    def text(self, text):
        self.tmux("send-keys", "-l", "--", text)

    def words(self, text):
        """A line behind the colon."""
        self.text(":" + text)
        self.keys("Enter")

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def mouse(self, row, column):
        """A click on a cell, counted from 0, as SGR-reporting terminals send it."""
        for ending in "Mm":
            self.text(f"\033[<0;{column + 1};{row + 1}{ending}")

    # What the person sees

    def screen(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def rows(self):
        return self.screen().split("\n")

    def sees(self, pattern):
        """The match of a regular expression on the screen, or None."""
        return re.search(pattern, self.screen(), re.MULTILINE)

    def wait(self, what, seconds=None):
        """Until a pattern is on the screen, or a function gives something; returns it."""
        look = what if callable(what) else lambda: self.sees(what)
        end = time.monotonic() + (seconds or PATIENCE)
        while not (found := look()):
            if time.monotonic() > end:
                name = getattr(what, "__name__", what)
                raise Failure(f"waited in vain for: {name}\n{self.screen()}")
            time.sleep(0.02)
        return found

    def gone(self, pattern):
        self.wait(lambda: not self.sees(pattern))

    def row(self, layer):
        """The tree's row of a layer."""
        return self.wait(rf"^\S\S? *[▸▾]? *{re.escape(layer)} .*$").group()

    def steps(self, count):
        """Does as many steps, then stands still."""
        to = self.step() + count
        self.words(f"step {count}")
        self.wait(rf"^ paused .* step {to}/")

    def step(self):
        return int(self.wait(r" step (\d+)/").group(1))

    # Shell and program

    def start(self, command, enter="Enter"):
        """Types a command; `ended` waits for its end."""
        self.typed += 1
        self.text(f"clear; {command}; echo end-{self.typed} $?")
        self.keys(enter)

    def ended(self):
        """The exit code of what was started."""
        return int(self.wait(rf"^end-{self.typed} (\d+)").group(1))

    def command(self, command, code=0):
        self.start(command)
        same(self.ended(), code, f"exit code of {command}\n{self.screen()}")

    def thaw(self, arguments="", until=r" (running|paused) "):
        self.start(f"thaw {arguments}".strip())
        self.wait(until)

    def left(self, code=0):
        """The program has ended with this code and given the terminal back; returns the screen."""
        ended = self.ended()
        screen = self.screen()
        same(ended, code, f"exit code\n{screen}")
        self.given_back()
        return screen

    def given_back(self):
        for name, wanted in [("alternate_on", "0"), ("cursor_flag", "1"), ("mouse_any_flag", "0")]:
            same(self.ask(name), wanted, name)
        self.command("stty -a > modes-now")
        sizes = re.compile(r"rows \d+; columns \d+; ")
        before, now = [sizes.sub("", self.read(name)) for name in ("modes", "modes-now")]
        same(now, before, "terminal modes")

    def program(self):
        """The process that runs in the foreground."""
        with open(f"/proc/{self.shell}/task/{self.shell}/children") as children:
            return int(children.read().split()[0])

    def read(self, *names):
        with open(self.path(*names), encoding="utf-8") as file:
            return file.read()

    def bytes(self, *names):
        with open(self.path(*names), "rb") as file:
            return file.read()

    def files(self, *names):
        return sorted(os.listdir(self.path(*names)))

    def close(self):
        """Ends the server and waits for all that ran in it."""
        try:
            self.tmux("kill-server")
        except Failure:
            pass
        end = time.monotonic() + PATIENCE
        while any(map(self.runs_here, filter(str.isdigit, os.listdir("/proc")))):
            if time.monotonic() > end:
                break
            time.sleep(0.02)

    def runs_here(self, process):
        try:
            return os.getsid(int(process)) == self.shell
        except OSError:
            return False


def run(case):
    """Whether the case passed."""
    print(f"[ RUN      ] {case.__name__}", flush=True)
    began = time.monotonic()
    directory = tempfile.mkdtemp(prefix="thaw-tui-")
    terminal = None
    try:
        terminal = Terminal(directory)
        case(terminal)
        good = True
    except Exception:
        traceback.print_exc(file=sys.stdout)
        good = False
    if terminal:
        terminal.close()
    shutil.rmtree(directory, ignore_errors=True)
    print(f"[ {'      OK' if good else ' FAILED '} ] {case.__name__} "
          f"({time.monotonic() - began:.1f} s)", flush=True)
    return good


def main(*cases):
    """Runs the cases; all of them, or those that are named on the command line."""
    if not shutil.which("tmux"):
        print("skipped: tmux is not installed")
        sys.exit(SKIPPED)
    wanted = [c for c in cases if not sys.argv[1:] or c.__name__ in sys.argv[1:]]
    failed = [c.__name__ for c in wanted if not run(c)]
    print(f"[==========] {len(wanted)} test(s) run.")
    print(f"[  PASSED  ] {len(wanted) - len(failed)} test(s).")
    if failed:
        print(f"[  FAILED  ] {len(failed)} test(s), listed below:")
    for name in failed:
        print(f"[  FAILED  ] {name}")
    sys.exit(bool(failed))
