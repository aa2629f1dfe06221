"""The command line: a sub-command for every analysis, made from its Params, and the program's own."""

import sys
from typing import NoReturn

import typer

from workbench.analyses import find, names
from workbench.cli import files, own
from workbench.cli.analyses import command_for
from workbench.cli.following import FAILURE
from workbench.cli.printing import complain
from workbench.cli.reproducing import reproduce
from workbench.cli.results import results_app
from workbench.errors import WorkbenchError

USAGE = 2
INTERRUPTED = 130
"""What the parser makes of ctrl+c while no job listens for it."""

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
app.callback(invoke_without_command=True)(own.program)
for _command, _title in (
    (own.open_app, "Open a population in the app."),
    (own.keys, "All keys, and the names by which the configuration binds them anew."),
    (own.doctor, "What this machine and terminal offer."),
    (own.bench, "Speed, beside other ways."),
    (reproduce, "The paper's tables and figures, made again."),
    (files.select, "Some networks of a population as a new one."),
    (files.merge, "Several populations of one spec as one."),
):
    app.command(name="open" if _command is own.open_app else _command.__name__, short_help=_title)(_command)
app.add_typer(results_app, short_help="What is kept of earlier runs.")
for _name in names():
    _analysis = find(_name)
    app.command(name=_name, help=f"{_analysis.title}.")(command_for(_analysis))


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
