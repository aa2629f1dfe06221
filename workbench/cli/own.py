"""The program's own commands: the app, keys, what the machine offers, speed."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from workbench import __version__
from workbench.cli.options import DeviceOption, JsonOption, PopulationArgument, ThreadsOption
from workbench.cli.printing import complain, print_json
from workbench.compute import Compute


def program(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """The program's own options."""
    if version:
        typer.echo(f"agentemb-tui {__version__}")
        raise typer.Exit


def open_app(
    population: PopulationArgument = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Neither take up the last session nor keep this one.")] = False,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="Nothing but ASCII on the screen.")] = False,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
) -> None:
    """Open a population in the app (also without the word `open`)."""
    from workbench.tui.launch import launch

    launch(str(population) if population else None, Compute(device, threads), fresh, ascii_only)


def keys(as_json: JsonOption = False) -> None:
    """All keys with their names: `[keys]` in the configuration file binds a name to other keys."""
    from workbench.config import config_path, read_config
    from workbench.tui.keys import checked, table

    known = table()
    config, faults = read_config()
    keymap, more = checked(config.keys, known)
    bound = {named.id: keymap[named.id].split(",") if named.id in keymap else list(named.keys) for named in known}
    if as_json:
        print_json(bound)
    else:
        out = Table()
        out.add_column("name")
        out.add_column("keys")
        for name, these in bound.items():
            out.add_row(Text(name), Text("  ".join(these) + ("  (configured)" if name in keymap else "")))
        Console().print(out)
        complain(f'bound anew under [keys] in {config_path()}, as in "{known[0].id}" = "f1"')
    for fault in (*faults, *more):
        complain(fault)


def doctor(as_json: JsonOption = False, device: DeviceOption = "auto", threads: ThreadsOption = 0) -> None:
    """What this machine and terminal offer: colours, device, versions, caches, and what is slow and why."""
    from workbench.doctor import examine, report

    findings = examine(Compute(device, threads))
    if as_json:
        print_json(findings)
    else:
        Console().print(report(findings))


def bench(
    name: Annotated[list[str] | None, typer.Argument(help="Benchmarks to run; all by default.")] = None,
    repeats: Annotated[int, typer.Option(min=1, max=100, help="Runs of each, of which the median counts.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Measure this program beside what one would do without it, in one run."""
    from workbench import bench as benchmarks

    results = benchmarks.run(name or [], repeats, Console(stderr=True))
    if as_json:
        print_json([r.to_json() for r in results])
    else:
        Console().print(benchmarks.table(results))
