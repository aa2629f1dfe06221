"""A trial of repairs in figures and words: the table of methods and controls, what it says, and the choices."""

from collections.abc import Sequence
from dataclasses import replace
from textwrap import wrap

import numpy as np
from textual.binding import Binding
from textual.message import Message

from workbench.analyses import recovery, repair, repairs
from workbench.drawing import Line
from workbench.panels import Lines, Series
from workbench.recovering import READINGS
from workbench.repairing import ALIKE, DAMAGED, RANDOM, SUCCESSES, UNTOUCHED
from workbench.text import clean
from workbench.tui.repairing import RepairState
from workbench.tui.unit_grid import BACK, MISSING, WRONG
from workbench.tui.widgets.drawing import Picture
from workbench.tui.widgets.score import PanelChart, ScoreTable
from workbench.tui.widgets.units import GLYPHS

YES, NO = "✔", "·"
HEADINGS = (
    "|dST|", "survival", "actions", "behaviour", "own", "own ✔", "|ΔW|", "knows", "drawn", "played", "best |dST|",
    "best actions", "best own",
)  # fmt: skip
OF_COST = 6
"""The column from which on it is what a repair took."""
SURVIVAL, ACTIONS, OWN, JOINT = range(4)
"""Places in `SUCCESSES`."""
SIGNS = (
    (f"{YES} any {NO}", f"success of the first candidate ({YES} yes, {NO} no), and of any of those kept"),
    ("|dST|", "steps by which survival differs from the original's"),
    ("survival", "success: that is below epsilon, in fresh episodes"),
    ("actions", "the original's actions, in states where the population goes"),
    ("behaviour", f"success: {ALIKE:.0%} of them or more"),
    ("own", "the same in states that the original visits itself"),
    ("|ΔW|", "rms by which damaged weights differ from the original's"),
    ("knows", "what it was told: p positions of the damage, s survival, a actions, e everything, - nothing"),
    ("drawn played", "networks drawn, simulator episodes played to choose"),
    ("best", "of all candidates kept"),
    ("name*", "its first candidate behaves as a training network: looked up, not repaired"),
)
"""What stands in the table, and what that means."""
OTHER_SIGNS = (
    ("▶", "the row whose words, map and episode are shown"),
    (f"{GLYPHS[MISSING]} {GLYPHS[BACK]} {GLYPHS[WRONG]}", "on the map: missing, came back, wrong weight"),
    ("▁ █ - !", "on the map: a small weight, a large one, below 0, not finite"),
    ("70/90", "of many networks: per cent with success of the first candidate, of any"),
    ("held out", "no generator has seen the network"),
    (
        "n N",
        "go through marked networks where there are two or more, else through held-out ones in the Dataset's order",
    ),
)
"""The same of the map and the rest."""
ACTION_KEYS = (
    ("d", "draw damage by hand"), ("[ ]", "other repair"), ("W", "many networks"), ("M", "mask from a file"),
    ("x", "save"), ("=", "as a command"),
)  # fmt: skip


class RecoveryChart(PanelChart, can_focus=True):
    """Success over levels; it may stand in the table's place, and then has the keys."""


class TrialTable(ScoreTable):
    """Methods, then controls; the arrows go from row to row."""

    BINDINGS = [
        Binding("up,k", "go(-1)", "up", show=False),
        Binding("down,j", "go(1)", "down", show=False),
    ]

    class Turned(Message):
        """Another row is wanted."""

        def __init__(self, by: int) -> None:
            self.by = by
            super().__init__()

    def action_go(self, by: int) -> None:
        """To another row."""
        self.post_message(self.Turned(by))


