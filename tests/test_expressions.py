"""Filters: what they mean, and that nothing in them is ever run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import WorkbenchError
from workbench.expressions import MAX_LENGTH, matches, quoted
from workbench.policies import PolicySpec
from workbench.population import Population, Text, load

N = 8
SURVIVAL = np.array([9.4, 50.4, 50.6, 120, 150, 151, 200, np.nan])
LR = np.array([1e-3, 2e-3, 4e-3, 5e-3, 8e-3, 1e-2, 2e-2, 0], np.float32)
STEPS = np.arange(N) * 10
KEPT = np.arange(N) % 2 == 0
RECIPE = np.array(["dqn", "dqn", "old", "dqn", "reinforce", "reinforce", "old", "dqn"])
ID = np.arange(N)


@pytest.fixture(scope="module")
def population():
    columns = {"survival": SURVIVAL, "lr": LR, "steps": STEPS, "kept": KEPT, "recipe": Text.of(RECIPE)}
    return Population(PolicySpec((4, 2)), np.zeros((N, 10), np.float32), columns)


GROUP = np.array(["1-50", "1-50", "51-100", "101-150", "101-150", "151-200", "151-200", ""])
MARKS = ID > 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", np.ones(N, bool)),
        ("   ", np.ones(N, bool)),
        ("survival > 150", SURVIVAL > 150),
        (" survival >= 150", SURVIVAL >= 150),
        ("survival != 150", SURVIVAL != 150),
        ("steps == 30", STEPS == 30),
        ("50 < survival <= 150", (SURVIVAL > 50) & (SURVIVAL <= 150)),
        ("survival > 190 and lr < 0.005", (SURVIVAL > 190) & (LR < 0.005)),
        ("survival > 190 or lr < 0.005 and kept", (SURVIVAL > 190) | ((LR < 0.005) & KEPT)),
        ("not kept", ~KEPT),
        ("kept", KEPT),
        ("kept == True", KEPT),
        ("not (survival > 100)", ~(SURVIVAL > 100)),
        ("id < 3", ID < 3),
        ("id % 2 == 1", ID % 2 == 1),
        ("id in [1, 5, 99]", np.isin(ID, [1, 5])),
        ("id not in (1, 5)", ~np.isin(ID, [1, 5])),
        ("id in []", np.zeros(N, bool)),
        ("recipe == 'dqn'", RECIPE == "dqn"),
        ("recipe != 'dqn'", RECIPE != "dqn"),
        ("recipe in ['old', 'reinforce']", RECIPE != "dqn"),
        ("recipe < 'e'", RECIPE < "e"),
        ("group == '51-100'", GROUP == "51-100"),
        ("group in {'1-50', '151-200'}", np.isin(GROUP, ["1-50", "151-200"])),
        ("marked", MARKS),
        ("not marked and id > 4", ~MARKS & (ID > 4)),
        ("isnan(survival)", np.isnan(SURVIVAL)),
        ("abs(survival - 150) < 2", np.abs(SURVIVAL - 150) < 2),
        ("log(lr) < -6", np.exp(-6) > LR),
        ("sqrt(steps) > 7", np.sqrt(STEPS) > 7),
        ("-steps < -50", -STEPS < -50),
        ("steps ** 2 + 1 > 2 * steps * 10 - 3 / 4", STEPS**2 + 1 > 20 * STEPS - 0.75),
        ("steps / 0 > 1", STEPS > 0),
        ("3 > 2", np.ones(N, bool)),
        ("True", np.ones(N, bool)),
    ],
)
def test_filters_mean_what_numpy_does(population, text, expected):
    found = matches(population, text, MARKS)
    assert found.dtype == bool
    assert np.array_equal(found, expected), text


def test_nothing_is_marked_by_default_and_results_are_ones_own(population):
    assert not matches(population, "marked").any()
    found = matches(population, "kept")
    found[:] = True
    assert not KEPT.all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("survival >", "'survival >' does not parse: "),
        ("survival > > 3", "does not parse at character 12: "),
        ("survival > 1; lr < 2", "does not parse"),
        ("lr = 3", "does not parse"),
        ("survival > 0\0", "does not parse"),
        ("speed > 3", "no column 'speed'; there are id, survival, lr, steps, kept, recipe, group, marked"),
        ("survival", "'survival' is not a condition; compare it with something, as in survival > 190"),
        ("survival and kept", "'survival' is not a condition"),
        ("not lr", "'lr' is not a condition"),
        ("'dqn'", "is not a condition"),
        ("recipe > 3", "recipe is text and 3 is a number"),
        ("survival == 'dqn'", "'dqn' is text and survival is a number"),
        ("recipe in ['dqn', 3]", "recipe is text and 3 is a number"),
        ("group == '1-51'", "no group '1-51'; there are 1-50, 51-100, 101-150, 151-200"),
        ("group in ['1-50', 'best']", "no group 'best'; there are"),
        ("recipe + 1 > 3", "'recipe' is text; a number is expected there"),
        ("abs(recipe) > 3", "'recipe' is text"),
        ("-recipe > 3", "'recipe' is text"),
        ("kept is True", "'True' cannot be compared that way"),
        ("id in survival", "'survival' cannot be compared that way"),
        ("exp(lr) > 1", r"'exp\(lr\)' is not understood here"),
        ("log(lr, 2) > 1", "is not understood here"),
        ("abs(x=lr) > 1", "is not understood here"),
        ("lr // 2 > 1", "'lr // 2' is not understood here"),
        ("survival[0] > 1", "is not understood here"),
        ("recipe.upper() == 'X'", "is not understood here"),
        ("__import__('os').system('true')", "is not understood here"),
        ("(lambda: True)()", "is not understood here"),
        ("[kept for kept in kept]", "is not understood here"),
        ("kept if kept else kept", "is not understood here"),
        ("None", "is not understood here"),
        ("1j > 0", "is not understood here"),
        ("+lr > 0", "is not understood here"),
        (f"survival > {'1' * 400}", "cannot be computed"),
        ("9" * (MAX_LENGTH + 1), f"{MAX_LENGTH + 1} characters; at most {MAX_LENGTH} are read"),
        ("(" * 500 + "1" + ")" * 400, "does not parse"),
    ],
)
def test_filters_that_mean_nothing_are_told(population, text, message):
    with pytest.raises(WorkbenchError, match=f"^filter: .*({message})"):
        matches(population, text)


def test_groups_need_a_survival_time():
    bare = Population(PolicySpec((4, 2)), np.zeros((2, 10), np.float32), {"a": np.arange(2)})
    with pytest.raises(WorkbenchError, match="no column 'group'"):
        matches(bare, "group == '1-50'")


WORDS = [
    "survival",
    "lr",
    "steps",
    "kept",
    "recipe",
    "id",
    "marked",
    "group",
    "and",
    "or",
    "not",
    "in",
    "[",
    "]",
    "(",
    ")",
]
WORDS += [
    ",",
    "<",
    ">",
    "==",
    "!=",
    "+",
    "-",
    "*",
    "/",
    "**",
    "%",
    "abs",
    "log",
    "3",
    ".5",
    "1e9",
    "'dqn'",
    "True",
    "None",
]
WORDS += ["if", "else", "lambda", ":", ".", "x"]


def mask_or_message(population, text):
    try:
        return matches(population, text)
    except WorkbenchError as error:
        return str(error)


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=40))
def test_any_text_gives_a_mask_or_a_message(population, text):
    said = mask_or_message(population, text)
    if isinstance(said, str):
        assert said.startswith("filter: ")
    else:
        assert said.shape == (N,)
        assert said.dtype == bool


def test_a_network_is_found_by_its_fingerprint_as_it_is_shown(population_path):
    population = load(population_path)
    shown = f"{int(population['fingerprint'][7]):016x}"
    assert matches(population, f"fingerprint == '{shown}'").nonzero()[0].tolist() == [7]


def test_names_that_are_no_words_of_their_own(population):
    n = len(population)
    odd = population.with_columns(**{"return": np.arange(n), "class": Text.of(["return"] * n), "a/b c": np.arange(n)})
    assert matches(odd, "return >= 3 and class == 'return'").sum() == n - 3
    assert matches(odd, "`a/b c` < 4 and 2 < return").sum() == 1
    assert matches(odd, "class == '`a/b c`'").sum() == 0
    for name in ("return", "a/b c", "lr", "in"):
        assert quoted(name) == (name if name in ("return", "lr") else f"`{name}`")
    with pytest.raises(WorkbenchError, match=r"no column 'a/b'; there are .*, return, class, a/b c, group"):
        matches(odd, "`a/b` > 1")
    with pytest.raises(WorkbenchError, match="^filter: class is text and 1 is a number$"):
        matches(odd, "class > 1")
    with pytest.raises(WorkbenchError, match=r"'return \+ > 1' does not parse at character 10"):
        matches(odd, "return + > 1")
    for name in ("", "a`b", "a\nb"):
        with pytest.raises(WorkbenchError, match="cannot stand in one"):
            quoted(name)
