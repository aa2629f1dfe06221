"""One column against another: counts and correlations against NumPy and SciPy, filters of cells, runs, pictures."""

import csv
import json
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, spearmanr

from workbench.analyses import columns
from workbench.analysis import Selection
from workbench.compute import Compute
from workbench.crossing import OTHERS, choices
from workbench.errors import WorkbenchError
from workbench.expressions import matches
from workbench.figures import HeatMap, figure, text_heat_map
from workbench.matrices import draw_heat_map
from workbench.numerics.associations import cell_edges, places, spearman_interval
from workbench.policies import PolicySpec
from workbench.population import Population, Text
from workbench.runs import RunColumns, beside, checkpoints

N = 400
SPEC = PolicySpec((4, 2))


@pytest.fixture
def many(rng):
    """Networks with columns of every kind."""
    survival = rng.uniform(9, 200, N)
    survival[:7] = np.nan
    lr = np.exp(rng.uniform(-8, -3, N)).astype(np.float32)
    lr[5:9] = 0
    return Population(
        SPEC, np.zeros((N, SPEC.parameters), np.float32),
        {
            "survival": survival, "lr": lr, "batch": rng.choice([16, 32], N), "updates": rng.integers(-500, 8000, N),
            "held_out": rng.random(N) < 0.2, "recipe": Text.of(rng.choice(["dqn", "it's", ""], N).tolist()),
            "word": Text.of([f"w{int(k):02}" for k in rng.geometric(0.1, N)]), "same": np.full(N, 0.1, np.float32),
            "run": Text.of([f"r{k // 8}" if k < 80 else "" for k in range(N)]),
            "step": np.array([1000.0 * (8 - k % 8) for k in range(N)]), "two words": np.arange(N) % 3,
            "return": np.arange(N) / 7,
        },
    )  # fmt: skip


def counted(population, rows=None, **params):
    (frame,) = columns.run(Compute("cpu", 1), Selection(population, rows), columns.Params(**params))
    return frame


def test_counts_are_those_of_numpy_and_the_correlation_is_scipys(many):
    frame = counted(many, x="updates", y="survival", bins=30, up=11)
    known = np.isfinite(many["survival"])
    x, y = many["updates"][known].astype(float), many["survival"][known]
    expected, _, _ = np.histogram2d(y, x, [frame.y_edges, frame.x_edges])
    assert np.array_equal(frame.counts, expected)
    assert (frame.n, frame.unknown, frame.outside) == (known.sum(), 7, 0)
    rho = spearmanr(x, y).statistic
    assert frame.correlation == pytest.approx(rho)
    half = norm.ppf(0.975) * np.sqrt((1 + rho**2 / 2) / (len(x) - 3))
    assert (frame.low, frame.high) == pytest.approx((np.tanh(np.arctanh(rho) - half), np.tanh(np.arctanh(rho) + half)))


def test_intervals_hold_what_they_say(rng):
    rho, held = 0.6, 0
    of_ranks = 6 / np.pi * np.arcsin(rho / 2)
    for _ in range(300):
        x = rng.standard_normal(60)
        found = spearman_interval(x, rho * x + np.sqrt(1 - rho**2) * rng.standard_normal(60))
        held += found.low <= of_ranks <= found.high
    assert 0.91 <= held / 300 <= 0.985
    alone = spearman_interval(np.arange(3.0), np.arange(3.0))
    assert (alone.value, alone.low, alone.high) == (1, -1, 1)
    exact = spearman_interval(np.arange(9.0), -np.arange(9.0))
    assert (exact.value, exact.low, exact.high) == pytest.approx((-1, -1, -1))
    assert np.isnan(spearman_interval(np.ones(9), np.arange(9.0)).value)


