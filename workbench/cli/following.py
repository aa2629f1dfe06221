"""A job on the command line: its progress on standard error, and what it ends with."""

import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from workbench.cli.printing import complain
from workbench.errors import WorkbenchError
from workbench.service import Job, JobState

LOG_EVERY = 30.0
"""Seconds between progress lines where there is no terminal."""
FAILURE = 1


def follow(
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
        with Live(console=console, refresh_per_second=8, transient=True, get_renderable=lambda: picture(job, whole)):
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


def picture(job: Job, whole: Callable[[Job], tuple[int, int, str]] | None = None) -> Any:
    """What stands on standard error while it runs: a bar, and of tasks their table."""
    frame = job.frame
    if frame is None and whole is None:
        return Text("starting (the first run after an install compiles kernels, about 10 s)", style="dim")
    done, total, words = whole(job) if whole else (frame.done, frame.total, job.progress)
    line = Table.grid(padding=(0, 1))
    line.add_row(ProgressBar(total, done, width=40), words + ("  stopping…" if job.cancelling else ""))
    return Group(job.analysis.table(frame), line) if job.analysis.writes else line
