"""Results on disk: what they are found by, and what counts as absent."""

import json
import os
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import past, results
from workbench.analyses import find
from workbench.analysis import Analysis, Selection
from workbench.errors import WorkbenchError
from workbench.policies import PolicySpec
from workbench.population import Population
from workbench.results import ResultCache, result_key


@dataclass(frozen=True)
class Params:
    episodes: int = 3
    names: tuple[str, ...] = ("a",)


@dataclass(frozen=True)
class Frame:
    done: int
    total: int
    words: tuple
    measured: bool
    table: np.ndarray


ANALYSIS = Analysis("fake", "Fake", Params, Frame, run=None, table=str, summary=dict)
FRAME = Frame(2, 2, ("x", (1, 2.5)), True, np.arange(6, dtype=np.int16).reshape(2, 3))


@pytest.fixture
def selection(rng):
    return Selection(Population(PolicySpec((4, 2)), rng.normal(size=(4, 10)).astype(np.float32)))


def test_a_frame_comes_back(tmp_path, selection):
    cache = ResultCache(tmp_path / "deep" / "results")
    assert cache.load("k", ANALYSIS) is None
    cache.store("k", ANALYSIS, selection, Params(), FRAME, 1.5)
    back = cache.load("k", ANALYSIS)
    assert (back.done, back.total, back.words, back.measured) == (2, 2, ("x", (1, 2.5)), True)
    assert back.table.dtype == np.int16
    assert np.array_equal(back.table, FRAME.table)
    back.table[:] = 0  # one's own, not the file's
    assert cache.load("k", ANALYSIS).table[1, 2] == 5
    assert [p.name for p in cache.folder.iterdir()] == ["k.safetensors"]


def test_the_default_folder_is_the_users_cache(homes):
    assert ResultCache().folder == homes / "cache" / "agentemb-tui" / "results"


def test_what_cannot_be_read_counts_as_absent(tmp_path, selection):
    cache = ResultCache(tmp_path)
    cache.store("k", ANALYSIS, selection, Params(), FRAME, 1.5)
    content = cache.path("k").read_bytes()
    for damaged in (b"", content[:-5], content[:40], b"x" * 100, content.replace(b'\\"values\\":', b'\\"valuez\\":')):
        cache.path("k").write_bytes(damaged)
        assert cache.load("k", ANALYSIS) is None
    cache.path("k").write_bytes(content)
    assert cache.load("k", ANALYSIS) is not None

    @dataclass(frozen=True)
    class Newer:
        done: int
        total: int
        more: int

    assert cache.load("k", replace(ANALYSIS, Frame=Newer)) is None


def test_the_key_is_of_networks_parameters_program_and_device(selection, monkeypatch, rng):
    other = Population(PolicySpec((4, 2)), rng.normal(size=(4, 10)).astype(np.float32))
    keys = [
        result_key(ANALYSIS, selection, Params(), "cpu"),
        result_key(ANALYSIS, selection, Params(4), "cpu"),
        result_key(ANALYSIS, selection, Params(names=("b",)), "cpu"),
        result_key(ANALYSIS, selection, Params(), "cuda"),
        result_key(replace(ANALYSIS, name="other"), selection, Params(), "cpu"),
        result_key(ANALYSIS, Selection(selection.population, (0, 1)), Params(), "cpu"),
        result_key(ANALYSIS, Selection(selection.population, (1, 0)), Params(), "cpu"),
        result_key(ANALYSIS, Selection(other), Params(), "cpu"),
    ]
    same = Population(PolicySpec((4, 2)), np.array(selection.population.weights), {}, {"from": "elsewhere"})
    assert result_key(ANALYSIS, Selection(same), Params(), "cpu") == keys[0]
    monkeypatch.setattr(results, "program_digest", lambda: "another")
    keys.append(result_key(ANALYSIS, selection, Params(), "cpu"))
    assert len(set(keys)) == len(keys)


