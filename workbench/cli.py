"""The command line: a sub-command for every analysis, made from its Params, and the program's own."""

import inspect
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import MISSING, asdict, fields
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, NoReturn

import numpy as np
import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from workbench import __version__, claims, opening, past, reproductions
from workbench.analyses import find, names
from workbench.analysis import Analysis, Selection, describe_params, plain
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.exporting import merged, regrouped
from workbench.expressions import matches
from workbench.population import Population
from workbench.results import ResultCache
from workbench.rules import under
from workbench.service import Job, JobState, ModelService
from workbench.storage import write_json, write_text
from workbench.text import clean, duration

EVERY = "all"
"""The word for all reproductions."""
FAILURE, USAGE = 1, 2
INTERRUPTED = 130
"""What the parser makes of ctrl+c while no job listens for it."""
LOG_EVERY = 30.0
"""Seconds between progress lines where there is no terminal."""

app = typer.Typer(
    name="agentemb-tui",
    help="A terminal workbench for populations of policy networks. Without a sub-command it opens POPULATION, "
    "or the population that ships with it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)

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


def run(arguments: list[str]) -> NoReturn:
    """Run a sub-command and leave: 0 it worked, 1 it failed or was cancelled, 2 the input cannot be used."""
    try:
        code = app(arguments, standalone_mode=False, prog_name="agentemb-tui")
        if code == INTERRUPTED:
            raise KeyboardInterrupt
    except WorkbenchError as error:
        complain(str(error))
        code = USAGE
    except typer.Exit as leaving:
        code = leaving.exit_code
    except (typer.Abort, KeyboardInterrupt):
        complain("cancelled")
        code = FAILURE
    except typer.TyperException as error:  # wrong usage, told by the parser
        context = getattr(error, "ctx", None)
        hint = f" (see '{context.command_path} --help')" if context else ""
        complain(error.format_message() + hint)
        code = USAGE
    except BrokenPipeError:
        sys.stderr.close()  # whoever read the output has gone
        code = FAILURE
    sys.exit(code or 0)


def load(path: Path | str | None) -> Population:
    """A population file, or the population that checkpoints make; what was assumed for them goes to standard error."""
    return opening.load(path, complain)


def complain(message: str) -> None:
    """One readable line on standard error."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(Text(f"agentemb-tui: {clean(message, 2000)}"))


@app.callback(invoke_without_command=True)
def program(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """The program's own options."""
    if version:
        typer.echo(f"agentemb-tui {__version__}")
        raise typer.Exit


@app.command(name="open", short_help="Open a population in the app.")
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


@app.command(short_help="All keys, and the names by which the configuration binds them anew.")
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


@app.command(short_help="What this machine and terminal offer.")
def doctor(as_json: JsonOption = False, device: DeviceOption = "auto", threads: ThreadsOption = 0) -> None:
    """What this machine and terminal offer: colours, device, versions, caches, and what is slow and why."""
    from workbench.doctor import examine, report

    findings = examine(Compute(device, threads))
    if as_json:
        print_json(findings)
    else:
        Console().print(report(findings))


@app.command(short_help="Speed, beside other ways.")
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


@app.command(short_help="The paper's tables and figures, made again.")
def reproduce(
    what: Annotated[
        list[str], typer.Argument(help=f"all, or some of {', '.join(reproductions.names())}; and a population file.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for figures (SVG), tables (text), every number (JSON), and of all a report.")
    ] = Path("reproduced"),
    seed: Annotated[list[str] | None, typer.Option(help="A seed; may be repeated. 0, 1 and 2 by default.")] = None,
    count: Annotated[int, typer.Option(help="Networks sampled for each figure.")] = 1000,
    quick: Annotated[bool, typer.Option("--quick", help="One seed, 200 samples, fewer pairs and networks.")] = False,
    as_json: JsonOption = False,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
) -> None:
    """Make the paper's tables and figures from a population, beside the paper's own, and answer its claims.

    `all` makes every one and a report of them, `report.html` and `report.md`. What was made before from the same
    networks with the same parameters and program is not made again, so that the same command goes on after ctrl+c.
    """
    from workbench.reporting.story import Story
    from workbench.reproducing import Params

    known = reproductions.names()
    every = EVERY in what
    wanted = known if every else [word for word in what if word in known]
    files = [word for word in what if word not in known and word != EVERY]
    if not wanted or len(files) > 1 or (files and not Path(files[0]).suffix):
        raise WorkbenchError(
            f"reproduce: expected {EVERY}, {', '.join(known)} and at most one population file, got {clean(what)}"
        )
    population = load(files[0] if files else None)
    params = Params(count=count, quick=quick) if seed is None else Params(tuple(seed), count, quick)
    service = ModelService(Compute(device, threads))
    story, said = Story(population, params, wanted, service.compute, service.cache), {}
    try:
        for name in wanted:
            job = service.submit(reproductions.find(name), Selection(population), params)
            _follow(job, as_json, story.progress, f"; the same again goes on from {name}")
            made = story.take(job)
            said[name] = plain({**_identity(population), **made.summary()})
            write_json(out / f"{name}.json", said[name])
            printed = Console(width=120, file=StringIO(), color_system=None)
            printed.print(made.analysis.table(made.frame))
            assert isinstance(printed.file, StringIO)
            write_text(out / f"{name}.txt", printed.file.getvalue())
            if made.analysis.figure is not None:
                write_text(out / f"{name}.svg", made.analysis.figure(made.frame))
            if not as_json and not every:
                Console().print(made.analysis.table(made.frame))
            kept = f", kept from {made.date}" if made.reused else f", {duration(made.seconds)}"
            complain(f"{name}{kept}: written to {out / name}.json, .txt and .svg")
    finally:
        if every and story.made:
            story.write(out)
            complain(f"report of {len(story.made)} of {len(wanted)} written to {out / 'report.html'} and .md")
    if as_json:
        print_json(said)
    elif every:
        Console().print(*(line for made in story.made for line in claims.lines(made.claims)), sep="\n")


@app.command(short_help="Some networks of a population as a new one.")
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
    complain(f"{len(chosen):,} of {len(whole):,} networks written to {out}")


@app.command(short_help="Several populations of one spec as one.")
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
    complain(f"{len(whole):,} networks of {sum(map(len, parts)):,} written to {out} (copies once)")


results_app = typer.Typer(
    name="results", help="What is kept of earlier runs: list it, look at it, compare it, remove it.",
    rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
app.add_typer(results_app, short_help="What is kept of earlier runs.")
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


def numbers(name: str, text: str) -> tuple[float, ...]:
    """Numbers with commas between them.

    Raises:
        WorkbenchError: something else.
    """
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise WorkbenchError(f"{name}: expected numbers with commas between them, got {clean(text, 60)!r}") from None


def refuse_existing(path: Path) -> None:
    """Raise a WorkbenchError where something is there already."""
    if os.path.exists(path):  # pathlib's raises where a name is too long
        raise WorkbenchError(f"{path}: already there; give another name or remove it")


def print_json(data: Any) -> None:
    """JSON on standard output; NaN becomes null."""
    print(json.dumps(plain(data), indent=2, allow_nan=False))


def _command_for(analysis: Analysis) -> Callable[..., None]:
    """A function with the signature that typer needs: one option a field of Params."""
    parameters = [] if not analysis.selects else [_parameter("population", PopulationArgument, None)]
    for field, doc in describe_params(analysis.Params):
        kind: Any = field.type
        if field.default is MISSING:
            parameters.insert(0, _parameter(field.name, Annotated[kind, typer.Argument(help=doc)]))
        elif kind == tuple[str, ...]:
            parameters.append(_parameter(field.name, Annotated[list[str] | None, typer.Option(help=doc)], None))
        else:
            # A flag has no opposite: what is off by default is turned on by its name.
            flag = [f"--{field.name}"] if kind is bool else []
            parameters.append(_parameter(field.name, Annotated[kind, typer.Option(*flag, help=doc)], field.default))
    if analysis.selects:
        parameters.append(_parameter("where", WhereOption, ""))
        parameters.append(_parameter("action", ActionOption, ""))
        parameters.append(_parameter("env_kwargs", KwargsOption, None))
    if analysis.networks is not None:
        parameters.append(_parameter("out", OutOption, None))
    if analysis.figure is not None:
        parameters.append(_parameter("svg", SvgOption, None))
    for name, export in analysis.exports.items():
        parameters.append(_parameter(name, Annotated[Path | None, typer.Option(help=export.doc)], None))
    parameters += [
        _parameter("as_json", JsonOption, False),
        _parameter("device", DeviceOption, "auto"),
        _parameter("threads", ThreadsOption, 0),
    ]

    def command(**values: Any) -> None:
        as_json = values.pop("as_json")
        out, svg = values.pop("out", None) if analysis.networks else None, values.pop("svg", None)
        files = {name: path for name in analysis.exports if (path := values.pop(name)) is not None}
        for name, path in files.items():
            check_suffix(name, path, analysis.exports[name].suffixes)
        for path in (out, svg, *files.values()):
            if path is not None:
                refuse_existing(path)
        compute = Compute(values.pop("device"), values.pop("threads"))
        selection = None
        if analysis.selects:
            population = load(values.pop("population"))
            population = under(population, values.pop("action"), values.pop("env_kwargs") or (), compute)
            where = values.pop("where")
            rows = tuple(map(int, np.flatnonzero(matches(population, where)))) if where else None
            selection = Selection(population, rows, where)
        given = {f.name: values[f.name] for f in fields(analysis.Params)}
        given = {k: tuple(v or ()) if v is None or isinstance(v, list) else v for k, v in given.items()}
        job = ModelService(compute).submit(analysis, selection, analysis.Params(**given))
        _follow(job, quiet=as_json)
        if out is not None and analysis.networks is not None:
            analysis.networks(job.frame).save(out)
        if svg is not None and analysis.figure is not None:
            write_text(svg, analysis.figure(job.frame))
        for name, path in files.items():
            analysis.exports[name].write(compute, selection, job.params, job.frame, path)
        if as_json:
            said = analysis.summary(job.frame)
            print_json({**(_identity(selection.population) if selection else {}), **said})
        else:
            console = Console()
            if selection is not None:
                console.print(_heading(selection.population))
            console.print(analysis.table(job.frame))

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__doc__ = f"{analysis.title}."
    return command


def check_suffix(name: str, path: Path, suffixes: tuple[str, ...]) -> None:
    """Whether a file can be written under this name.

    Raises:
        WorkbenchError: another suffix.
    """
    if path.suffix not in suffixes:
        raise WorkbenchError(f"{name}: expected a file ending in {' or '.join(suffixes)}, got {path}")


def _parameter(name: str, kind: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _follow(
    job: Job, quiet: bool, whole: Callable[[Job], tuple[int, int, str]] | None = None, resuming: str = ""
) -> None:
    """Show a job's progress on standard error until it is over.

    Args:
        job: what runs.
        quiet: no bar.
        whole: what it is a part of: units done and to do, and in words how far that is.
        resuming: how to go on with it, where not by an option.

    Raises:
        WorkbenchError: the job could not use its input.
        typer.Exit: it was cancelled (by ctrl+c or a signal), or failed by a defect.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: job.cancel())
    console = Console(stderr=True)
    if console.is_terminal and not quiet:
        with Live(console=console, refresh_per_second=8, transient=True, get_renderable=lambda: _picture(job, whole)):
            while not job.wait(0.05):
                pass
    else:
        told = time.monotonic()
        while not job.wait(0.2):
            if job.frame is not None and time.monotonic() - told > LOG_EVERY:
                told = time.monotonic()
                print(whole(job)[2] if whole else job.progress, file=sys.stderr, flush=True)
    if job.state is JobState.CANCELLED:
        kept = f" with {job.frame.done:,} of {job.frame.total:,} done" if job.frame else ""
        on = "; --resume goes on" if job.analysis.writes else resuming
        complain(f"cancelled{kept}{on}")
        raise typer.Exit(FAILURE)
    if job.state is JobState.FAILED:
        if job.defect:
            complain(str(job.error))
            raise typer.Exit(FAILURE)
        raise WorkbenchError(str(job.error))


def _picture(job: Job, whole: Callable[[Job], tuple[int, int, str]] | None = None) -> Any:
    frame = job.frame
    if frame is None and whole is None:
        return Text("starting (the first run after an install compiles kernels, about 10 s)", style="dim")
    done, total, words = whole(job) if whole else (frame.done, frame.total, job.progress)
    line = Table.grid(padding=(0, 1))
    line.add_row(ProgressBar(total, done, width=40), words + ("  stopping…" if job.cancelling else ""))
    return Group(job.analysis.table(frame), line) if job.analysis.writes else line


def _identity(population: Population) -> dict[str, Any]:
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


def _heading(population: Population) -> Text:
    spec = population.spec
    return Text(
        clean(
            f"{population.path}: {len(population):,} networks, {spec.label} ({spec.parameters} weights), "
            f"{spec.action} on {spec.env}, hash {population.content_hash[:12]}"
        ),
        style="bold",
    )


for _name in names():
    _analysis = find(_name)
    app.command(name=_name, help=f"{_analysis.title}.")(_command_for(_analysis))
