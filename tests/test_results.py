"""Results on disk: what they are found by, and what counts as absent."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from workbench import results
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