def test_the_key_is_of_files_that_are_read_too(selection, tmp_path):
    path = tmp_path / "states.npy"
    reading = replace(ANALYSIS, reads=lambda _selection, params: (path,) * params.episodes)

    def key(episodes=1):
        return result_key(reading, selection, Params(episodes), "cpu")

    with pytest.raises(WorkbenchError, match=f"^{path}: no such file$"):
        key()
    path.write_bytes(b"one")
    first = key()
    assert key() == first
    assert first != result_key(ANALYSIS, selection, Params(1), "cpu")
    path.write_bytes(b"two")
    assert key() != first
    path.write_bytes(b"one")
    assert key() == first
    assert key(0) == result_key(ANALYSIS, selection, Params(0), "cpu")


def test_the_programs_digest_follows_its_sources():
    first = results.program_digest()
    assert len(first) == 16
    assert results.program_digest() == first


def test_a_folder_that_cannot_be_written_is_told(tmp_path, selection):
    (tmp_path / "file").touch()
    with pytest.raises(WorkbenchError, match="cannot write there"):
        ResultCache(tmp_path / "file" / "x").store("k", ANALYSIS, selection, Params(), FRAME, 1)


def store(cache, selection, *keys, analysis=ANALYSIS, params=None):
    """Results one after another, each a second younger."""
    for k, key in enumerate(keys):
        cache.store(key, analysis, selection, params or Params(), FRAME, 1.5)
        os.utime(cache.path(key), (1000 + k, 1000 + k))


def test_the_header_says_what_it_is_of(tmp_path, selection, monkeypatch):
    cache = ResultCache(tmp_path)
    some = Selection(selection.population, (0, 2), "id != 1")
    cache.store("k", ANALYSIS, some, Params(5), FRAME, 1.5)
    (about,) = cache.kept()
    assert (about.key, about.analysis, about.networks, about.where) == ("k", "fake", 2, "id != 1")
    assert (about.population, about.rows) == (selection.population.content_hash, some.hash)
    assert (about.params, about.seconds) == ({"episodes": 5, "names": ["a"]}, 1.5)
    assert about.size == cache.path("k").stat().st_size
    assert about.current
    assert cache.made("k") == (1.5, about.date)
    monkeypatch.setattr(results, "program_digest", lambda: "another")
    assert not cache.kept()[0].current


def test_the_newest_come_first_and_what_cannot_be_read_is_left_out(tmp_path, selection):
    cache = ResultCache(tmp_path)
    assert cache.kept() == []
    store(cache, selection, "a", "b", "c")
    cache.path("b").write_bytes(b"x")
    (tmp_path / "other.txt").touch()
    assert [k.key for k in cache.kept()] == ["c", "a"]
    cache.delete("c")
    cache.delete("c")
    assert [k.key for k in cache.kept()] == ["a"]


