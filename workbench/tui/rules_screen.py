"""The same networks under other rules: how outputs become actions, and the arguments of the environment."""

import asyncio
from dataclasses import replace

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input, Static

from workbench import rules
from workbench.analyses import survival
from workbench.analysis import Selection
from workbench.errors import WorkbenchError
from workbench.policies import ACTION_RULES
from workbench.population import Population
from workbench.service import JobState, ModelService
from workbench.text import clean
from workbench.tui.over import OverScreen
from workbench.tui.view import RUNS, Arrangement, View

LOOKS_A_SECOND = 20
"""At whether all networks are measured."""


def understood(text: str) -> tuple[str, tuple[str, ...]]:
    """An action rule (empty for the networks' own) and arguments of the environment, from `sampled masspole=0.2`.

    Raises:
        WorkbenchError: a word that is neither, or two action rules.
    """
    words = text.split()
    actions = [word for word in words if word in ACTION_RULES]
    if len(actions) > 1:
        raise WorkbenchError(f"rules: expected one of {' and '.join(ACTION_RULES)}, got {' '.join(actions)}")
    given = tuple(word for word in words if word not in ACTION_RULES)
    rules.parse(given)
    return (actions[0] if actions else ""), given


async def measured(own: Population, text: str, service: ModelService) -> Population | None:
    """A population under other rules, or its own, measured by a job; None where that was cancelled.

    Raises:
        WorkbenchError: the rules are not understood, or the environment does not take them.
    """
    ruled = await asyncio.to_thread(rules.changed, own, *understood(text))
    if ruled is own:
        return own
    job = service.submit(survival.ANALYSIS, Selection(ruled), survival.Params(), background=True)
    try:
        while not job.state.final:
            await asyncio.sleep(1 / LOOKS_A_SECOND)
    finally:
        job.cancel()  # nobody waits for it any more
    if job.error is not None:
        raise WorkbenchError(job.error)
    if job.state is JobState.CANCELLED:
        return None
    population = rules.measured(ruled, job.frame.survival, job.frame.error)
    # What it is known by is reckoned once: results are asked for by it.
    return replace(population, stored_hash=await asyncio.to_thread(lambda: population.content_hash))


def judged(view: View, population: Population) -> View:
    """A view of the same networks as they are under other rules; marks stay, and filters that still hold."""
    ruled = View(population, view.arrangement)
    if (view.arrangement.group or 0) >= len(population.groups):
        ruled.arrangement = replace(view.arrangement, group=None)
    ruled.marks[:] = view.marks[: len(population)]
    ruled.kept = {name: kept for name, kept in view.kept.items() if name == RUNS}
    try:
        ruled.rows = ruled.arranged()
    except WorkbenchError:  # lean and sharpness are of the file's rules
        ruled.arrangement = Arrangement()
    return ruled


def describe(population: Population) -> str:
    """The rules that a population is under, as they would be typed; empty where they are the file's own."""
    return " ".join(word for word in rules.options(population) if word not in ("--action", "--env-kwargs"))


class RulesScreen(OverScreen[str | None]):
    """One line for the rules; comes back with it, or with None."""

    BINDINGS = [Binding("escape", "dismiss", show=False)]
    DEFAULT_CSS = """
    RulesScreen { align: center middle; }
    RulesScreen Vertical { width: 76; max-width: 100%; height: auto; background: $surface; border: round $accent;
        padding: 0 1; }
    RulesScreen Input { border: none; height: 1; padding: 0 1; background: $panel; }
    RulesScreen Static { height: auto; color: $text-muted; }
    RulesScreen #rules-fault { color: $error; }
    """

    def __init__(self, population: Population) -> None:
        super().__init__()
        self.population = population

    def compose(self) -> ComposeResult:
        """What may be typed, and the line."""
        with Vertical() as box:
            box.border_title = f"play {clean(self.population.name, 40)} by other rules"
            box.border_subtitle = "enter measures, escape closes"
            spec = self.population.spec
            yield Input(describe(self.population), placeholder="sampled masspole=0.2", compact=True)
            given = " ".join(f"{name}={value}" for name, value in spec.env_kwargs)
            words = f"now {spec.action} on {spec.env} {given}".rstrip()
            yield Static(f"{clean(words, 200)}; nothing typed: as the file has it", markup=False)
            yield Static("", id="rules-fault", markup=False)

    def on_mount(self) -> None:
        """No blinking: an idle screen sends nothing."""
        self.query_one(Input).cursor_blink = False
        self.query_one(Input).focus()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Enter; what is not understood is told here."""
        try:
            understood(message.value)
        except WorkbenchError as error:
            self.query_one("#rules-fault", Static).update(clean(error))
            return
        self.dismiss(message.value)
