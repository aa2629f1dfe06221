"""Populations made of populations: some networks of one, or those of several."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from workbench.cli.options import PopulationArgument, numbers
from workbench.cli.printing import complain, load
from workbench.errors import WorkbenchError
from workbench.exporting import merged, regrouped
from workbench.expressions import matches
from workbench.storage import check_suffix, refuse_existing
from workbench.text import counted


def select(
    where: Annotated[str, typer.Argument(help="Which networks, as in 'survival > 190'; 'all' for all of them.")],
    out: Annotated[Path, typer.Option(help="The population file to write.")],
    population: PopulationArgument = None,
    edges: Annotated[str, typer.Option(help="Edges between groups of survival or return, as in '50,100,150'.")] = "",
) -> None:
    """Write the networks that a condition is true of, and where wanted other groups, to a new population file."""
    refuse_existing(out)
    check_suffix("out", out, (".safetensors",))
    whole = load(population)
    chosen = whole.select(np.flatnonzero(matches(whole, "" if where == "all" else where)))
    if edges:
        chosen = regrouped(chosen, numbers("edges", edges))
    chosen.save(out)
    complain(f"{len(chosen):,} of {counted(len(whole), 'network')} written to {out}")


def merge(
    populations: Annotated[list[Path], typer.Argument(help="Population files, two or more.")],
    out: Annotated[Path, typer.Option(help="The population file to write.")],
) -> None:
    """Write the networks of several populations to one file, each network once, with a column that says from where."""
    refuse_existing(out)
    check_suffix("out", out, (".safetensors",))
    if len(populations) < 2:
        raise WorkbenchError(f"merge: expected two or more populations, got {len(populations)}")
    parts = [load(path) for path in populations]
    whole = merged(parts)
    whole.save(out)
    complain(f"{counted(len(whole), 'network')} of {sum(map(len, parts)):,} written to {out} (copies once)")
