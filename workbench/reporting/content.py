"""What a report says, whatever it is written in: grids and words of what the command line prints."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workbench.claims import CLAIMS, Claim
from workbench.text import clean

LONGEST = 5000
"""Characters of a cell or of a line."""


@dataclass(frozen=True)
class Grid:
    """A table."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], ...], ...]
    """(rows, columns) cells, each some lines."""
    right: tuple[bool, ...]
    """(columns,) which are numbers."""
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """A table or figure of the paper."""

    name: str
    title: str
    printed: str
    """What the paper has there."""
    blocks: tuple[Grid | str, ...] = ()
    """Ours."""
    svg: str = ""
    about: tuple[tuple[str, str], ...] = ()
    """Parameters, time, date."""
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class Report:
    """All of it."""

    title: str
    about: tuple[tuple[str, str], ...]
    """Population, seeds, versions, machine."""
    sections: tuple[Section, ...]
    missing: tuple[str, ...] = field(default=())
    """Titles of what has not been made yet."""

    @property
    def answers(self) -> list[tuple[Claim, Section]]:
        """All answers by number, with where they come from."""
        found = [(claim, section) for section in self.sections for claim in section.claims]
        return sorted(found, key=lambda pair: pair[0].number)

    @property
    def unanswered(self) -> list[int]:
        """Claims without an answer yet."""
        return sorted(set(CLAIMS) - {claim.number for claim, _ in self.answers})


def blocks(shown: RenderableType) -> Iterator[Grid | str]:
    """Grids and words of what a terminal shows; charts in characters, which figures draw better, are left out."""
    if isinstance(shown, Group):
        for part in shown.renderables:
            yield from blocks(part)
    elif isinstance(shown, Table):
        yield _grid(shown)
    else:
        words = _plain(shown)
        if words.strip() and "\n" not in words.strip():
            yield clean(words.strip(), LONGEST)


def _grid(table: Table) -> Grid:
    cells = [[_lines(cell) for cell in column.cells] for column in table.columns]
    return Grid(
        _line(table.title), tuple(_line(column.header) for column in table.columns), tuple(zip(*cells, strict=True)),
        tuple(column.justify == "right" for column in table.columns), _line(table.caption),
    )  # fmt: skip


def _plain(shown: object) -> str:
    return shown.plain if isinstance(shown, Text) else "" if shown is None else str(shown)


def _line(shown: object) -> str:
    return clean(" ".join(_plain(shown).split()), LONGEST)


def _lines(shown: object) -> tuple[str, ...]:
    return tuple(clean(line, LONGEST) for line in _plain(shown).split("\n"))


def claims_grid(report: Report) -> Grid:
    """The claims as a table of words, for formats without links."""
    rows: Sequence[tuple[tuple[str, ...], ...]] = [
        ((str(c.number),), (f"{c.saying.text} ({c.saying.where})",), (f"{c.sign} {c.answer}",), (c.told,), (s.title,))
        for c, s in report.answers
    ]
    return Grid("", ("", "claim", "answer", "why", "in"), tuple(rows), (True, False, False, False, False))
