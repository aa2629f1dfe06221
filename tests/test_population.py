"""Populations: columns, identity, what a file must hold."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

import workbench
from workbench import storage
from workbench.errors import WorkbenchError
from workbench.policies import PolicySpec
from workbench.population import Population, Text, fingerprints, held_out, load

SPEC = PolicySpec((4, 2))


def make(n=6, **columns):
    return Population(SPEC, np.random.default_rng(1).normal(size=(n, 10)).astype(np.float32), columns)


def test_a_collected_population_comes_back(population, population_path):
    again = workbench.load(str(population_path))
    assert again.spec == PolicySpec.cartpole()
    assert isinstance(again.weights, np.memmap)
    theirs = load_file(population_path)
    assert np.array_equal(theirs["weights"], again.weights)
    assert again.weights.shape == (96, 212)
    for name, column in again.columns.items():
        stored = theirs[f"column/{name}"]
        assert np.array_equal(stored, column.codes if isinstance(column, Text) else column)
    assert again.name == "small"
    assert set(again["recipe"]) == {"dqn"}
    assert again.provenance["collection"]["seed"] == 3
    again.verify()


def test_saving_and_loading_changes_nothing(tmp_path, population):
    copy = population.save(tmp_path / "copy.safetensors")
    assert copy.content_hash == population.content_hash
    assert copy.provenance == population.provenance
    assert copy.path == tmp_path / "copy.safetensors"
    assert (tmp_path / "copy.safetensors").read_bytes() == population.path.read_bytes()


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8), max_size=20))
def test_text_columns_keep_every_string(values):
    # NumPy's strings end before trailing NULs, which are left out here.
    column = Text.of(values)
    assert column.values().tolist() == values
    assert len(column) == len(values)
    assert list(column.vocabulary) == sorted(set(values))
    assert column[::-1].values().tolist() == values[::-1]


def test_text_and_empty_populations_come_back(tmp_path):
    named = make(name=Text.of(["b", "a", "ü\n", "b", "", "\x1b[31m"])).save(tmp_path / "n.safetensors")
    assert named["name"].tolist() == ["b", "a", "ü\n", "b", "", "\x1b[31m"]
    empty = make(0, survival=np.zeros(0), name=Text.of([])).save(tmp_path / "e.safetensors")
    assert len(empty) == 0
    assert empty["name"].tolist() == []
    empty.verify()


def test_the_content_hash_is_of_the_content_alone(tmp_path):
    plain = make(a=np.arange(6))
    told = Population(SPEC, plain.weights, {"a": np.arange(6)}, {"seed": 7})
    saved = told.save(tmp_path / "one.safetensors")
    assert plain.content_hash == told.content_hash == saved.content_hash
    assert saved.save(tmp_path / "two.safetensors").content_hash == plain.content_hash
    others = [
        make(a=np.arange(6)[::-1]),
        make(b=np.arange(6)),
        make(),
        make(5, a=np.arange(5)),
        Population(PolicySpec((4, 2), action="sampled"), plain.weights, {"a": np.arange(6)}),
        make(a=Text.of(list("012345"))),
    ]
    assert len({plain.content_hash, *(o.content_hash for o in others)}) == 7


def test_selections_and_new_columns_are_other_populations(population):
    rows = np.array([5, 2, 90])
    part = population.select(rows)
    assert np.array_equal(part.weights, population.weights[rows])
    assert np.array_equal(part["survival"], population["survival"][rows])
    assert part["recipe"].tolist() == ["dqn"] * 3
    assert part.path is None
    assert part.content_hash != population.content_hash
    mask = population["survival"] > 100
    assert len(population.select(mask)) == mask.sum()
    wider = population.with_columns(extra=np.arange(96))
    assert wider["extra"][7] == 7
    assert "extra" not in population.columns
    assert wider.content_hash != population.content_hash


def test_fingerprints_are_blake2b_of_a_row():
    weights = make().weights
    expected = [int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=8).digest(), "little") for row in weights]
    assert fingerprints(weights).tolist() == expected
    assert fingerprints(np.asfortranarray(weights)).tolist() == expected
    assert fingerprints(weights[:0]).shape == (0,)


def test_a_fifth_is_held_out_whatever_is_beside_it(rng):
    weights = rng.normal(size=(20_000, 10)).astype(np.float32)
    mask = held_out(fingerprints(weights))
    assert abs(mask.mean() - 0.2) < 4 * np.sqrt(0.2 * 0.8 / 20_000)
    order = rng.permutation(20_000)[:500]
    assert np.array_equal(held_out(fingerprints(weights[order])), mask[order])


def test_the_columns_of_a_collection_say_who_is_held_out(population):
    assert np.array_equal(population["fingerprint"], fingerprints(population.weights))
    assert np.array_equal(population["held_out"], held_out(population["fingerprint"]))


def test_missing_columns_are_told(population):
    with pytest.raises(WorkbenchError, match="small: no column 'speed'; there are index, survival, "):
        population["speed"]
    with pytest.raises(WorkbenchError, match="population: no column 'speed'; there are none"):
        make()["speed"]


@pytest.mark.parametrize(
    ("weights", "columns", "message"),
    [
        (np.zeros((3, 9), np.float32), {}, r"expected weights of shape \(n, 10\) for 4-2, got \(3, 9\)"),
        (np.zeros(10, np.float32), {}, r"got \(10,\)"),
        (np.zeros((3, 10)), {}, "expected float32 weights, got float64"),
        (np.zeros((3, 10), np.float32), {"a": np.zeros(4)}, "column 'a' has 4 entries for 3 networks"),
        (np.zeros((3, 10), np.float32), {"a": Text.of(["x"])}, "column 'a' has 1 entries for 3 networks"),
        (np.zeros((3, 10), np.float32), {"a": np.zeros((3, 2))}, r"column 'a' must have one entry .* shape \(3, 2\)"),
        (np.zeros((3, 10), np.float32), {"a": np.zeros(())}, r"column 'a' must have one entry .* shape \(\)"),
        (np.zeros((3, 10), np.float32), {"a": Text(np.zeros(3), ("x",))}, "a whole number where it codes text"),
    ],
)
def test_populations_that_cannot_be_are_told(weights, columns, message):
    with pytest.raises(WorkbenchError, match=message):
        Population(SPEC, weights, columns)


WEIGHTS = np.zeros((3, 10), np.float32)
GOOD = {"kind": "population", "schema": 1, "spec": SPEC.to_json(), "columns": [], "hash": "0" * 32}
CODED = {**GOOD, "columns": [{"name": "r", "vocabulary": ["x", "y"]}]}


@pytest.mark.parametrize(
    ("arrays", "header", "message"),
    [
        ({"weights": WEIGHTS}, {**GOOD, "kind": "result"}, "holds a result, expected a population"),
        ({"weights": WEIGHTS}, {"schema": 1}, "holds a thing without a kind, expected a population"),
        ({"weights": WEIGHTS}, {**GOOD, "schema": 99}, "written with schema 99; this program reads 1"),
        ({"weights": WEIGHTS}, {"kind": "population"}, "written with schema None; this program reads 1"),
        ({"w": WEIGHTS}, GOOD, "no array `weights`"),
        ({"weights": WEIGHTS[:, :9].copy()}, GOOD, r"expected weights of shape \(n, 10\) for 4-2, got \(3, 9\)"),
        ({"weights": WEIGHTS.astype(np.float64)}, GOOD, "expected float32 weights, got float64"),
        ({"weights": WEIGHTS}, {**GOOD, "spec": None}, "policy: expected an object of fields, got NoneType"),
        ({"weights": WEIGHTS}, {**GOOD, "spec": {"sizes": [4, 2]}}, "policy: cannot read its fields"),
        ({"weights": WEIGHTS}, {**GOOD, "columns": [{"name": "a"}]}, "its columns cannot be read .KeyError: .column/a"),
        ({"weights": WEIGHTS}, {**GOOD, "columns": ["a"]}, "its columns cannot be read"),
        ({"weights": WEIGHTS}, {**GOOD, "columns": None}, "its columns cannot be read"),
        ({"weights": WEIGHTS}, {**GOOD, "provenance": 5}, "its columns cannot be read"),
        ({"weights": WEIGHTS, "column/r": np.zeros(2, int)}, CODED, "column 'r' has 2 entries for 3 networks"),
        ({"weights": WEIGHTS, "column/r": np.array([0, 1, 2])}, CODED, "column 'r' has codes outside its vocabulary"),
        ({"weights": WEIGHTS, "column/r": np.array([0, -1, 1])}, CODED, "column 'r' has codes outside its vocabulary"),
        (
            {"weights": WEIGHTS, "column/r": np.array([0, np.inf, 1])},
            CODED,
            "column 'r' has codes outside its vocabulary",
        ),
    ],
)
def test_files_that_hold_no_population_are_told(tmp_path, arrays, header, message):
    path = tmp_path / "odd.safetensors"
    storage.write_tensors(path, arrays, header)
    with pytest.raises(WorkbenchError, match=message) as raised:
        load(path)
    assert str(raised.value).startswith(str(path))


def test_paths_without_a_population_are_told(tmp_path):
    with pytest.raises(WorkbenchError, match="a folder; expected a population file"):
        load(tmp_path)
    with pytest.raises(WorkbenchError, match=r"none.safetensors: no such file"):
        load(tmp_path / "none.safetensors")
    with pytest.raises(WorkbenchError, match=r"cannot be read .File name too long"):
        load("n" * 300)
    with pytest.raises(WorkbenchError, match=r"cannot be read .embedded null byte"):
        load("a\0b")


def test_a_header_with_another_hash_does_not_verify(tmp_path):
    path = tmp_path / "p.safetensors"
    storage.write_tensors(path, {"weights": WEIGHTS}, GOOD)
    damaged = load(path)
    assert damaged.content_hash == "0" * 32, "trusted until it is asked for"
    with pytest.raises(WorkbenchError, match=r"damaged: its content hash is .* its header says 000000000000"):
        damaged.verify()
    make().verify()