@pytest.mark.parametrize(
    "params",
    [
        {"x": "lr", "y": "survival"},
        {"x": "lr", "y": "survival", "log": "xy"},
        {"x": "batch", "y": "updates"},
        {"x": "updates", "y": "lr", "log": "y", "bins": 7, "up": 5},
        {"x": "held_out", "y": "recipe"},
        {"x": "word", "y": "group", "bins": 6},
        {"x": "id", "y": "same"},
        {"x": "lr", "y": "lr"},
        {"x": "two words", "y": "return"},
    ],
)
def test_the_filter_of_a_cell_lets_through_what_is_counted_in_it(many, params):
    frame = counted(many, **params)
    side = {"recipe": "recipe != ''", "group": "survival > 0", "survival": "survival > 0"}.get(params["y"], "id >= 0")
    for row, column in np.ndindex(frame.counts.shape):
        found = matches(many, f"{frame.condition(row, column)} and {side}").sum()
        assert found == frame.counts[row, column], frame.condition(row, column)
    assert frame.n + frame.unknown + frame.outside == N


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=40), st.integers(1, 60))
def test_edges_rise_and_hold_all_numbers(values, bins):
    data = np.array(values)
    edges = cell_edges(data, bins, False)
    assert (np.diff(edges) > 0).all()
    assert len(edges) <= bins + 1
    assert edges[0] <= data.min()
    assert edges[-1] >= data.max()
    at = places(data, edges)
    assert ((edges[at] <= data) & (data <= edges[at + 1])).all()


def test_whole_numbers_have_cells_of_their_own_and_words_keep_theirs(many):
    frame = counted(many, x="batch", y="word", up=5)
    assert frame.x_edges.tolist() == np.arange(15.5, 33).tolist()
    assert frame.x_cells[0] == "batch == 16"
    assert frame.y_names[-1] == OTHERS
    assert len(frame.y_names) == 5
    assert list(frame.y_names[:-1]) == sorted(frame.y_names[:-1])
    assert frame.counts.sum() == N
    assert "no order" in columns.sentence(frame)


def test_what_has_no_place_is_left_out_and_told(many):
    frame = counted(many, x="lr", y="survival", log="x")
    assert (frame.unknown, frame.outside) == (7, 2)
    assert columns.about(frame) == "left out: 7 networks without a value; left out: 2 networks not above 0"
    assert counted(many, x="recipe", y="id").unknown == (many["recipe"] == "").sum()
    constant = counted(many, x="same", y="survival")
    assert columns.sentence(constant) == f"same is the same throughout (n {N - 7})."
    assert columns.summary(constant)["spearman"] is None
    assert counted(many, rows=(3, 20), x="lr").n == 1


def test_the_first_columns_are_of_how_networks_came_to_be(many):
    assert (counted(many).x, counted(many).y) == ("lr", "survival")
    bare = Population(SPEC, np.zeros((3, SPEC.parameters), np.float32))
    assert (counted(bare).x, counted(bare).y) == ("id", "id")
    assert "fingerprint" not in choices(many)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"x": "luck"}, "columns: no column 'luck'; there are survival, lr, batch, .*, group, id"),
        ({"x": "\x1b[1m"}, "columns: no column '�\\[1m'"),
        ({"bins": 0}, "bins: expected 1 to 200 cells, got 0"),
        ({"up": 201}, "up: expected 1 to 200 cells, got 201"),
        ({"log": "z"}, "log: expected x, y or xy, got 'z'"),
        ({"x": "recipe", "log": "x"}, "log: recipe is no number"),
        ({"trace": N}, f"trace: population has networks 0 to {N - 1}, got {N}"),
        ({"trace": 0, "run": "job"}, "runs: population has no column 'job'"),
        ({"trace": 0, "step": "recipe"}, "runs: recipe is text; a column of numbers is expected"),
    ],
)
def test_what_cannot_be_is_said(many, params, message):
    with pytest.raises(WorkbenchError, match=f"^{message}"):
        counted(many, **params)


def test_nothing_to_count_is_said(many):
    with pytest.raises(WorkbenchError, match="^columns: no networks$"):
        counted(many, rows=())
    with pytest.raises(WorkbenchError, match="^columns: no network has numbers or words in both lr and survival$"):
        counted(many, rows=(0, 1))
    less = many.with_columns(loss=-np.ones(N))
    with pytest.raises(WorkbenchError, match="^columns: .* above 0 in both loss and survival$"):
        counted(less, x="loss", log="x")
    odd = many.with_columns(**{"a`b": np.arange(N)})
    with pytest.raises(WorkbenchError, match="^filter: the name 'a`b' cannot stand in one$"):
        counted(odd, x="a`b").condition(0, 0)
    long = many.with_columns(tag=Text.of([f"{k % 90:020}" for k in range(N)]))
    with pytest.raises(WorkbenchError, match="^filter: this cell has more words than a filter holds$"):
        counted(long, x="tag", bins=60).condition(0, 59)


