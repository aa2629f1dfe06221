"""Options and arguments that commands share, and what is checked before anything runs."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.errors import WorkbenchError
from workbench.text import clean

DeviceOption = Annotated[str, typer.Option(help="Where torch computes: auto, cpu, cuda or cuda:N.")]
ThreadsOption = Annotated[int, typer.Option(help="Worker threads; 0 takes all available cores but one.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
WhereOption = Annotated[str, typer.Option(help="Only networks this is true of, as in 'survival > 190 and lr < 0.005'.")]
OutOption = Annotated[Path | None, typer.Option(help="Save the networks it makes as a population file.")]
ActionOption = Annotated[
    str, typer.Option(help="How outputs become actions, where not as the file says: greedy, sampled.")
]
KwargsOption = Annotated[
    list[str] | None,
    typer.Option(help="NAME=VALUE, an argument of the environment or a constant of Cart-Pole; may be repeated."),
]
SvgOption = Annotated[Path | None, typer.Option(help="Draw the result into this SVG file.")]
PopulationArgument = Annotated[
    Path | None,
    typer.Argument(help="A population file, or a checkpoint or folder of them; the shipped population by default."),
]


def numbers(name: str, text: str) -> tuple[float, ...]:
    """Numbers with commas between them.

    Raises:
        WorkbenchError: something else.
    """
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise WorkbenchError(f"{name}: expected numbers with commas between them, got {clean(text, 60)!r}") from None
