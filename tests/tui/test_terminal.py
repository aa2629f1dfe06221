"""The app in a real terminal: tmux, keys sent, the screen read back."""

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from rich.cells import cell_len

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

PATIENCE = 20.0
COMMAND = f"{sys.executable} -m workbench"


class Terminal:
    """A tmux session of its own server, with a shell in it."""

    def __init__(self, width, height, **env):
        self.socket = f"agentemb-{uuid.uuid4().hex[:8]}"
        pairs = [part for k, v in env.items() for part in ("-e", f"{k}={v}")]
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), *pairs, "sh")
        self.type("PS1='ready> '")

    def tmux(self, *words):
        return subprocess.run(
            ["tmux", "-L", self.socket, *words],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "TERM": "xterm"},
        ).stdout

    def type(self, line):
        self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def press_and_see(self, key):
        """Press a key and wait until the screen is another one, colours counted."""
        before = self.screen(colours=True)
        self.press(key)
        deadline = time.monotonic() + PATIENCE
        while self.screen(colours=True) == before:
            assert time.monotonic() < deadline, f"{key} changed nothing"
            time.sleep(0.02)

    def screen(self, colours=False):
        return self.tmux("capture-pane", "-p", *(["-e"] if colours else []))

    def until(self, *words):
        """The screen, once all the words are on it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            screen = self.screen()
            if all(w in screen for w in words):
                return screen
            time.sleep(0.05)
        raise AssertionError(f"{words} never came:\n{self.screen()}")

    def close(self):
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], check=False, capture_output=True)


@pytest.fixture
def terminal(tmp_path):
    opened = []

    def open_terminal(width=80, height=24, **env):
        opened.append(Terminal(width, height, **{"XDG_STATE_HOME": str(tmp_path / f"state-{len(opened)}"), **env}))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 50)])
def test_browse_play_and_leave(terminal, population_path, width, height):
    t = terminal(width, height)
    t.type(f"{COMMAND} {population_path}")
    screen = t.until("96 networks", "network", "survival")
    assert len(screen.splitlines()) <= height and all(cell_len(line) <= width for line in screen.splitlines())
    t.until("± ", "n 100")
    t.press("Down", "Down")
    t.until("#2 ", "t=1/")
    t.press(".")
    t.until("t=2/")
    t.press("?")
    t.until("keys: Dataset")
    t.press("Escape")  # a key sent with it would be read as alt and that key
    t.until("96 networks")
    t.press("q")
    t.until("ready>")
    t.type("echo code=$?")
    t.until("code=0")


def test_without_colour_and_in_16_colours_the_cursor_is_still_seen(terminal, population_path):
    for env in ({"NO_COLOR": "1"}, {"TERM": "xterm", "COLORTERM": ""}):
        t = terminal(80, 24, **env)
        t.type(f"{COMMAND} {population_path}")
        t.until("▶ 0 ", "n 100")
        t.press("Down")
        t.until("▶ 1 ")
        t.press("q")
        t.until("ready>")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal(terminal, population_path, tmp_path, number):
    t = terminal()
    t.type(f"sh -c 'echo $$ > {tmp_path}/pid; exec {COMMAND} {population_path}'; echo code=$?")
    t.until("96 networks")
    os.kill(int((tmp_path / "pid").read_text()), number)
    t.until(f"code={128 + number}")
    t.type("echo still here")
    t.until("still here")


def test_a_terminal_that_goes_without_a_word_ends_the_app(population_path):
    # In a session of its own, without a controlling terminal, no signal comes when the line is cut.
    ours, theirs = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "-m", "workbench", str(population_path)], stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    seen, deadline = b"", time.monotonic() + PATIENCE
    while b"96 networks" not in seen:
        assert time.monotonic() < deadline
        if select.select([ours], [], [], 0.1)[0]:
            seen += os.read(ours, 1 << 16)
    os.close(ours)
    assert run.wait(PATIENCE) == 128 + signal.SIGHUP


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_what_one_was_at_comes_back_whatever_ended_the_app(terminal, population_path, tmp_path, number):
    t = terminal(XDG_STATE_HOME=str(tmp_path))
    t.type(f"sh -c 'echo $$ > {tmp_path}/pid; exec {COMMAND} {population_path}'")
    t.until("96 networks", "n 100")
    t.press("m", "m")
    t.until("2 marked")
    if number == signal.SIGKILL:
        deadline = time.monotonic() + PATIENCE
        while [[0, 2]] not in [json.loads(p.read_text())["marks"]["rows"] for p in tmp_path.glob("*/sessions/[!.]*")]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    process = int((tmp_path / "pid").read_text())
    os.kill(process, number)
    deadline = time.monotonic() + PATIENCE
    while Path(f"/proc/{process}").exists():
        assert time.monotonic() < deadline, "it stays"
        time.sleep(0.05)
    again = terminal(XDG_STATE_HOME=str(tmp_path))
    again.type(f"{COMMAND} {population_path}")
    again.until("2 marked", "▶ 2")
    again.press("q")
    again.until("ready>")
    again.type(f"{COMMAND} --fresh {population_path}")
    again.until("96 networks", "▶ 0")


def test_suspending_and_coming_back_paints_again(terminal, population_path):
    t = terminal()
    t.type(f"{COMMAND} {population_path}")
    t.until("96 networks", "n 100")
    t.press("C-z")
    t.until("ready>")
    t.type("fg")
    t.until("96 networks", "n 100")
    t.press("q")
    t.until("ready>")


def test_a_missing_file_is_one_line_and_code_2(terminal):
    t = terminal()
    t.type(f"{COMMAND} /nowhere/at-all; echo code=$?")
    screen = t.until("code=2")
    assert "no such file" in screen and "Traceback" not in screen


def test_without_a_terminal_it_says_so(population_path):
    done = subprocess.run(
        [sys.executable, "-m", "workbench", str(population_path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "needs a terminal" in done.stderr


def test_quitting_in_the_middle_of_a_collection_keeps_it(terminal, population_path, tmp_path):
    t = terminal(100, 40)
    out = tmp_path / "new.safetensors"
    t.type(f"{COMMAND} {population_path}")
    t.until("n 100")
    t.press(":")
    t.until("Search for commands")
    t.press(*"Run collect")
    t.until("Run collect", "Collect a population")
    t.press("Enter")
    t.until("out: The population file")
    t.tmux("send-keys", "-l", str(out))
    t.until(out.name)
    t.press_and_see("Tab")  # the field that is come to is chosen whole: typing replaces it
    t.tmux("send-keys", "-l", "100000")
    t.until("100000")
    t.press("Enter")
    t.until("networks kept", "running")
    t.until("%")
    t.press("Escape")
    t.until("jobs: collect")
    t.press("q")
    t.until("ready>")
    t.type(f"{COMMAND} collect {out} --count 100000 --resume; echo code=$?")
    t.until("networks kept", "%")
    t.press("C-c")
    t.until("--resume goes on", "code=1")
