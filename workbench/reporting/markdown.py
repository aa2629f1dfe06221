"""A report in Markdown, with its figures as files beside it."""

import re
from html import escape

from workbench.reporting.content import Grid, Report, claims_grid

_MARKUP = re.compile(r"([\\`*_{}\[\]#|~])")


def markdown(report: Report) -> str:
    """The whole report; a section's figure is `NAME.svg` beside it."""
    out = [f"# {_safe(report.title)}", "", *(f"- {_safe(name)}: {_safe(value)}" for name, value in report.about), ""]
    out += ["## The paper's claims", "", _table(claims_grid(report)), ""]
    if report.unanswered:
        out += [f"No answer yet: {', '.join(map(str, report.unanswered))}.", ""]
    if report.missing:
        out += [f"Not made yet: {_safe('; '.join(report.missing))}.", ""]
    for section in report.sections:
        out += [f"## {_safe(section.title)}", "", f"The paper: {_safe(section.printed)}", ""]
        for block in section.blocks:
            out += [_grid(block) if isinstance(block, Grid) else _safe(block), ""]
        out += [f"![{_safe(section.title)}]({section.name}.svg)", ""] if section.svg else []
        out += ["; ".join(f"{_safe(name)}: {_safe(value)}" for name, value in section.about), ""]
    return "\n".join(out)


def _grid(grid: Grid) -> str:
    parts = [f"**{_safe(grid.title)}**\n" if grid.title else "", _table(grid)]
    parts += [f"\n{_safe(grid.caption)}"] if grid.caption else []
    return "\n".join(part for part in parts if part)


def _table(grid: Grid) -> str:
    rule = "|".join("---:" if right else "---" for right in grid.right)
    lines = [f"| {' | '.join(map(_safe, grid.headings))} |", f"|{rule}|"]
    lines += [f"| {' | '.join('<br>'.join(map(_safe, cell)) for cell in row)} |" for row in grid.rows]
    return "\n".join(lines)


def _safe(words: str) -> str:
    """Words that no reader of Markdown takes for markup."""
    return _MARKUP.sub(r"\\\1", escape(words, quote=False))
