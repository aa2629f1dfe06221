"""A training as it runs: the loss terms of each phase by epoch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Static

from workbench.panels import Lines, Series
from workbench.service import Job, JobState
from workbench.text import clean, duration
from workbench.tui.over import OverScreen
from workbench.tui.widgets.chart import LineChart

REFRESHES_A_SECOND = 4
MARKS = "●○◇×+□△"
STYLES = ("accent", "second", "first", "dim")
LEADING = ("loss", "validation")
KEYS = "[ ] phase   ← → read off"
WIDE = 30.0
"""Ratio of the largest to the smallest value from which the axis is logarithmic."""


def curves(terms: Sequence[tuple[str, Sequence[float]]]) -> Lines:
    """Loss terms by epoch, the loss and its validation first."""
    order = sorted(terms, key=lambda t: (LEADING.index(t[0]) if t[0] in LEADING else len(LEADING), t[0]))
    series = tuple(
        Series(
            clean(name, 30), np.arange(1, len(values) + 1), np.asarray(values, float), MARKS[k % len(MARKS)],
            STYLES[min(k, len(STYLES) - 1)],
        )
        for k, (name, values) in enumerate(order)
        if len(values)
    )  # fmt: skip
    every = np.concatenate([s.y for s in series] or [np.zeros(0)])
    every = every[np.isfinite(every)]
    log = bool(len(every)) and every.min() > 0 and every.max() / every.min() > WIDE
    return Lines(series, "epoch", f"loss{' (log scale)' if log else ''}", log_y=log)


class TrainingScreen(OverScreen[None]):
    """Curves of a training job; closing it leaves the job alone."""

    BINDINGS = [
        Binding("escape,q", "dismiss", show=False),
        Binding("c", "cancel_job", show=False),
        Binding("left_square_bracket", "phase(-1)", show=False),
        Binding("right_square_bracket", "phase(1)", show=False),
    ]
    DEFAULT_CSS = """
    TrainingScreen { align: center middle; }
    TrainingScreen Vertical { width: 100%; max-width: 120; height: 100%; max-height: 40; background: $surface;
        border: round $accent; padding: 0 1; }
    TrainingScreen Static { height: auto; }
    TrainingScreen #training-hint { color: $text-muted; }
    TrainingScreen .fault { color: $error; }
    """

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job
        self.phase: str | None = None
        """The phase that was chosen; None follows the one at work."""
        self._painted: Any = None

    def compose(self) -> ComposeResult:
        """Phases, the chart, and how far it is."""
        with Vertical() as box:
            box.border_title = clean(f"train {self.job.params.generator}", 60)
            box.border_subtitle = "escape closes, the training goes on"
            yield Static("starting…", id="training-phases", markup=False)
            yield LineChart(id="training-chart")
            yield Static("", id="training-line", markup=False)
            yield Static(
                "[ ] phase   ← → read off   c cancels, and keeps what there is", id="training-hint", markup=False
            )

    def on_mount(self) -> None:
        """Follow the job until it is over."""
        self._timer = self.set_interval(1 / REFRESHES_A_SECOND, self._paint)
        self.query_one(LineChart).focus()
        self._paint()

    @property
    def shown(self) -> str:
        """The phase on the screen."""
        frame = self.job.frame
        return self.phase if self.phase is not None else frame.phase if frame is not None else ""

    def _paint(self) -> None:
        frame = self.job.frame
        if frame is not None and frame is not self._painted:
            self._painted = frame
            self._draw()
        self._say("#training-line", self._words())
        self.query_one("#training-line").set_class(self.job.state is JobState.FAILED, "fault")
        if self.job.state.final:
            self._timer.stop()
            self._say("#training-hint", f"{KEYS}   escape closes")

    def _draw(self) -> None:
        frame = self.job.frame
        told = []
        for phase, terms in frame.curves:
            epochs = max((len(values) for _, values in terms), default=0)
            sign = "▸" if phase == self.shown else " "
            now = "…" if phase == frame.phase and not self.job.state.final else ""
            told.append(f"{sign}{clean(phase, 30)} {epochs}{now}")
        self._say("#training-phases", "  ".join(told) + "   (epochs)" if told else "starting…")
        self.query_one(LineChart).show_panel(curves(dict(frame.curves).get(self.shown, ())))

    def _say(self, where: str, words: str) -> None:
        box = self.query_one(where, Static)
        if box.content != words:
            box.update(words)

    def _words(self) -> str:
        job, frame = self.job, self.job.frame
        if job.state is JobState.FAILED:
            return clean(f"failed: {job.error}")
        if frame is None:
            return "loading torch and the networks…"
        missing = f"; no model of {', '.join(frame.missing)}: too few training networks there" if frame.missing else ""
        if job.state is JobState.DONE:
            return clean(f"done in {duration(frame.seconds)}{missing}, written to") + f"\n{clean(frame.path)}"
        if job.state is JobState.CANCELLED:
            return "stopped; what there is is kept, and a training with resume goes on"
        if frame.done + 1 >= frame.total:
            return "the last epoch is over; what is fitted at the end takes some seconds"
        return clean(f"{'stopping  ' if job.cancelling else ''}{job.progress}{missing}")

    def action_phase(self, step: int) -> None:
        """The phase before or after; at the one at work, follow it again."""
        frame = self.job.frame
        if frame is None or not frame.phases:
            return
        at = frame.phases.index(self.shown) if self.shown in frame.phases else len(frame.phases) - 1
        wanted = frame.phases[max(0, min(at + step, len(frame.phases) - 1))]
        self.phase = None if wanted == frame.phase else wanted
        self.query_one(LineChart).place(None)
        self._draw()

    def action_cancel_job(self) -> None:
        """Ask it to stop; what it has is kept."""
        self.job.cancel()
        self._paint()
