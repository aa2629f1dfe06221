"""Reference sets: what each choice stands for, what it is known by, and what cannot be used."""

import pickle
import warnings

import gymnasium
import numpy as np
import pytest

from workbench.errors import WorkbenchError
from workbench.physics import START_RANGE
from workbench.policies import PolicySpec, initial
from workbench.population import Population
from workbench.rollouts import reference_set as module
from workbench.rollouts.reference_set import FEWEST, KINDS, MOST, ReferenceSet, dimension_names, file_of, reference_set
from workbench.rollouts.states import visited

LIMITS = np.array([2.4, 3, 12 * np.pi / 180, 3])


def elsewhere(env="Acrobot-v1", sizes=(6, 5, 3), n=3, **kwargs):
    spec = PolicySpec(sizes, env=env, env_kwargs=tuple(kwargs.items()))
    return Population(spec, initial(spec, n, 0))


@pytest.fixture
def cartpoles():
    spec = PolicySpec((4, 5, 2))
    return Population(spec, initial(spec, 7, 0))


@pytest.fixture
def some(rng):
    return rng.normal(size=(30, 4)).astype(np.float32)


def written(path, states):
    if path.suffix == ".npy":
        np.save(path, states)
    else:
        np.savetxt(path, states, delimiter=",", fmt="%.9g")
    return str(path)


def test_rollouts_are_states_that_the_networks_visit(cartpoles):
    found = reference_set("rollouts", cartpoles, 200, 3)
    assert np.array_equal(found.states, visited(cartpoles.weights, cartpoles.spec, 200, 3))
    assert (found.states.dtype, found.name) == (np.float32, "rollouts of population")


def test_networks_that_are_not_finite_visit_nothing(cartpoles):
    broken = np.array(cartpoles.weights)
    broken[[0, 4], 3] = np.nan, np.inf
    found = reference_set("rollouts", Population(cartpoles.spec, broken), 100)
    kept = visited(np.delete(cartpoles.weights, [0, 4], 0), cartpoles.spec, 100)
    assert np.array_equal(found.states, kept)
    with pytest.raises(WorkbenchError, match="population: no network with finite weights to take states from"):
        reference_set("rollouts", Population(cartpoles.spec, np.full_like(broken, np.nan)))


def test_a_box_fills_the_limits_of_the_cart_pole(cartpoles):
    found = reference_set("box", cartpoles, 20_000)
    assert (found.states.shape, found.states.dtype, found.name) == ((20_000, 4), np.float32, "uniform box")
    within = found.states / LIMITS
    assert (np.abs(within) <= 1 + 1e-6).all()
    counts = np.stack([np.histogram(column, 10, (-1, 1))[0] for column in within.T])
    assert np.abs(counts - 2000).max() < 5 * np.sqrt(2000)
    assert np.abs(np.corrcoef(found.states.T) - np.eye(4)).max() < 0.04


def test_a_box_has_the_physics_of_the_population(cartpoles):
    spec = cartpoles.spec.with_env(x_threshold=10.0, theta_threshold_radians=1.0)
    found = reference_set("box", Population(spec, cartpoles.weights), 2000).states
    assert np.abs(found).max(0) == pytest.approx([10, 3, 1, 3], rel=0.01)


def test_a_box_elsewhere_is_the_space_of_observations():
    found = reference_set("box", elsewhere(), 3000)
    space = gymnasium.make("Acrobot-v1").observation_space
    assert (found.states >= space.low).all() and (found.states <= space.high).all()
    assert np.abs(found.states).max(0) == pytest.approx(space.high, rel=0.02)


def test_upright_is_where_episodes_start(cartpoles):
    found = reference_set("upright", cartpoles, 5000)
    assert np.abs(found.states).max() <= START_RANGE
    assert np.abs(found.states).max(0) == pytest.approx([START_RANGE] * 4, rel=0.01)
    assert found.name == "upright within 0.05"


