"""Random keys, clicks and resizes in a real pseudo-terminal while jobs run: nothing breaks, nothing hangs."""

import os
import random
import re
import sys

import pytest

from workbench.bench.terminal import LEFT_SCREEN, NAMED, Terminal

EVENTS = int(os.environ.get("MONKEY_EVENTS", "1500"))
SIZES = ((40, 10), (60, 15), (80, 24), (120, 40), (200, 50), (20, 5))
LETTERS = "abcdefghijklmnoprstuvwxyzABCDEFGHIJKLMNOPRSTUVWXYZ0123456789/?:=,.+-[]<>#|;%&*'\"{}()"
"""All but q, which leaves."""
BURST = 25
PATIENCE = 90.0
COMMAND = [sys.executable, "-m", "workbench"]


def event(chance):
    """What one event sends: mostly keys, some of the mouse."""
    kind = chance.random()
    if kind < 0.55:
        return chance.choice(LETTERS)
    if kind < 0.88:
        return NAMED[chance.choice(sorted(set(NAMED) - {"ctrl+c"}))]
    x, y = chance.randint(1, 200), chance.randint(1, 50)
    button = chance.choice((0, 0, 0, 64, 65))
    return f"\x1b[<{button};{x};{y}M" + ("" if button >= 64 else f"\x1b[<{button};{x};{y}m")


def words(seen):
    """What it said in the end: from the traceback on, if there is one."""
    said = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode(errors="replace"))
    at = said.rfind("Traceback")
    return said[at : at + 6000] if at >= 0 else said[-6000:]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [int(seed) for seed in os.environ.get("MONKEY_SEEDS", "0,1,2").split(",")])
def test_a_monkey_at_the_keys(population_path, seed):
    chance = random.Random(seed)
    sent = 0
    while sent < EVENTS:
        with Terminal([*COMMAND, str(population_path)], 120, 40, at_home=True) as terminal:
            terminal.until("networks")
            terminal.quiet()
            while sent < EVENTS and terminal.process.poll() is None:
                if chance.random() < 0.3:
                    terminal.resize(*chance.choice(SIZES))
                if chance.random() < 0.2:  # otherwise it stays in a field for long
                    terminal.send("escape", chance.choice("123456"))
                for _ in range(BURST):
                    terminal.send(event(chance))
                    terminal.listen(0.01)
                sent += BURST
                # Whatever it is at, another size is painted.
                terminal.quiet(0.05, 2.0)
                terminal.resize(90 + sent // BURST % 9, 30)
                assert terminal.read(PATIENCE), f"seed {seed}: nothing was painted after {sent} events"
            left = terminal.process.poll()
            if left is None:
                terminal.process.terminate()
                assert terminal.gone(PATIENCE), "it did not leave"
                left = terminal.process.returncode
            # The palette offers to leave too.
            assert left in (0, 143), f"seed {seed}, {sent} events: exit {left}\n{words(terminal.seen)}"
            terminal.quiet(0.1)
            assert LEFT_SCREEN in terminal.seen, "the terminal is not given back as it was"
