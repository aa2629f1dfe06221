"""Write the reference of the command line from the program's own help: `python .github/reference.py`."""

from pathlib import Path

import typer
from typer.testing import CliRunner

from workbench.cli import app

HERE = Path(__file__).parent
FILE = HERE / "commands.md"
WIDTH = "100"
BEGINNING = """# All commands and options

What `agentemb-tui COMMAND --help` says, written by `python .github/reference.py`.
"""


def paths(command: object, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command: of the program, of its commands, and of theirs."""
    below = getattr(command, "commands", {})
    return [before, *(path for name in sorted(below) for path in paths(below[name], (*before, name)))]


def reference() -> str:
    """All help texts as one Markdown document."""
    runner = CliRunner(env={"COLUMNS": WIDTH, "TERMINAL_WIDTH": WIDTH, "NO_COLOR": "1"})
    parts = [BEGINNING]
    for path in paths(typer.main.get_command(app)):
        said = runner.invoke(app, [*path, "--help"], prog_name="agentemb-tui").output
        lines = "\n".join(line.rstrip() for line in said.strip().splitlines())
        parts.append(f"## {' '.join(('agentemb-tui', *path))}\n\n```\n{lines}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    FILE.write_text(reference())
