"""The Repair pane: a network is damaged, and every way to repair it stands beside the others and beside controls."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from workbench.service import ModelService
from workbench.tui.panes.trying import TryingPane
from workbench.tui.view import View
from workbench.tui.widgets.prompt import Prompt
from workbench.tui.widgets.rollouts import RolloutRow
from workbench.tui.widgets.trial import OTHER_SIGNS, SIGNS, RecoveryChart, RepairChoices, RepairWords, TrialTable
from workbench.tui.widgets.units import UnitMap

FOLLOWED = 8
"""Looks at a running trial a second."""
ROOM_FOR_CHOICES, ROOM_FOR_TABLE, CHOICES = 176, 66, 33
"""Columns from which choices have a place; of the table beside the map; of the choices."""
TALL, ROOM_FOR_ROLLOUTS, ROLLOUTS, FIGURE = 30, 40, 10, 8
"""Lines from which panels have borders, and episodes a place; that episodes take, and the figure at least."""
FRONTS = {"units": "d", "figure": "f"}
"""Panels that come to the front where there is no room for all, and their keys."""


class RepairPane(TryingPane):
    """Damage a network, repair it, and see whether the agent is back."""

    TITLE = "Repair"
    KEYS = (
        ("- +", "level"),
        ("n", "network"),
        ("c", "damage"),
        ("d", "draw it"),
        ("[ ]", "repair"),
        ("space", "play"),
        ("i", "episodes"),
        ("f", "figure"),
        ("W", "many"),
        ("x", "save"),
        ("o", "choices"),
        ("w", "other columns"),
        ("N", "network before: marked, or held out"),
        ("/", "network by number"),
        ("L", "level as a number"),
        ("s S", "seed"),
        ("G", "generator"),
        ("p", "source of samples: prior, posterior"),
        ("D", "damage at random, not as drawn"),
        ("M", "mask from a file"),
        ("r", "repair again"),
        ("=", "the same as a command"),
        ("C", "cancel what runs"),
        ("tab", "table, map, episodes"),
        ("↑ ↓ j k", "other repair; on the map, other weight"),
        ("← → h l", "on the map: other weight"),
        ("home end", "on the map: first, last column"),
        ("space enter", "on the map: damage the weight, or not"),
        ("u v", "on the map: the same of its unit, column"),
        ("backspace", "nothing damaged, to draw on"),
        ("v", "of many: count another success"),
        (", .", "step back, on"),
        ("< >", "slower, faster"),
        ("e E", "next, previous episode"),
        ("escape", "close input or panel"),
    )

    SIGNS = (*SIGNS, *OTHER_SIGNS)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "play"),
        Binding("full_stop", "step(1)"),
        Binding("comma", "step(-1)"),
        Binding("greater_than_sign", "speed(1)"),
        Binding("less_than_sign", "speed(-1)"),
        Binding("e", "episode(1)"),
        Binding("E", "episode(-1)"),
        *(Binding(key, f"front('{panel}')") for panel, key in FRONTS.items()),
        Binding("i", "episodes"),
        Binding("o", "choices"),
        Binding("escape", "back"),
    ]

    SCOPED_CSS = False  # the rules ask how large the pane is
    DEFAULT_CSS = """
    RepairPane { layout: vertical; }
    RepairPane #panels { height: 1fr; layout: horizontal; }
    RepairPane #choices { width: 33; height: 100%; padding: 0 1; border-right: solid $panel-lighten-2; }
    RepairPane #left { width: 1fr; height: 100%; padding: 0 1; }
    RepairPane #right { width: 1fr; height: 100%; padding: 0 1; }
    RepairPane #figure { height: 1fr; min-height: 4; }
    RepairPane #words { height: 2; padding: 0 1; }
    RepairPane.-tall #words { height: 3; }
    RepairPane RolloutRow { height: 10; padding: 0 1; }
    RepairPane #line { height: auto; max-height: 4; min-height: 1; padding: 0 1; color: $text-muted; }
    RepairPane #line.said { color: $warning; }
    RepairPane.-stacked #panels { layout: vertical; }
    RepairPane.-stacked #left { width: 100%; height: 1fr; }
    RepairPane.-stacked #right { width: 100%; height: auto; }
    RepairPane.-tall #left, RepairPane.-tall #right, RepairPane.-tall RolloutRow, RepairPane.-tall #choices {
        border: round $panel-lighten-2; border-title-color: $text; border-subtitle-color: $text-muted; }
    RepairPane.-tall #left:focus-within, RepairPane.-tall #right:focus-within, RepairPane.-tall RolloutRow:focus {
        border: round $accent; border-title-style: bold; }
    RepairPane.-watching #panels { display: none; }
    RepairPane.-watching RolloutRow { height: 1fr; }
    """

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__(service, view)
        self.front = ""
        """One of `FRONTS` that was asked for; the table where empty."""
        self._all = False
        """Whether the choices were asked for, or asked away."""
        self._episodes: bool | None = None
        """Whether episodes were asked for, or asked away."""

    def compose(self) -> ComposeResult:
        """Choices, the map of units, the figure over the table; what it says; and the agents."""
        with Horizontal(id="panels"):
            yield RepairChoices(id="choices")
            with Vertical(id="left"):
                yield UnitMap(id="units")
            with Vertical(id="right"):
                yield RecoveryChart(id="figure")
                yield TrialTable(id="table")
        yield RepairWords(id="words")
        yield RolloutRow(self.WATCHED, id="rollouts")
        yield Static(id="line", markup=False)
        yield Prompt(id="prompt")

    def on_mount(self) -> None:
        """Show what was shown before; repair anew where the network, generators or nothing have come."""
        self.query_one("#choices").border_title = "choices"
        self.rollouts.border_title = "from the same start: original, damaged, repaired"
        self.rollouts.set_columns(self.WATCHED)
        self._timer = self.set_interval(1 / FOLLOWED, self._follow, pause=True)
        self.state.look()
        self._fit(self.app.size.width, self.app.size.height - 2)
        self.look()
        self.call_after_refresh(self._redraw)

    # How large.

    def _fit(self, width: int, height: int) -> None:
        """Panels beside each other, above each other, or one at a time."""
        tall, empty = height >= TALL, not len(self.view.population)
        self.set_class(tall, "-tall")
        border = 2 * tall
        choices = (width >= ROOM_FOR_CHOICES) != self._all
        across = width - CHOICES * choices
        left, table = height - 3 - tall, len(self.names) + 1 + border  # without the words, and the line
        # Without a wish episodes have a place where it takes none from the other panels.
        wishes = [self._episodes] if self._episodes is not None else [height >= ROOM_FOR_ROLLOUTS, False]
        for watched in wishes:
            panels = left - ROLLOUTS * watched
            map_width = UnitMap.breadth_of(self.state.grid, panels - border) + 2 + border
            beside = across - map_width >= ROOM_FOR_TABLE and panels >= table
            stacked = not beside and panels - table >= self._map_lines(across) + border
            if beside or stacked:
                break
        one = not (beside or stacked)
        alone, figure = one and watched, self.front == "figure"
        room = panels - table if not stacked else 0
        self.set_class(stacked, "-stacked")
        self.set_class(alone, "-watching")
        self.rollouts.display = watched and not empty
        self.query_one("#choices").display = choices
        self.query_one("#left").display = not one or self.front == "units"
        self.query_one("#left").styles.width = map_width if beside else "1fr" if not stacked else "100%"
        self.query_one("#right").display = not one or self.front != "units"
        self.figure.display = figure or (room >= FIGURE and not stacked)
        self.table.display = not (figure and room < FIGURE)
        self._room = max(1, panels - border - 1)

    def _map_lines(self, width: int) -> int:
        """Lines of a map that is as broad as the pane."""
        high = 4
        while UnitMap.breadth_of(self.state.grid, high) > width - 4 and high < 200:
            high += 1
        return high

    def _redraw(self) -> None:
        if not self.is_mounted:
            return
        self._show()
        self.watch_all()
        self._follow()
        if self.screen is self.app.screen and (self.screen.focused is None or not self.screen.focused.region):
            self._focus()

    def _focus(self) -> None:
        if self.has_class("-watching"):
            self.rollouts.focus()
        elif self.front == "units" or not self.query_one("#right").display:
            self.map.focus()
        else:
            (self.table if self.table.display else self.figure).focus()

    # Panels.

    def show_rollouts(self) -> None:
        """Bring the episodes to the screen."""
        self.action_episodes()

    def action_front(self, panel: str) -> None:
        """Bring a panel to where it can be seen, or take it away; the map gets the keys too."""
        self.front = "" if self.front == panel and (panel != "units" or self.map.has_focus) else panel
        self._fit(self.size.width, self.size.height)
        self.call_after_refresh(self._redraw)
        self.call_after_refresh(self._focus)

    def action_episodes(self) -> None:
        """Show or hide the episodes."""
        self._episodes = not self.rollouts.display
        self._fit(self.size.width, self.size.height)
        self.call_after_refresh(self._redraw)
        self.call_after_refresh(self._focus)

    def action_choices(self) -> None:
        """Show or hide the choices."""
        self._all = not self._all
        self._fit(self.size.width, self.size.height)
        self.call_after_refresh(self._redraw)

    def suggested(self) -> dict[str, str]:
        """The choices."""
        p = self.state.params
        return {
            name: " ".join(value) if isinstance(value, tuple) else str(value)
            for name, value in vars(p).items()
        }  # fmt: skip

    def action_back(self) -> None:
        """Close the innermost thing: the prompt, what was said, a panel, many networks."""
        prompt = self.query_one(Prompt)
        if prompt.is_open:
            prompt.action_close()
        elif self._said:
            self.say("")
        elif self.has_class("-watching"):
            self.action_episodes()
        elif self.front:
            self.action_front(self.front)
        elif self._all:
            self.action_choices()
        elif self.state.many:
            self.action_many()


PANE = RepairPane
