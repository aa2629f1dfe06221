"""The choices of the Sample pane, each with the key that changes it."""

from textwrap import wrap

from workbench.drawing import Line
from workbench.text import clean, counted
from workbench.tui.sampling import SampleState
from workbench.tui.widgets.drawing import Picture

LABEL = 11
ACTIONS = (
    ("r", "sample"), ("t", "train a generator"), ("d", "dial a performance"), ("v", "move along an attribute"),
    ("x", "save to a file"), ("=", "the same as a command"),
)  # fmt: skip


class ChoicesPanel(Picture):
    """What will be sampled."""

    def show(self, state: SampleState) -> None:
        """Draw the choices as they are."""
        width = max(20, self.size.width - 1)
        params, chosen = state.params, state.generator
        lines: list[Line] = [[("G ", "accent"), ("generator  ", "dim"), (chosen.name if chosen else "none", "strong")]]
        if chosen is not None and state.trained and len(state.trained) > 1:
            lines[0] = [*lines[0], (f" {state.trained.index(chosen) + 1}/{len(state.trained)}", "dim")]
        if chosen is not None:
            told = f"{chosen.path.stem}, of {counted(chosen.networks, 'network')} of {chosen.population}"
            if not chosen.own:
                told += ", not of this population"
            lines += [[(f"  {part}", "dim")] for part in wrap(clean(told, 200), width - 2, break_on_hyphens=False)]
        lines.append([])
        for key, name, value in (
            ("g", "group", params.group),
            ("p", "source", params.source),
            ("c", "selector", params.selector),
            ("a", "without", params.without or "-"),
            ("n", "count", f"{params.count:,}"),
            ("s", "seed", str(params.seed)),
        ):
            lines.append([(f"{key} ", "accent"), (f"{name:<{LABEL}}", "dim"), (clean(value, 60), "strong")])
        lines.append([])
        lines += [[(f"{key} ", "accent"), (words, "")] for key, words in ACTIONS]
        self.draw(lines)
