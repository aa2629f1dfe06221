"""What is written about the program is true of it."""

import re
from pathlib import Path

import typer

from workbench.__main__ import commands
from workbench.cli import app

ROOT = Path(__file__).parent.parent
COMMANDS = typer.main.get_command(app).commands
REFERENCE = ROOT / ".github" / "commands.md"


def squashed(text):
    return " ".join(text.split())


def test_the_readme_names_every_command_and_option_it_uses():
    readme = (ROOT / "README.md").read_text()
    assert all(f"agentemb-tui {name}" in readme for name in commands() - {"open"})
    known = {option for command in COMMANDS.values() for p in command.params for option in p.opts}
    used = set(re.findall(r"(?<![-\w])--[a-z][a-z-]+", readme))
    foreign = {"--help", "--extra-index-url"}
    assert used - foreign <= known


def test_the_reference_has_every_command_and_option_and_no_other():
    parts = re.split(r"^## agentemb-tui ?", REFERENCE.read_text(), flags=re.M)[2:]
    told = {part.split("\n", 1)[0]: part for part in parts}
    assert {name for name in told if " " not in name} == set(COMMANDS)
    for name, command in COMMANDS.items():
        options = {option for p in command.params for option in p.opts if option.startswith("--")} | {"--help"}
        assert set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", told[name], flags=re.M)) == options, name
        for p in command.params:
            assert squashed(p.help or "") in squashed(told[name]), f"{name} {p.name}: run .github/reference.py"


def test_every_picture_of_the_readme_is_there():
    named = re.findall(r"\]\((\.github/[^)]+)\)", (ROOT / "README.md").read_text())
    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).exists()] == []
