"""What is kept of earlier runs."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from workbench import past
from workbench.cli.options import JsonOption
from workbench.cli.printing import complain, print_json
from workbench.results import ResultCache

results_app = typer.Typer(
    name="results", help="What is kept of earlier runs: list it, look at it, compare it, remove it.",
    rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
KeyArgument = Annotated[str, typer.Argument(help="The beginning of a result's key.")]


@results_app.callback(invoke_without_command=True)
def results(context: typer.Context, as_json: JsonOption = False) -> None:
    """What is kept of earlier runs, newest first; `show`, `compare` and `delete` take keys from the list."""
    if context.invoked_subcommand is None:
        kept = ResultCache().kept()
        if as_json:
            print_json([past.to_json(k) for k in kept])
        else:
            Console().print(past.table(kept))


@results_app.command()
def show(key: KeyArgument, as_json: JsonOption = False) -> None:
    """One result as it was printed then, with what it was computed from."""
    cache = ResultCache()
    kept = past.chosen(cache.kept(), key)
    analysis, frame = past.analysis_of(kept), past.frame_of(cache, kept)
    if as_json:
        print_json({"result": past.to_json(kept), **past.told(kept, analysis.summary, frame)})
    else:
        Console().print(past.table([kept]), past.told(kept, analysis.table, frame))


@results_app.command()
def compare(first: KeyArgument, second: KeyArgument, as_json: JsonOption = False) -> None:
    """Two results of one analysis: parameters that differ, and numbers side by side with their difference."""
    cache = ResultCache()
    kept = cache.kept()
    one, other = past.chosen(kept, first), past.chosen(kept, second)
    differences = past.held_against(cache, one, other, brief=not as_json)
    if as_json:
        print_json({"results": [past.to_json(k) for k in (one, other)], "values": [asdict(d) for d in differences]})
    else:
        Console().print(past.comparison((one, other), differences))


@results_app.command()
def delete(keys: Annotated[list[str], typer.Argument(help="The beginnings of keys.")]) -> None:
    """Remove results."""
    cache = ResultCache()
    kept = cache.kept()
    for one in [past.chosen(kept, key) for key in keys]:
        cache.delete(one.key)
        complain(f"{one.key[:8]} deleted ({one.analysis}, {past.when(one)})")
