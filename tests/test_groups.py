"""Survival groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import WorkbenchError
from workbench.groups import CARTPOLE, Groups
from workbench.paper import QUOTA, TABLE_1_TRAINING


def test_whole_numbers_of_steps_fall_where_the_names_say():
    for g, name in enumerate(CARTPOLE.names):
        low, high = map(int, name.split("-"))
        assert (CARTPOLE.assign(np.arange(low, high + 1)) == g).all()


def test_edges_lie_half_a_step_above():
    assert CARTPOLE.assign(np.array([50.49, 50.5, 100.49, 100.5, 150.49, 150.5, 500])).tolist() == [0, 1, 1, 2, 2, 3, 3]


def test_nan_belongs_to_no_group():
    survival = np.array([9, np.nan, 200, 60])
    assert CARTPOLE.assign(survival).tolist() == [0, -1, 3, 1]
    assert CARTPOLE.count(survival).tolist() == [1, 1, 0, 1]
    assert CARTPOLE.count(np.array([])).tolist() == [0, 0, 0, 0]


@given(st.lists(st.floats(0, 600), max_size=50))
def test_counts_are_those_of_a_histogram(values):
    # Half-open bins are NumPy's too, but for the last, which ends above everything here.
    expected, _ = np.histogram(values, [0, 50.5, 100.5, 150.5, 1000])
    assert CARTPOLE.count(np.array(values)).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("edges", "names"), [((1.0, 2.0), ("a", "b")), ((2.0, 1.0), ("a", "b", "c")), ((1.0, 1.0), ("a", "b", "c"))]
)
def test_groups_that_cannot_be_are_told(edges, names):
    with pytest.raises(WorkbenchError, match="groups: 2 rising edges need 3 names"):
        Groups(edges, names)


def test_other_groups():
    groups = Groups((10.0,), ("short", "long"))
    assert len(groups) == 2
    assert groups.assign(np.array([9.9, 10])).tolist() == [0, 1]


def test_the_papers_table_adds_up():
    assert sum(QUOTA) == TABLE_1_TRAINING["all"].size == 74_000
    mean = sum(TABLE_1_TRAINING[name].size * TABLE_1_TRAINING[name].mean for name in CARTPOLE.names) / 74_000
    assert mean == pytest.approx(TABLE_1_TRAINING["all"].mean, abs=0.1)