def test_a_run_is_joined_in_the_order_of_its_steps(many):
    names = RunColumns()
    rows = checkpoints(many, 19, names)
    assert rows.tolist() == list(range(23, 15, -1))
    frame = counted(many, x="step", y="updates", trace=19)
    assert frame.steps.tolist() == [1000.0 * k for k in range(1, 9)]
    assert np.array_equal(frame.joined, np.stack([frame.steps, many["updates"][rows]], 1))
    assert columns.about(frame) == "its run, checkpoints 8: ○ at 1,000, ● at 8,000"
    assert beside(many, 19, 1, names) == 18
    assert beside(many, 19, -99, names) == 23
    assert not len(checkpoints(many, 300, names))
    with pytest.raises(WorkbenchError, match="^runs: #300 has no run or no step$"):
        beside(many, 300, 1, names)
    by_number = many.with_columns(run=np.where(np.arange(N) < 8, 4.0, np.nan))
    assert len(checkpoints(by_number, 3, names)) == 8
    assert not len(checkpoints(by_number, 9, names))
    assert columns.cell_of(frame, many, 19) == tuple(
        int(places(np.array([v]), e)[0])
        for v, e in ((many["updates"][19], frame.y_edges), (many["step"][19], frame.x_edges))
    )
    assert columns.cell_of(counted(many, x="lr"), many, 0) is None


def test_the_map_in_characters_tells_none_from_one_and_where_the_run_goes():
    counts = np.array([[0, 1, 2], [40, 900, 0]], float)
    lines = HeatMap(counts, log=True, stretched=True, upward=True, x_names=("a", "b", "c"), y_range=(0.0, 2.0))
    cells, place = draw_heat_map(lines, 60, 16)
    shade = {(r, c): cells.characters[y][x] for r, c in np.ndindex(2, 3) for x, y in [place.spot(r, c)]}
    assert shade[0, 0] == shade[1, 2] == " "
    assert shade[0, 1] == "░"
    assert shade[1, 1] == "█"
    assert all(place.cell(*place.spot(r, c)) == (r, c) for r, c in np.ndindex(2, 3))
    assert place.cell(0, 0) is None
    joined = HeatMap(counts, log=True, stretched=True, upward=True, joined=np.array([[0.5, 0.5], [2.5, 1.5], [9, 9]]))
    text = text_heat_map(joined, 60, 16)
    assert text.index("●") < text.index("○")
    assert any("⠀" < c <= "⣿" for c in text)
    root = ElementTree.fromstring(figure([joined]))
    assert len(root.findall(".//{*}circle")) == 2


@pytest.mark.parametrize("most", [1, 2, 16, 81, 256, 1000, 10_000, 999_999])
def test_one_network_is_always_seen(most):
    cells, place = draw_heat_map(HeatMap(np.array([[0.0, 1, most]]), log=True), 40, 6)
    none, one, full = (cells.characters[y][x] for x, y in (place.spot(0, k) for k in range(3)))
    assert (none, one) == (" ", "░")
    assert full == ("█" if most >= 16 else "░" if most == 1 else "▒")


def test_the_command_line_writes_counts_and_a_run(many, tmp_path, cli):
    path, out = tmp_path / "many.safetensors", tmp_path / "counts.csv"
    many.save(path)
    where = "updates > 0"
    said = cli("columns", path, "--x", "step", "--trace", 19, "--where", where, "--counts", out, "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    rows = tuple(np.flatnonzero(many["updates"] > 0).tolist())
    frame = counted(many, rows, x="step", trace=19)
    assert found["counts"] == frame.counts.tolist()
    assert [point["step"] for point in found["run"]] == frame.steps.tolist()
    with out.open() as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == ["step from", "step to", "survival from", "survival to", "networks"]
    assert sum(int(line["networks"]) for line in lines) == frame.n
    assert cli("columns", path, "--x", "luck").code == 2
