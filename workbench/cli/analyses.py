"""A sub-command for every analysis, made from its Params."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from workbench.analysis import Analysis, Selection, describe_params
from workbench.cli.following import follow
from workbench.cli.options import (
    ActionOption,
    DeviceOption,
    JsonOption,
    KwargsOption,
    OutOption,
    PopulationArgument,
    SvgOption,
    ThreadsOption,
    WhereOption,
)  # fmt: skip
from workbench.cli.printing import heading, identity, load, print_json
from workbench.cli.ruling import under
from workbench.compute import Compute
from workbench.expressions import matches
from workbench.service import ModelService
from workbench.storage import check_suffix, refuse_existing, write_text


def command_for(analysis: Analysis) -> Callable[..., None]:
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
        service = ModelService(Compute(values.pop("device"), values.pop("threads")))
        selection = None
        if analysis.selects:
            population = load(values.pop("population"))
            population = under(population, values.pop("action"), values.pop("env_kwargs") or (), service, as_json)
            where = values.pop("where")
            rows = tuple(map(int, np.flatnonzero(matches(population, where)))) if where else None
            selection = Selection(population, rows, where)
        given = {f.name: values[f.name] for f in fields(analysis.Params)}
        given = {k: tuple(v or ()) if v is None or isinstance(v, list) else v for k, v in given.items()}
        job = service.submit(analysis, selection, analysis.Params(**given))
        follow(job, quiet=as_json)
        if out is not None and analysis.networks is not None:
            analysis.networks(job.frame).save(out)
        if svg is not None and analysis.figure is not None:
            write_text(svg, analysis.figure(job.frame))
        for name, path in files.items():
            analysis.exports[name].write(service.compute, selection, job.params, job.frame, path)
        if as_json:
            said = analysis.summary(job.frame)
            print_json({**(identity(selection.population) if selection else {}), **said})
        else:
            console = Console()
            if selection is not None:
                console.print(heading(selection.population))
            console.print(analysis.table(job.frame))

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__doc__ = f"{analysis.title}."
    return command


def _parameter(name: str, kind: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
