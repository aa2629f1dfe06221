"""The command `agentemb-tui`: decides between the app and a sub-command before anything slow is imported."""

import os
import sys

from workbench.leaving import leave

OPTIONS_OF_THE_PROGRAM = ("--help", "-h", "--version", "--install-completion", "--show-completion")
OWN_COMMANDS = ("bench", "doctor", "keys", "merge", "open", "reproduce", "results", "select")


def commands() -> set[str]:
    """All sub-commands: the program's own, and one for each analysis."""
    from workbench.analyses import names

    return {*OWN_COMMANDS, *names()}


def main() -> None:
    """Run the program. A first word that is no sub-command is a population to open."""
    # Products of matrices run on the threads of a job: a pool of BLAS' own beside them would take cores unasked.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    arguments = sys.argv[1:]
    first = arguments[0] if arguments else ""
    if first and (first in OPTIONS_OF_THE_PROGRAM or first in commands()):
        _run(arguments)
    elif len(arguments) <= 1 and not first.startswith("-"):
        from workbench.tui.launch import launch

        launch(first or None)
    else:
        _run(["open", *arguments])


def _run(arguments: list[str]) -> None:
    from workbench.cli import run

    try:
        run(arguments)
    except SystemExit as leaving:
        leave(leaving.code if isinstance(leaving.code, int) else 0)


if __name__ == "__main__":
    main()