def cells(frame: repair.Frame, row: int) -> list[str]:
    """A row of the table; successes stand apart, each for the first candidate and for any."""
    won = frame.successes[row]
    off, actions, own = frame.off[row], frame.actions[row], frame.own[row]
    said = [f"{YES if won[0, k] else NO} any {YES if won[:, k].any() else NO}" for k in (SURVIVAL, ACTIONS, OWN)]
    drawn, played = (f"{v:,}" if frame.cost[row].any() else "-" for v in frame.cost[row])
    return [
        f"{off[0]:.1f}", said[0], share(actions[0]), said[1], share(own[0]), said[2], f"{frame.moved[row, 0]:.2f}",
        " ".join(word[:1] for word in frame.knows[row].split(", ")) or "-", drawn, played, f"{np.nanmin(off):.1f}",
        f"{np.nanmax(actions):.0%}", f"{np.nanmax(own):.0%}",
    ]  # fmt: skip


def rows(frame: repair.Frame, names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Named rows of cells, empty where the trial is not there yet."""
    told = {name: cells(frame, r) for r, name in enumerate(frame.names)}
    starred = {name for name, copied in zip(frame.names, frame.memorised, strict=True) if copied}
    return [(f"{name}{'*' * (name in starred)}", told.get(name, [])) for name in names]


def share(value: float) -> str:
    """Per cent, with as many digits as it takes to tell which side of `ALIKE` it is on."""
    texts = (f"{value:.{digits}%}" for digits in (0, 1, 2))
    return next((t for t in texts if (float(t[:-1]) >= 100 * ALIKE) == (value >= ALIKE)), f"{value:.3%}")


def verdict(frame: repair.Frame, row: int) -> str:
    """What a row says, in words: survival and behaviour are told apart."""
    name, won = frame.names[row], frame.successes[row]
    actions, own = share(frame.actions[row, 0]), share(frame.own[row, 0])
    lasted, off = frame.lasted[row, 0], frame.off[row, 0]
    moved = f"survives {lasted:.1f} steps, the original {frame.survival:.1f}"
    if name == UNTOUCHED:
        return f"This is the original: it survives {frame.survival:.1f} steps."
    survives, alike, strictly = (bool(won[0, k]) for k in (SURVIVAL, ACTIONS, OWN))
    if name == DAMAGED:
        if survives and alike and strictly:
            return f"The damage does nothing: {actions} of its actions, {moved}."
        return f"Damaged: {actions} of its actions are left, {moved}."
    if survives and alike and strictly:
        text = f"The agent is back: {actions} of its actions, {own} in the states it visits itself; {moved}."
    elif survives and alike:
        text = f"Survival matches and {actions} of actions, but only {own} in the states it visits itself: nearly back."
    elif survives:
        text = f"Survival matches but only {actions} of actions: not the same agent."
    elif alike:
        text = f"{actions} of its actions, yet survival is {off:.1f} steps off: not back ({moved})."
    else:
        text = f"Not repaired: {actions} of its actions, survival {off:.1f} steps off ({moved})."
    if frame.memorised[row]:
        text += " It behaves as a training network does: looked up, not repaired."
    elif not won[0, JOINT] and won[:, JOINT].any():
        text += f" One of its {int((~np.isnan(frame.off[row])).sum())} candidates has both."
    return text


def caution(frame: repair.Frame, row: int) -> str:
    """What takes from the worth of a success: random candidates that have it too."""
    if frame.control[row] or not frame.successes[row, 0, SURVIVAL]:
        return ""
    luck = [r for r, name in enumerate(frame.names) if name.startswith(RANDOM) and frame.successes[r, 0, SURVIVAL]]
    alike = [r for r in luck if frame.successes[r, 0, ACTIONS]]
    if alike and frame.successes[row, 0, ACTIONS]:
        return "Random candidates have both successes too: this damage tells no method from chance."
    return "Random candidates survive as long too: survival alone shows nothing here." if luck else ""


def trial_words(state: RepairState) -> list[tuple[str, str]]:
    """Paragraphs with their style: the verdict first, then what it is of.

    Where the trial on the screen is not the one that is chosen, or not whole, that is said before.
    """
    frame, row, before = state.frame, state.row, state.before
    if state.fault:
        return [(state.fault, "strong"), (f"Shown is the trial before: {before}." if before else "", "dim")]
    if frame is None or row is None:
        return [("This trial has come to nothing." if state.failed else "", "strong")]
    first, *others = repair.sentences(frame)
    told = [verdict(frame, row), caution(frame, row), *others]
    if before:
        told.insert(0, f"Of the trial before ({before}):")
    elif frame.done < frame.total:
        told.insert(0, f"{'Only' if state.failed else 'So far'} {frame.done} of {frame.total} rows:")
    return [(" ".join(t for t in told if t), "strong"), (first, "dim")]


class RepairWords(Picture):
    """What the row one looks at says; what does not fit is cut."""

    def show(self, paragraphs: Sequence[tuple[str, str]]) -> None:
        """Wrap paragraphs of one style each."""
        width, height = max(20, self.size.width), self.size.height
        lines: list[Line] = []
        whose: list[int] = []
        for k, (text, style) in enumerate(paragraphs):
            parts = wrap(clean(text, 2000), width, break_on_hyphens=False)
            lines += [[(part, style)] for part in parts]
            whose += [k] * len(parts)
        if len(lines) > height > 0 and whose[height - 1] == whose[height]:
            text, style = lines[height - 1][0]
            lines[height - 1] = [(f"{text[: width - 1]}…", style)]
        self.draw(lines[:height])


def reading(state: RepairState) -> str:
    """Of Algorithm 1, what is put in place in the row that is looked at."""
    trial, row = state.frame, state.row
    named = trial.names[row] if trial is not None and row is not None else ""
    return next((one for one in READINGS if named.endswith(one)), READINGS[0])


def trial_title(state: RepairState) -> str:
    """Of which network and damage the figures are."""
    frame = state.frame
    if frame is None:
        return "repairs"
    much = f"{int(frame.mask.sum())} of {len(frame.mask)} weights {frame.kind}"
    return f"{'before: ' if state.before else ''}#{frame.network}: {much}; figure: {reading(state)}"


def picture(state: RepairState) -> Lines | None:
    """Figure 8 of the network in the reading of the row that is looked at, and that row where the trial stands."""
    frame = state.recovered
    if frame is None:
        return None
    trial, row = state.frame, state.row
    named = trial.names[row] if trial is not None and row is not None else ""
    newest = state.charted is None or state.charted.frame is frame
    name = "" if newest else f"before: #{frame.network} {frame.kind}, seed {frame.seed}"
    panel = replace(recovery.panels(frame)[READINGS.index(reading(state))], title=name)
    if trial is None or row is None or not state.current or state.hand is not None or trial.kind != frame.kind:
        return panel
    off = np.maximum(trial.off[row, :1], recovery.LEAST)
    here = Series(f"▸{named}", np.array([trial.level]), off, "◆", "strong", joined=False, above=True)
    return replace(panel, series=(*panel.series, here))


# Many networks.


def many_rows(frame: repairs.Frame, counted: int) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Headings, and a row a method and control: per cent of networks, first candidate and any."""
    order = np.argsort(frame.levels)
    found = []
    for r, name in enumerate(frame.names):
        counts = [frame.counts(r, k) for k in order]
        told = [f"{100 * won[0, counted] / n:.0f}/{100 * won[1, counted] / n:.0f}" if n else "-" for won, n in counts]
        found.append((name, told))
    return [f"{frame.levels[k]:g}" for k in order], found


def many_picture(frame: repairs.Frame, counted: int) -> Lines:
    """The same of first candidates, over levels; of controls only random candidates."""
    order, series = np.argsort(frame.levels), []
    levels = np.array(frame.levels)[order]
    for r, name in enumerate(frame.names):
        if name in (UNTOUCHED, DAMAGED) or not frame.cost[r][~np.isnan(frame.cost[r])].any():
            continue
        found = [frame.counts(r, k) for k in order]
        share = np.array([100 * won[0, counted] / n if n else np.nan for won, n in found])
        mark, style = repairs.MARKS[r % len(repairs.MARKS)], repairs.STYLES[r % len(repairs.STYLES)]
        series.append(Series(name, levels, share, mark, style))
    return Lines(series, f"level of damage ({frame.kind})", f"{SUCCESSES[counted]} (%)", y_range=(0.0, 104.0))


def many_words(frame: repairs.Frame, counted: int, level: float) -> list[tuple[str, str]]:
    """Which method does best at the level nearest to the one of the trial, with its interval, beside chance."""
    tried = [k for k in range(len(frame.levels)) if frame.counts(0, k)[1]]
    about = (
        f"{frame.done} of {frame.total} trials on {len(frame.networks)} {frame.which}; {frame.generator}; "
        f"{frame.samples} samples, {frame.keep} candidates, epsilon {frame.epsilon:g}; per cent of networks with "
        f"success by {SUCCESSES[counted]}, first candidate/any of {frame.keep}"
    )
    if not tried:
        return [("The first network is being repaired.", "strong"), (about, "dim")]
    k = min(tried, key=lambda k: abs(frame.levels[k] - level))
    told = [(r, name) for r, name in enumerate(frame.names) if frame.counts(r, k)[1]]
    figures = {name: repairs.figures_of(frame, r, k) for r, name in told}
    share = {name: f["one"][SUCCESSES[counted]]["share"] for name, f in figures.items()}
    trying = [name for name in figures if (figures[name]["samples"] or 0) > 0 and not name.startswith(RANDOM)]
    if not trying:
        return [(about, "dim")]
    best = max(trying, key=lambda name: share[name])
    ends = figures[best]["one"][SUCCESSES[counted]]
    text = (
        f"At level {frame.levels[k]:g} {best} does best: {SUCCESSES[counted]} in {ends['share']:.0%} of "
        f"{figures[best]['n']} networks (95 % interval {ends['low']:.0%} to {ends['high']:.0%})"
    )
    if RANDOM in share:
        text += f", random candidates in {share[RANDOM]:.0%}"
    return [(f"{text}.", "strong"), (about, "dim")]


class RepairChoices(Picture):
    """What is repaired, each choice with the key that changes it."""

    def show(self, state: RepairState) -> None:
        """Draw the choices as they are."""
        p, chosen = state.params, state.generator
        by_hand = state.hand is not None
        share = f"{int(state.drawn.sum())} of {state.spec.parameters} weights"
        rows = [("n", "network", f"#{p.network}{' held out' * state.unseen}"), ("c", "damage", p.kind)]
        rows.append(("D", "by hand", share) if by_hand else ("+", "level", f"{p.level:g}"))
        rows.append(("s", "seed", str(p.seed)))
        if chosen is not None and state.trained:
            among = f" {state.trained.index(chosen) + 1}/{len(state.trained)}" if len(state.trained) > 1 else ""
            rows += [("G", "generator", f"{chosen.name}{among}")]
        rows += [("p", "source", p.source), ("", "samples", f"{p.samples}, best {p.keep}"),
                 ("", "epsilon", f"{p.epsilon:g} steps")]  # fmt: skip
        lines: list[Line] = [
            [(f"{key:<2}", "accent"), (f"{name:<10}", "dim"), (clean(value, 40), "strong")] for key, name, value in rows
        ]
        lines += [[], *([(f"{key:<4}", "accent"), (does, "")] for key, does in ACTION_KEYS)]
        if state.frame is not None:
            lines += [[], [("? ", "accent"), ("what signs mean", "")]]
            width = max(20, self.size.width)
            told = [wrap(f"{sign}: {words}", width, subsequent_indent="  ") for sign, words in SIGNS]
            while len(lines) + sum(map(len, told)) > self.size.height and told:
                told.pop()
            lines += [[(part, "dim")] for parts in told for part in parts]
        self.draw(lines)
