"""What is read and printed alike by all commands."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from workbench import opening
from workbench.analysis import plain
from workbench.population import Population
from workbench.text import clean, counted


def load(path: Path | str | None) -> Population:
    """A population file, or the population that checkpoints make; what was assumed for them goes to standard error."""
    return opening.load(path, complain)


def complain(message: str) -> None:
    """One readable line on standard error."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(Text(f"agentemb-tui: {clean(message, 2000)}"))


def print_json(data: Any) -> None:
    """JSON on standard output; NaN becomes null."""
    print(json.dumps(plain(data), indent=2, allow_nan=False))


def identity(population: Population) -> dict[str, Any]:
    """What networks a result is of, for JSON."""
    return {
        "population": {
            "path": str(population.path),
            "hash": population.content_hash,
            "networks": len(population),
            "spec": population.spec.to_json(),
            "columns": list(population.columns),
            "provenance": dict(population.provenance),
        }
    }


def heading(population: Population) -> Text:
    """The same in a line."""
    spec = population.spec
    return Text(
        clean(
            f"{population.path}: {counted(len(population), 'network')}, {spec.label} ({spec.parameters:,} weights), "
            f"{spec.action} on {spec.env}, hash {population.content_hash[:12]}"
        ),
        style="bold",
    )
