"""The paper's tables and figures, made again."""

from io import StringIO
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from workbench import claims, reproductions
from workbench.analysis import Selection, plain
from workbench.cli.following import follow
from workbench.cli.options import DeviceOption, JsonOption, ThreadsOption
from workbench.cli.printing import complain, identity, load, print_json
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.service import ModelService
from workbench.storage import write_json, write_text
from workbench.text import clean, duration

EVERY = "all"
"""The word for all reproductions."""


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
            follow(job, as_json, story.progress, f"; the same again goes on from {name}")
            made = story.take(job)
            said[name] = plain({**identity(population), **made.summary()})
            write_json(out / f"{name}.json", said[name])
            printed = Console(width=120, file=StringIO(), color_system=None)
            printed.print(made.shown())
            assert isinstance(printed.file, StringIO)
            write_text(out / f"{name}.txt", printed.file.getvalue())
            if made.analysis.figure is not None:
                write_text(out / f"{name}.svg", made.analysis.figure(made.frame))
            if not as_json and not every:
                Console().print(made.shown())
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
