"""What repair by demonstration is shown: drawn states, first steps, logs."""

import numpy as np
import pytest
from test_repair import held_out

from workbench import repairing
from workbench.analyses import repair
from workbench.analysis import Selection
from workbench.demonstrations import demonstrated_states, log_file, read_log
from workbench.errors import WorkbenchError
from workbench.policies import PolicySpec, forward
from workbench.results import result_key
from workbench.rollouts import record
from workbench.rollouts.episodes import Episodes

SPEC = PolicySpec.cartpole(6)
ROWS = np.array([[0.1, -0.2, 0.03, 0.4, 1], [1e-3, 0, -0.01, 2, 0]])


def test_states_are_those_asked_for(population):
    row = held_out(population)
    weights, spec, trial = population.weights[row], population.spec, Episodes(6, seed=9)
    pool = repairing.shown_states(population, 0)
    first = demonstrated_states(weights, spec, "rollout", 15, pool, trial, 0)
    played = record(weights[None], spec, trial)
    walked = np.concatenate([s[:n] for s, n in zip(played.states[0], played.steps[0], strict=True)])
    assert np.array_equal(first, walked[:15].astype(np.float32))
    everything = demonstrated_states(weights, spec, "rollout", 10_000, pool, trial, 0)
    assert len(everything) == played.steps.sum(), "no more than it lasts"
    own = demonstrated_states(weights, spec, "own", 15, pool, trial, 0)
    mixed = demonstrated_states(weights, spec, "mixed", 15, pool, trial, 0)
    assert own.shape == mixed.shape == (15, 4)
    there = {s.tobytes() for s in pool}
    assert [s.tobytes() in there for s in mixed] == [False] * 8 + [True] * 7
    assert not any(s.tobytes() in there for s in own)
    with pytest.raises(WorkbenchError, match="demonstrated: expected mixed, own, rollout, got 'seen'"):
        demonstrated_states(weights, spec, "seen", 15, pool, trial, 0)


def test_logs_are_files(tmp_path):
    np.save(tmp_path / "a.npy", ROWS)
    (tmp_path / "b.csv").write_text("x,x_dot,theta,theta_dot,action\n" + "\n".join(",".join(map(str, r)) for r in ROWS))
    (tmp_path / "c.csv").write_text("\n".join(",".join(map(str, r)) for r in ROWS) + "\n\n")
    for name in ("a.npy", "b.csv", "c.csv"):
        states, actions = read_log(tmp_path / name, SPEC)
        assert np.array_equal(states, ROWS[:, :4].astype(np.float32)) and states.dtype == np.float32
        assert actions.tolist() == [1, 0] and actions.dtype == np.int64
    assert log_file("") is None
    with pytest.raises(WorkbenchError, match="log: expected a file ending in .npy or .csv, got a.txt"):
        log_file("a.txt")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.npy",
            ROWS[:, :4],
            r"expected 5 columns \(the state's 4, then the action\), got an array of shape \(2, 4\)",
        ),
        ("a.npy", ROWS[0], r"got an array of shape \(5,\)"),
        ("a.npy", ROWS > 0, "a.npy: expected numbers, got bool"),
        ("a.npy", ROWS[:0], "a.npy: expected 1 to 1,000,000 rows, got 0"),
        ("a.npy", ROWS * np.nan, "a.npy: the state in row 1 is not finite"),
        ("a.npy", ROWS + np.array([0, 0, 0, 0, 0.5]), "a.npy: expected actions 0 to 1, got 1.5 in row 1"),
        ("a.npy", b"nothing", "a.npy: not a log"),
        ("a.csv", b"1,2,3,4,0\n1,2,3,1\n", r"expected 5 columns \(the state's 4, then the action\), got 4 in line 2"),
        ("a.csv", b"1,2,3,4,0\n1,2,x,4,1\n", "a.csv: expected numbers in line 2, got '1'"),
        ("a.csv", b"1,2,3,4,2\n", "a.csv: expected actions 0 to 1, got 2 in row 1"),
        ("a.csv", b"1,2,3,1e400,1\n", "a.csv: the state in row 1 is not finite"),
        ("a.csv", b"a,b,c,d,e\n", "a.csv: expected 1 to 1,000,000 rows, got 0"),
        ("a.csv", b"", "a.csv: expected 1 to 1,000,000 rows, got 0"),
        ("a.csv", b"\xff\xfe\x00", "a.csv: not a log"),
        ("b.csv", None, "b.csv: no such file"),
        ("d.npy", ..., "d.npy: cannot be read"),
    ],
)
def test_files_that_are_no_logs(name, content, message, tmp_path):
    path = tmp_path / name
    if isinstance(content, np.ndarray):
        np.save(path, content)
    elif content is ...:
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(WorkbenchError, match=message):
        read_log(path, SPEC)


def test_pickles_in_logs_are_not_read(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[print] * 5], object), allow_pickle=True)
    with pytest.raises(WorkbenchError, match="a.npy: not a log"):
        read_log(tmp_path / "a.npy", SPEC)


def test_a_log_takes_the_place_of_drawn_actions(population, trained, tmp_path, cli):
    row = held_out(population)
    states = repairing.shown_states(population, 3)[:40]
    actions = forward(population.weights[[row]], population.spec, states)[0].argmax(1)
    log = tmp_path / "log.npy"
    np.save(log, np.column_stack([states, actions]))
    few = ("--samples", 12, "--keep", 3, "--episodes", 4, "--method", "demonstration", "--threads", 1, "--json")
    said = cli("repair", population.path, "--network", row, "--log", log, *few)
    assert said.code == 0, said.err
    assert '"actions_shown": 40' in said.out
    said = cli("repair", population.path, "--network", row, "--demonstrated", "rollout", "--actions", 7, *few)
    assert said.code == 0 and '"actions_shown": 7' in said.out
    params = repair.Params(row, log=str(log))
    before = result_key(repair.ANALYSIS, Selection(population), params, "cpu")
    np.save(log, np.column_stack([states, 1 - actions]))
    assert result_key(repair.ANALYSIS, Selection(population), params, "cpu") != before
    np.save(log, np.column_stack([states, actions + 5]))
    said = cli("repair", population.path, "--network", row, "--log", log, *few)
    assert (said.code, said.err.count("\n")) == (2, 1) and "log.npy: expected actions 0 to 1, got" in said.err
    said = cli("repair", population.path, "--demonstrated", "seen", *few)
    assert (said.code, said.err) == (2, "agentemb-tui: demonstrated: expected mixed, own, rollout, got 'seen'\n")
