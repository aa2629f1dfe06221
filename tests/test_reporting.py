"""The report says what was reproduced, escapes what it was told, and goes on where a run was interrupted."""

import json
import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import reproductions
from workbench.analysis import Analysis
from workbench.claims import FAILS, HOLDS, Claim
from workbench.compute import Compute
from workbench.paper import PRINTED
from workbench.population import Population
from workbench.reporting.content import Grid, Report, Section, blocks
from workbench.reporting.html import html
from workbench.reporting.markdown import markdown
from workbench.reporting.story import COSTS, Made, Story
from workbench.reproducing import Params
from workbench.results import ResultCache

HOSTILE = "<script>alert('1')</script> | `x` [a](b) \x1b[31m"


class Elements(HTMLParser):
    """Elements in the order of their beginning; fails where one ends that is not the last that began."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()

    def all(self, tag):
        return [attributes for name, attributes in self.seen if name == tag]


@dataclass(frozen=True)
class Frame:
    done: int
    total: int
    doing: str = "sampling"


def shown(frame):
    out = Table(title=HOSTILE, caption="so many")
    out.add_column("name")
    out.add_column("steps", justify="right")
    out.add_row(HOSTILE, "1.0\n[0.5, 1.5]")
    return Group(out, Text("a chart\nin characters"), Text("One sentence."))


def answered(frame):
    return [Claim(16, FAILS, HOSTILE)]


def fake(name, **more):
    return Analysis(
        name,
        f"Part {name}",
        Params,
        Frame,
        lambda *_: iter(()),
        shown,
        lambda f: {"n": f.done},
        claims=answered,
        **more,
    )


@pytest.fixture
def story(population, tmp_path, monkeypatch):
    made = {name: fake(name) for name in ("fig4", "fig7")}
    monkeypatch.setattr(reproductions, "find", made.__getitem__)
    hostile = Population(
        population.spec, population.weights, {"survival": population["survival"]}, {HOSTILE: [HOSTILE]}
    )
    return Story(hostile, Params(quick=True), ("fig4", "fig7"), Compute("cpu", 1), ResultCache(tmp_path))


def test_blocks_are_tables_and_lines():
    grid, line = blocks(shown(None))
    assert line == "One sentence.", "charts in characters are left to the figures"
    assert grid.headings == ("name", "steps") and grid.right == (False, True) and grid.caption == "so many"
    assert grid.rows[0][1] == ("1.0", "[0.5, 1.5]")
    assert "\x1b" not in grid.rows[0][0][0]
    assert list(blocks("")) == []


def test_a_report_escapes_all_it_is_told(story, tmp_path):
    story.made.append(Made(fake("fig4", figure=lambda f: "<svg></svg>\n"), Frame(3, 3), story.params, 61.0, "D", True))
    story.write(tmp_path)
    text = (tmp_path / "report.html").read_text()
    page = Elements(text)
    assert not page.all("script") and not page.all("img") and not page.all("link")
    assert len(page.all("svg")) == 1 and len(page.all("style")) == 1
    assert "src=" not in text and "http" not in text, "it needs nothing beside it"
    assert text.count("&lt;script&gt;") >= 4
    assert [row["id"] for row in page.all("tr") if "id" in row] == ["claim-16"]
    assert Claim(16, FAILS, "").finding in text
    assert "✗" in text and FAILS in text and "No answer yet: 1, 2, 3" in text and "Not made yet: Part fig7" in text
    assert {a["href"] for a in page.all("a")} == {"#claims", "#fig4"}
    assert text.count("--quick: fewer seeds") == 2, "of all, and of each part"
    assert PRINTED["fig4"] in text.replace("&#x27;", "'") and "kept from then" in text and "61 s" in text
    assert "prefers-color-scheme: dark" in text and "@media print" in text
    words = (tmp_path / "report.md").read_text()
    assert "<script" not in words and "\x1b" not in text + words
    assert "![Part fig4](fig4.svg)" in words
    rows = [line for line in words.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6, 3}, "five columns of claims, two of the table"


def test_answers_come_in_their_order():
    a, b = (Section(n, n, "", claims=(Claim(k, HOLDS, ""),)) for n, k in (("x", 9), ("y", 2)))
    report = Report("T", (), (a, b))
    assert [(c.number, s.name) for c, s in report.answers] == [(2, "y"), (9, "x")]
    assert report.unanswered == [k for k in range(1, 19) if k not in (2, 9)]
    grid = Grid("", ("a",), ((("1", "2"),),), (True,))
    page = html(replace(report, sections=(replace(a, blocks=(grid,)),)))
    Elements(page)
    assert '<td class="n">1<br>2</td>' in page
    assert "| 1<br>2 |" in markdown(replace(report, sections=(replace(a, blocks=(grid,)),)))


def test_every_reproduction_has_its_place():
    assert reproductions.names() == list(PRINTED)
    assert set(COSTS) == set(PRINTED)
    for name in reproductions.names():
        assert reproductions.find(name).whole


def test_progress_is_of_all_parts(story, monkeypatch):
    job = SimpleNamespace(analysis=fake("fig4"), frame=None, seconds=2.0, cached=False, params=story.params)
    assert story.progress(job)[0] == 0 and "1 of 2, fig4: starting" in story.progress(job)[2]
    job.frame = Frame(1, 2)
    done, total, words = story.progress(job)
    assert (done, total) == (4, 13)
    assert words.startswith("31 % ") and words.endswith("1 of 2, fig4: sampling")
    story.began -= 40
    assert "90 s left" in story.progress(job)[2]
    job.frame = Frame(2, 2)
    made = story.take(job)
    assert (made.seconds, made.reused) == (2.0, False)
    assert made.summary()["claims"][0]["number"] == 16
    job.analysis, job.frame = fake("fig7"), Frame(1, 2)
    assert story.progress(job)[0] == 10 and "2 of 2, fig7" in story.progress(job)[2]


def test_all_goes_on_where_it_was(population, monkeypatch, tmp_path, cli):
    """What is there already is kept; a report is written of whatever there is."""
    monkeypatch.setattr(reproductions, "names", lambda: ["robustness", "fig9"])
    arguments = ("reproduce", "all", population.path, "--quick", "--out", tmp_path, "--threads", 1)
    monkeypatch.setattr("workbench.service.WORTH_KEEPING", 0.0)
    said = cli(*arguments)
    assert said.code == 2 and "a tenth of them must be more than 10" in " ".join(said.err.split())
    assert "report of 1 of 2 written" in " ".join(said.err.split())
    before = json.loads((tmp_path / "robustness.json").read_text())
    assert [claim["number"] for claim in before["claims"]] == [15, 16, 17]
    assert before["made"]["params"]["quick"] is True
    assert "Not made yet: Figure 9" in (tmp_path / "report.html").read_text()
    monkeypatch.setattr(reproductions, "names", lambda: ["robustness"])
    said = cli(*arguments)
    assert said.code == 0, said.err
    assert "robustness, kept from" in said.err and "kept from then" in (tmp_path / "report.html").read_text()
    again = json.loads((tmp_path / "robustness.json").read_text())
    assert again["made"].pop("date") == before["made"].pop("date")
    assert {**again, "made": 0} == {**before, "made": 0}
    assert "Claim 15" in said.out and np.isfinite(before["measured"]).all()
    Elements((tmp_path / "report.html").read_text())