@pytest.mark.parametrize("suffix", [".npy", ".csv"])
def test_states_from_a_file(suffix, cartpoles, some, tmp_path):
    path = written(tmp_path / f"mine{suffix}", some)
    found = reference_set(path, cartpoles)
    assert (found.name, found.states.dtype) == (f"mine{suffix}", np.float32)
    np.testing.assert_allclose(found.states, some, rtol=1e-7)
    fewer = reference_set(path, cartpoles, 12, 1).states
    places = [int(np.flatnonzero((np.abs(some - row) < 1e-6).all(1))[0]) for row in fewer]
    assert places == sorted(set(places)) and len(places) == 12
    assert not np.array_equal(fewer, reference_set(path, cartpoles, 12, 2).states)


@pytest.mark.parametrize("kind", [float, np.float16, ">f8", int, np.uint8])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_any_numbers(kind, order, cartpoles, tmp_path):
    states = np.arange(20).reshape(5, 4)
    path = written(tmp_path / "a.npy", np.asarray(states, kind, order=order))
    assert np.array_equal(reference_set(path, cartpoles).states, states)


@pytest.mark.parametrize(
    ("before", "skipped"),
    [
        ("x,v,angle,rate\n", 0),
        ("\ufeffx,v,angle,rate\n", 0),
        ("\ufeff", 0),
        ("# made by hand\n\n", 0),
        ("\n\n'x', 'ẋ', 'θ', 'θ̇'\n# and so on\n", 0),
    ],
)
def test_names_and_remarks_before_the_numbers(before, skipped, cartpoles, tmp_path):
    path = tmp_path / "h.csv"
    path.write_text(before + "".join(f"{k},0,{-k},1e-3\n" for k in range(6)) + "\n# the end\n", encoding="utf-8")
    found = reference_set(str(path), cartpoles).states
    np.testing.assert_allclose(found, [[k, 0, -k, 1e-3] for k in range(6)], rtol=1e-6)


def test_states_of_another_populations_rollouts(cartpoles, tmp_path):
    wide = PolicySpec((4, 9, 9, 2), "tanh")
    other = Population(wide, initial(wide, 3, 1)).save(tmp_path / "other.safetensors")
    found = reference_set(str(other.path), cartpoles, 50)
    assert found.name == "rollouts of other"
    assert np.array_equal(found.states, visited(other.weights, wide, 50))


@pytest.mark.parametrize("kind", ["rollouts", "box", "upright"])
def test_the_seed_decides(kind, cartpoles):
    first, again, other = (reference_set(kind, cartpoles, 50, seed) for seed in (0, 0, 1))
    assert np.array_equal(first.states, again.states)
    assert first.hash == again.hash != other.hash
    assert not np.isin(first.states[:, 0], other.states[:, 0]).any()


def test_the_hash_is_of_the_states_alone(some):
    first = ReferenceSet("a", some)
    assert len(first.hash) == 12 and int(first.hash, 16) >= 0
    for same in (some.copy(), np.asfortranarray(some), some.astype(">f4"), some.astype(float)):
        assert ReferenceSet("b", same).hash == first.hash
    for other in (some[::-1], some[:-1], some + 1e-3):
        assert ReferenceSet("a", other).hash != first.hash


def test_numbers_of_a_state_have_names():
    assert dimension_names(PolicySpec((4, 2))) == ("x", "ẋ", "θ", "θ̇")
    assert dimension_names(PolicySpec((6, 3), env="Acrobot-v1")) == ("s0", "s1", "s2", "s3", "s4", "s5")