def test_the_oldest_go_where_there_is_no_room(tmp_path, selection, monkeypatch):
    cache = ResultCache(tmp_path)
    store(cache, selection, "a", "b", "c")
    one = cache.path("a").stat().st_size
    stray = tmp_path / ".d.safetensors.writing-x"
    stray.touch()
    os.utime(stray, (1000, 1000))
    assert cache.prune(2 * one + one // 2) == 1
    assert [k.key for k in cache.kept()] == ["c", "b"]
    assert not stray.exists()
    assert cache.prune(0, keep="b") == 1
    assert [k.key for k in cache.kept()] == ["b"]
    monkeypatch.setenv(results.LIMIT, "0")
    store(cache, selection, "d")
    assert [k.key for k in cache.kept()] == ["d"]
    assert results.limit() == 0
    monkeypatch.setenv(results.LIMIT, "two")
    with pytest.raises(WorkbenchError, match="^AGENTEMB_RESULTS_MB: expected a number of megabytes, got 'two'$"):
        results.limit()


def test_two_summaries_are_walked_place_by_place():
    first = {"a": 1, "b": {"c": [1.5, "x"], "n": float("nan")}, "gone": True, "long": list(range(20))}
    second = {"a": 3, "b": {"c": [1.0, "x"], "n": float("nan")}, "new": None, "long": [1.0] * 20}
    found = {d.name: d for d in past.compare(first, second, brief=True)}
    assert list(found) == ["a", "b.c[0]", "b.c[1]", "b.n", "gone", "long: mean of 20", "new"]
    assert (found["a"].difference, found["b.c[0]"].difference) == (2.0, -0.5)
    assert found["b.c[1]"].same and found["b.c[1]"].difference is None
    assert found["b.n"].same
    assert (found["gone"].first, found["gone"].second, found["gone"].difference) == (True, None, None)
    assert (found["long: mean of 20"].first, found["long: mean of 20"].difference) == (9.5, -8.5)
    assert len(past.compare(first, second)) == 6 + 20


@given(st.recursive(st.integers() | st.text() | st.booleans(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)))
def test_nothing_differs_from_itself(summary):
    found = past.compare(summary, summary)
    assert all(d.same for d in found)
    assert all(d.difference in (None, 0) for d in found)


def test_what_another_version_made_is_told(tmp_path, selection):
    cache = ResultCache(tmp_path)
    store(cache, selection, "abcdef")
    (kept,) = cache.kept()
    with pytest.raises(WorkbenchError, match="^fake: this program has no analysis of that name$"):
        past.analysis_of(kept)
    survival = replace(kept, analysis="survival")
    with pytest.raises(WorkbenchError, match="^abcdef: its parameters are those of another version of survival$"):
        past.params_of(survival)
    with pytest.raises(WorkbenchError, match="^abcdef: gone, or made by a version of survival that this one cannot"):
        past.frame_of(cache, survival)
    with pytest.raises(WorkbenchError, match="^abcdef: what it says is of another version of fake$"):
        past.told(replace(kept, program="older"), lambda frame: frame.missing, FRAME)
    with pytest.raises(AttributeError):
        past.told(kept, lambda frame: frame.missing, FRAME)
    assert past.params_of(replace(survival, params={"episodes": 7})) == find("survival").Params(episodes=7)
    assert past.changed(kept) == kept.params
    assert past.changed(replace(survival, params={"episodes": 100, "cap": 50, "seed": 0})) == {"cap": 50, "seed": 0}
    with pytest.raises(WorkbenchError, match="^results: expected two of one analysis, got fake and survival$"):
        past.held_against(cache, kept, survival)


def test_results_on_the_command_line(cli, population_path, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("workbench.service.WORTH_KEEPING", 0.0)
    assert "0 results, 0 B" in cli("results").out
    for seed in (0, 1):
        assert cli("survival", population_path, "--episodes", "3", "--seed", seed, "--where", "id < 9").code == 0
    listed = json.loads(cli("results", "--json").out)
    assert [(r["params"]["seed"], r["networks"], r["where"]) for r in listed] == [(1, 9, "id < 9"), (0, 9, "id < 9")]
    assert listed[0]["population"]["path"] == str(population_path)
    newer, older = (r["key"][:6] for r in listed)
    assert newer + listed[0]["key"][6:8] in cli("results").out
    shown = json.loads(cli("results", "show", older, "--json").out)
    again = json.loads(cli("survival", population_path, "--episodes", "3", "--where", "id < 9", "--json").out)
    assert shown["survival"] == again["survival"]
    assert "Survival of 9 networks" in cli("results", "show", older).out
    compared = json.loads(cli("results", "compare", older, newer, "--json").out)["values"]
    differences = {v["name"]: v["second"] - v["first"] for v in compared if v["name"].startswith("survival[")}
    assert len(differences) == 9
    assert "parameter seed" in cli("results", "compare", older, newer).out
    assert cli("results", "delete", older).err == f"agentemb-tui: {listed[1]['key'][:8]} deleted (survival, " + (
        listed[1]["date"][:16].replace("T", " ") + ")\n"
    )
    gone = cli("results", "show", older)
    expected = "expected the beginning (4 characters or more) of one key"
    assert (gone.code, gone.err) == (2, f"agentemb-tui: results: {expected}, got '{older}'\n")
