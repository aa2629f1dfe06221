"""The paper's claims, and how each is answered: holds, does not hold, cannot tell.

An answer is never a bare comparison of two figures. Each part of a claim is true or false where a whole interval lies
on one side of what was said before, and open where it does not; a claim is as true as its parts together.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import wraps
from typing import Any

from rich.text import Text

from workbench.numerics.statistics import Interval

HOLDS, FAILS, UNSURE = "holds", "does not hold", "cannot tell"
SIGNS = {HOLDS: "✓", FAILS: "✗", UNSURE: "?"}

Part = bool | None
"""A part of a claim: true, false, or open."""


@dataclass(frozen=True)
class Saying:
    """What is claimed, and where."""

    text: str
    where: str
    found: str
    """What is found where it holds: a clause."""
    otherwise: str
    """What is found where it does not hold: a clause."""


CLAIMS = {
    1: Saying(
        "Good networks learn hidden representations that are more alike than those of bad ones", "4.1, Table 2",
        "the good ones of CartPoleGen's samples lie closer to each other than the bad ones, by hidden CD",
        "it is the bad ones of CartPoleGen's samples that lie closer to each other, by hidden CD",
    ),
    2: Saying(
        "Good networks diverge in what they decide, bad ones agree", "4.1, Table 2",
        "the good ones of CartPoleGen's samples lie further apart than the bad ones, by output CD",
        "it is the bad ones of CartPoleGen's samples that lie further apart, by output CD",
    ),
    3: Saying(
        "Training on better networks gives better samples, except for 151-200", "3.5, Table 1",
        "samples survive longer from group to group up to 101-150, and less long in 151-200",
        "it is not so that samples survive longer from group to group up to 101-150, and less long in 151-200",
    ),
    4: Saying(
        "Samples of a group vary more than its training networks, those of all together do not", "3.5, Table 1",
        "survival varies more among samples than among training networks in most groups, and less in all together",
        "it is not so that survival varies more among samples than among training networks in most groups, and less in "
        "all together",
    ),
    5: Saying(
        "CartPoleGen avoids zeros: it spills mass where training has none, and leaves little out", "3.5, Fig. 4",
        "samples survive as long as practically no training network does, and more is spilled so than is left out",
        "samples keep to the times that training networks survive, or leave out more than they spill",
    ),
    6: Saying(
        "Some samples far outperform the networks that were trained on", "3.5, Fig. 4",
        "in some group samples last far longer than the best training network, more of them than measuring explains",
        "in no group do samples to speak of last far longer than the best training network",
    ),
    7: Saying(
        "With linear layers CartPoleGen does as well", "3.5",
        "samples of linear layers are as near to held-out networks as those of ELU layers, or nearer",
        "samples of linear layers are farther from held-out networks than those of ELU layers",
    ),
    8: Saying(
        "A GAN does not train", "3.5",
        "the GAN's samples are farther from held-out networks than CartPoleGen's",
        "the GAN's samples are nearer to held-out networks than CartPoleGen's",
    ),
    9: Saying(
        "Walking through latent space is not walking through weights", "4.2, Fig. 7",
        "between the same ends agents from latent space survive differently from those between the weights",
        "between the same ends agents from latent space survive much as those between the weights do",
    ),
    10: Saying(
        "Moving towards the better embedding tracks performance; going past it gains, up to a point", "4.2, Fig. 7",
        "most walks to the better agent are monotone, and past it survival rises and then falls again",
        "it is not so that most walks to the better agent are monotone, and that survival rises past it and then falls",
    ),
    11: Saying(
        "Hills go with a large hidden convergence distance between the ends", "4.2, Fig. 7",
        "the ends of walks with a hill tend to lie further apart, by hidden CD",
        "the ends of walks with a hill hardly lie further apart than others, by hidden CD",
    ),
    12: Saying(
        "The two criteria of repair perform alike, Whole slightly better", "4.3, Fig. 8",
        "repairs by the Whole Criterion are off by a little less than those by the Missing Criterion",
        "it is not so that repairs by the Whole Criterion are off by a little less than those by the Missing Criterion",
    ),
    13: Saying(
        "Repair comes within 15 steps at every level of damage, within 5 at some, even where nothing is left",
        "4.3, Fig. 8",
        "repair comes as near as that for most networks",
        "repair does not come as near as that for most networks",
    ),
    14: Saying(
        "Fewer training networks give worse approximations", "5.1, Fig. 9",
        "samples get farther from held-out networks with each cut of the training networks",
        "samples do not get farther from held-out networks with each cut of the training networks",
    ),
    15: Saying(
        "Weights are not robust to small additive noise", "5.3",
        "a little noise changes survival by more than it varies between measurements",
        "a little noise changes survival by no more than it varies between measurements",
    ),
    16: Saying(
        "A network's survival time varies by 5 steps at most between measurements", "3.5",
        "two measurements of practically every network lie as near as that",
        "two measurements lie further apart than that for more than a rare few networks",
    ),
    17: Saying(
        "Random actions last 22 steps, always the same action 9", "3.5",
        "both last as long as that, to the step",
        "one of the two, or both, does not last as long as that",
    ),
    18: Saying(
        "Agents on the way between two lean between them, or against both", "the authors' blog",
        "practically all agents on the way lean between the ends, or against both",
        "more than a few agents on the way lean neither between the ends nor against both",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """An answer."""

    number: int
    """Of `CLAIMS`."""
    answer: str
    """`HOLDS`, `FAILS` or `UNSURE`."""
    why: str
    """Figures, the criterion, n and seed, in one line that goes on behind `Figures:`."""

    @property
    def saying(self) -> Saying:
        """What it answers."""
        return CLAIMS[self.number]

    @property
    def finding(self) -> str:
        """What the answer comes to: one plain sentence, without figures."""
        if self.answer == UNSURE:
            return f"It cannot be told whether {self.saying.found}."
        words = self.saying.found if self.answer == HOLDS else self.saying.otherwise
        return f"{words[0].upper()}{words[1:]}."

    @property
    def told(self) -> str:
        """The finding, then the figures that it rests on."""
        return f"{self.finding} Figures: {self.why}"

    @property
    def sign(self) -> str:
        """A character for the answer, to stand beside the word."""
        return SIGNS[self.answer]


def remembered(answered: Callable[[Any], list[Claim]]) -> Callable[[Any], list[Claim]]:
    """The same function, which remembers its answers of the frame it was asked about last: resampling takes time."""
    last: tuple[Any, list[Claim]] = (None, [])

    @wraps(answered)
    def again(frame: Any) -> list[Claim]:
        nonlocal last
        if last[0] is not frame:
            last = (frame, answered(frame))
        return last[1]

    return again


def answer(part: Part) -> str:
    """The word for it."""
    return UNSURE if part is None else HOLDS if part else FAILS


def above(found: Interval, threshold: float = 0.0) -> Part:
    """Whether a figure is above a threshold: told where its whole interval is on one side."""
    if found.low > threshold:
        return True
    return False if found.high < threshold else None


def below(found: Interval, threshold: float = 0.0) -> Part:
    """Whether it is below."""
    return negated(above(found, threshold))


def inside(found: Interval, low: float, high: float) -> Part:
    """Whether it lies between two values: told where its whole interval is inside, or outside."""
    return every((above(found, low), below(found, high)))


def negated(part: Part) -> Part:
    """The opposite; what is open stays open."""
    return None if part is None else not part


def every(parts: Iterable[Part]) -> Part:
    """Whether all are true: false where one is false, else open where one is open (Kleene's conjunction)."""
    parts = tuple(parts)
    if not parts or False in parts:
        return False if parts else None
    return None if None in parts else True


def some(parts: Iterable[Part]) -> Part:
    """Whether any is true: true where one is, else open where one is open."""
    return negated(every(map(negated, parts)))


def most(parts: Iterable[Part]) -> Part:
    """Whether more than half are true, whatever the open ones may be."""
    parts = tuple(parts)
    if 2 * parts.count(True) > len(parts):
        return True
    return False if parts and 2 * parts.count(False) >= len(parts) else None


def unanimous(parts: Iterable[Part]) -> Part:
    """What all of several trainings or readings say; open where they differ, or any is open."""
    said = set(parts)
    return said.pop() if len(said) == 1 else None


def told(found: Interval, form: str = ".1f") -> str:
    """`3.2 [1.0, 5.4]`."""
    return f"{found.value:{form}} [{found.low:{form}}, {found.high:{form}}]"


def lines(claims: Sequence[Claim]) -> list[Text]:
    """A paragraph each, for tables on a terminal: the answer in plain words, then the figures that it rests on."""
    return [
        Text.assemble((f"{c.sign} Claim {c.number}, {c.answer}: {c.saying.text}.", "bold"), f" {c.told}")
        for c in claims
    ]


def to_json(claims: Sequence[Claim]) -> list[dict[str, Any]]:
    """As JSON values, with what is claimed and where."""
    return [{**asdict(c), "finding": c.finding, "text": c.saying.text, "where": c.saying.where} for c in claims]