def test_files_are_told_from_words():
    assert [file_of(kind) for kind in (*KINDS, "", "some", "a.txt")] == [None] * 6
    assert [file_of(f"a/b{suffix}").name for suffix in (".npy", ".csv", ".safetensors")] == [
        "b.npy", "b.csv", "b.safetensors"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "count", "seed", "message"),
    [
        ("box", FEWEST - 1, 0, "count: expected 4 to 1000000 states, got 3"),
        ("box", MOST + 1, 0, "count: expected 4 to 1000000 states, got 1000001"),
        ("rollouts", -5, 0, "count: expected 4 to 1000000 states, got -5"),
        ("rollouts", 10, -1, "seed: expected 0 or more, got -1"),
        ("circle", 10, 0, r"states: expected rollouts, box, upright or a file \(.npy, .csv, .safetensors\), got 'cir"),
        ("a.txt", 10, 0, r"states: expected .* or a file .*, got 'a.txt'"),
        ("", 10, 0, "states: expected .*, got 'nothing'"),
        ("no/such.npy", 10, 0, "^no/such.npy: no such file$"),
        ("no/such.csv", 10, 0, "^no/such.csv: no such file$"),
        ("no/such.safetensors", 10, 0, "no/such.safetensors: no such file"),
        ("n" * 300 + ".npy", 10, 0, "cannot be read .File name too long"),
    ],
)
def test_choices_that_cannot_be_are_told(kind, count, seed, message, cartpoles):
    with pytest.raises(WorkbenchError, match=message):
        reference_set(kind, cartpoles, count, seed)


def test_the_fewest_states(cartpoles, tmp_path):
    path = written(tmp_path / "few.npy", np.eye(4))
    for kind in (*KINDS, path):
        assert reference_set(kind, cartpoles, FEWEST).states.shape == (4, 4)


BAD = {
    "other width": (np.zeros((9, 3)), r"expected 4 states or more of 4 numbers, got shape \(9, 3\)"),
    "flat": (np.zeros(9), r"expected 4 states or more of 4 numbers, got shape"),
    "few": (np.zeros((3, 4)), r"expected 4 states or more of 4 numbers, got shape \(3, 4\)"),
    "none": (np.zeros((0, 4)), r"expected 4 states or more of 4 numbers, got shape \(0, "),
    "nan": (np.where(np.arange(36).reshape(9, 4) % 20, 1, np.nan), "2 of 9 states are not finite"),
    "inf": (np.where(np.arange(36).reshape(9, 4) > 34, np.inf, 1), "1 of 9 states are not finite"),
    "beyond float32": (np.full((9, 4), -1e39), "9 of 9 states are not finite"),
}


@pytest.mark.parametrize("suffix", [".npy", ".csv"])
@pytest.mark.parametrize("name", BAD)
def test_states_that_do_not_fit_are_told(name, suffix, cartpoles, tmp_path):
    states, message = BAD[name]
    path = written(tmp_path / f"bad{suffix}", states)
    with pytest.raises(WorkbenchError, match=f"^{path}: {message}"):
        reference_set(path, cartpoles)


