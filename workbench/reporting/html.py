"""A report as one HTML file: styles and figures inside, no scripts; light or dark as the reader has it; printable."""

from collections.abc import Sequence
from html import escape

from workbench.claims import FAILS, HOLDS, UNSURE
from workbench.reporting.content import Grid, Report, Section

_CLASSES = {HOLDS: "holds", FAILS: "fails", UNSURE: "unsure"}

STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1c; --pale: #5c5c5c; --paper: #ffffff; --rule: #d4d4d4; --band: #f4f4f4;
  --holds: #00694d; --fails: #a33c00; --unsure: #6b5300; --link: #005a96; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --pale: #a8a8a8; --paper: #16181b; --rule: #3a3d42;
  --band: #1f2226; --holds: #4fd0a5; --fails: #ff9a5c; --unsure: #e6c34a; --link: #7cc0f4; } }
body { margin: 0 auto; max-width: 74rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; border-top: 1px solid var(--rule); padding-top: 1rem; }
a { color: var(--link); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; font-size: .875rem; color: var(--pale); }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
nav { font-size: .875rem; }
nav a { margin-right: .9rem; white-space: nowrap; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .8125rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem; border-bottom: 1px solid var(--rule); }
th.n, td.n { text-align: right; white-space: nowrap; }
thead th { background: var(--band); }
p.note { font-size: .8125rem; color: var(--pale); margin: .25rem 0 1rem; }
p.paper { border-left: 3px solid var(--rule); padding-left: .75rem; color: var(--pale); }
.holds { color: var(--holds); } .fails { color: var(--fails); } .unsure { color: var(--unsure); }
td.answer { font-weight: 600; white-space: nowrap; }
figure { margin: 1rem 0; background: #ffffff; border: 1px solid var(--rule); overflow-x: auto; }
figure svg { display: block; max-width: 100%; height: auto; margin: 0 auto; }
@page { size: A4; margin: 14mm 12mm; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } nav { display: none; }
  figure, tr { break-inside: avoid; } h2 { break-after: avoid; } .wide, figure { overflow: visible; }
  figure svg { max-height: 250mm; }
  table { font-size: 7.5pt; } th, td { padding: .15rem .35rem; } dl, p.note { font-size: 8pt; }
  td.n, th.n, td.answer { white-space: normal; } }
"""


def html(report: Report) -> str:
    """The whole report."""
    title = escape(report.title)
    links = "".join(f'<a href="#{escape(s.name)}">{escape(s.title)}</a> ' for s in report.sections)
    parts = [
        "<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">', f"<title>{title}</title>",
        f"<style>{STYLE}</style>", "</head>", "<body>", "<header>", f"<h1>{title}</h1>", _about(report.about),
        f'<nav><a href="#claims">Claims</a> {links}</nav>', "</header>", "<main>", _claims(report),
        *map(_section, report.sections), "</main>", "</body>", "</html>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _claims(report: Report) -> str:
    rows = [
        f'<tr id="claim-{c.number}"><td class="n">{c.number}</td>'
        f"<td>{escape(c.saying.text)} ({escape(c.saying.where)})</td>"
        f'<td class="answer {_CLASSES[c.answer]}"><span aria-hidden="true">{c.sign}</span> {escape(c.answer)}</td>'
        f'<td>{escape(c.told)}</td><td><a href="#{escape(s.name)}">{escape(s.title)}</a></td></tr>'
        for c, s in report.answers
    ]
    notes = [f"No answer yet: {', '.join(map(str, report.unanswered))}."] if report.unanswered else []
    notes += [f"Not made yet: {'; '.join(report.missing)}."] if report.missing else []
    table = _table("", ("no.", "claim", "answer", "why", "in"), ("", "", "", "", ""), rows)
    return "\n".join(['<section id="claims">', "<h2>The paper's claims</h2>", table, *map(_note, notes), "</section>"])


def _section(section: Section) -> str:
    parts = [
        f'<section id="{escape(section.name)}">', f"<h2>{escape(section.title)}</h2>",
        f'<p class="paper">The paper: {escape(section.printed)}</p>',
        *(_grid(block) if isinstance(block, Grid) else f"<p>{escape(block)}</p>" for block in section.blocks),
    ]  # fmt: skip
    if section.svg:
        # The drawing is this program's own, and has escaped what it was told.
        parts.append(f'<figure role="img" aria-label="{escape(section.title)}">\n{section.svg}</figure>')
    return "\n".join([*parts, _about(section.about), "</section>"])


def _about(about: tuple[tuple[str, str], ...]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in about)}</dl>"


def _grid(grid: Grid) -> str:
    sides = [' class="n"' if right else "" for right in grid.right]
    rows = [
        "<tr>"
        + "".join(f"<td{side}>{'<br>'.join(map(escape, c))}</td>" for c, side in zip(row, sides, strict=True))
        + "</tr>"
        for row in grid.rows
    ]
    return _table(grid.title, grid.headings, sides, rows) + (_note(grid.caption) if grid.caption else "")


def _table(title: str, headings: Sequence[str], sides: Sequence[str], rows: Sequence[str]) -> str:
    head = "".join(f'<th scope="col"{side}>{escape(h)}</th>' for h, side in zip(headings, sides, strict=True))
    caption = f"<caption>{escape(title)}</caption>" if title else ""
    body = "\n".join(rows)
    return f'<div class="wide"><table>{caption}<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>\n'


def _note(words: str) -> str:
    return f'<p class="note">{escape(words)}</p>'
