"""What reaches a terminal that takes ASCII only, in a pseudo-terminal; and the colours of sixteen."""

import re
import sys

import pytest

from workbench.bench.terminal import Terminal

COMMAND = [sys.executable, "-m", "workbench"]
COLOURS = re.compile(rb"\x1b\[([0-9;]*)m")


@pytest.mark.parametrize(
    ("options", "env"),
    [(["--ascii"], {}), ([], {"LC_ALL": "C"}), ([], {"TERM": "linux"})],
    ids=["asked", "locale", "console"],
)
def test_nothing_but_ascii_is_sent(population_path, options, env):
    with Terminal([*COMMAND, str(population_path), *options], 110, 40, env=env) as terminal:
        terminal.until("96 networks", "n 100")
        for keys in (("?",), ("escape",), ("d",), ("escape",), ("2",), ("3",), ("4",), ("5",), ("6",), ("1",), (":",)):
            terminal.send(*keys)
            terminal.quiet()
        terminal.send("escape")
        terminal.quiet()
        assert terminal.process.poll() is None
        assert terminal.seen.isascii()
        told = re.sub(rb"\x1b(\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07]*\x07|[=>P78c])", b"", terminal.seen)
        assert {*told} <= {*range(0x20, 0x7F), 0x0A, 0x0D, 0x07, 0x1B}


@pytest.mark.parametrize("chosen", [False, True])
def test_sixteen_colours_are_the_terminals_own_unless_another_theme_is_chosen(population_path, chosen):
    with Terminal(
        [*COMMAND, str(population_path)], 110, 40, env={"TERM": "xterm-16color", "COLORTERM": ""}
    ) as terminal:
        if chosen:
            (terminal.home / "agentemb-tui").mkdir(exist_ok=True)
            (terminal.home / "agentemb-tui" / "config.toml").write_text('theme = "agentemb-light"\n')
        terminal.until("96 networks", "n 100")
        codes = {int(code) for found in COLOURS.findall(terminal.seen) for code in found.split(b";") if code}
        assert codes <= {*range(0, 10), *range(30, 38), 39, *range(40, 48), 49, *range(90, 98), *range(100, 108)}
        assert (49 in codes) != chosen, "its own ground"