class Touches:
    """Leaves a file if it is ever unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def objects(path):
    np.save(path, np.array([[Touches(path.parent / "touched")] * 4] * 5, object), allow_pickle=True)


def pickled(path):
    path.write_bytes(pickle.dumps(Touches(path.parent / "touched")))


def archive(path):
    with open(path, "wb") as file:
        np.savez(file, a=np.zeros((9, 4)))


def cut(path):
    np.save(path, np.zeros((9, 4)))
    path.write_bytes(path.read_bytes()[:-40])


def enormous(path):
    np.save(path, np.zeros((4, 4)))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"(4, 4), }" + b" " * 13, b"(1" + b"0" * 13 + b", 4), }"))


ODD = {
    "objects": (".npy", objects),
    "pickle": (".npy", pickled),
    "archive": (".npy", archive),
    "cut": (".npy", cut),
    "enormous": (".npy", enormous),
    "empty": (".npy", lambda path: path.touch()),
    "text": (".npy", lambda path: path.write_text("hello")),
    "strings": (".npy", lambda path: np.save(path, np.full((9, 4), "1"))),
    "complex": (".npy", lambda path: np.save(path, np.zeros((9, 4), complex))),
    "dates": (".npy", lambda path: np.save(path, np.zeros((9, 4), "M8[s]"))),
    "records": (".npy", lambda path: np.save(path, np.zeros(9, "f4,f4,f4,f4"))),
    "words": (".csv", lambda path: path.write_text("a,b,c,d\n1,2,3,x\n")),
    "one word": (".csv", lambda path: path.write_text("1,2,oops,4\n" + "1,2,3,4\n" * 9)),
    "ragged": (".csv", lambda path: path.write_text("1,2,3,4\n1,2,3\n" * 5)),
    "semicolons": (".csv", lambda path: path.write_text("x;y\n" + "1;2;3;4\n" * 5)),
    "bytes": (".csv", lambda path: path.write_bytes(bytes(range(128, 256)) * 3)),
}


@pytest.mark.parametrize("name", ODD)
def test_files_that_hold_no_states_are_told_and_never_unpickled(name, cartpoles, tmp_path):
    suffix, make = ODD[name]
    path = tmp_path / f"odd{suffix}"
    make(path)
    with pytest.raises(WorkbenchError, match=rf"^{path}: not an array of numbers \(.*\)$") as told:
        reference_set(str(path), cartpoles)
    assert not (tmp_path / "touched").exists()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "x,v,a,b\n", "x,v,a,b\n# nothing\n\n"])
def test_an_empty_table_is_told_without_a_warning(text, cartpoles, tmp_path):
    path = tmp_path / "empty.csv"
    path.write_text(text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(WorkbenchError, match="expected 4 states or more of 4 numbers"):
            reference_set(str(path), cartpoles)


def test_files_that_are_too_large_are_not_read(cartpoles, some, tmp_path, monkeypatch):
    path = written(tmp_path / "a.npy", some)
    monkeypatch.setattr(module, "LARGEST_FILE", 100)
    monkeypatch.setattr(np.lib.format, "open_memmap", None)
    with pytest.raises(WorkbenchError, match="a.npy: .* GiB; states are read from files of 1 GiB at most"):
        reference_set(path, cartpoles)


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".safetensors"])
def test_folders_are_told(suffix, cartpoles, tmp_path):
    folder = tmp_path / f"folder{suffix}"
    folder.mkdir()
    with pytest.raises(WorkbenchError, match=f"^{folder}: .*(Is a directory|a folder)"):
        reference_set(str(folder), cartpoles)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (elsewhere(), "its networks see 6 numbers of Acrobot-v1, those compared 4 of CartPole-v1"),
        (elsewhere("CartPole-v0", (4, 3, 2)), "its networks see 4 numbers of CartPole-v0, those compared 4 of"),
    ],
)
def test_populations_that_see_something_else_are_told(other, message, cartpoles, tmp_path):
    path = other.save(tmp_path / "other.safetensors").path
    with pytest.raises(WorkbenchError, match=f"^{path}: {message}"):
        reference_set(str(path), cartpoles)


def test_files_that_hold_no_population_are_told(cartpoles, tmp_path):
    (tmp_path / "a.safetensors").write_text("no")
    with pytest.raises(WorkbenchError, match="not a safetensors file, cut or damaged"):
        reference_set(str(tmp_path / "a.safetensors"), cartpoles)


def test_there_is_no_box_without_bounds_and_upright_is_the_cart_poles():
    with pytest.raises(WorkbenchError, match="states: upright is defined for Cart-Pole, not for Acrobot-v1"):
        reference_set("upright", elsewhere())
    mountain = reference_set("box", elsewhere("MountainCarContinuous-v0", (2, 3, 1)), 10)
    assert mountain.states.shape == (10, 2)
    gymnasium.register("Unbounded-v0", lambda **_: Unbounded())
    try:
        with pytest.raises(WorkbenchError, match="states: the observations of Unbounded-v0 have no bounds to draw a b"):
            reference_set("box", elsewhere("Unbounded-v0", (2, 3, 2)))
    finally:
        del gymnasium.registry["Unbounded-v0"]


class Unbounded(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,))
    action_space = gymnasium.spaces.Discrete(2)


def test_an_unknown_environment_is_told():
    for kind in ("rollouts", "box"):
        with pytest.raises(WorkbenchError, match="environment 'Nowhere-v0'"):
            reference_set(kind, elsewhere("Nowhere-v0"))


@pytest.mark.parametrize("population", [elsewhere(), elsewhere("Pendulum-v1", (3, 4, 1))], ids=["Acrobot", "Pendulum"])
def test_rollouts_elsewhere(population):
    found = reference_set("rollouts", population, 20)
    assert found.states.shape == (20, population.spec.sizes[0])
    assert np.isfinite(found.states).all()
