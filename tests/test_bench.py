"""Benchmarks: what they compute and say, at tiny sizes; nothing is timed here."""

import io
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from workbench import bench
from workbench.analyses import find
from workbench.analysis import describe_params
from workbench.bench import collection, convergence, measure, rollouts, screen, startup, terminal
from workbench.bench.measure import Contender, compare
from workbench.errors import WorkbenchError
from workbench.policies import PolicySpec
from workbench.rollouts import Episodes, survival

TINY_ROLLOUTS = rollouts.Size(networks=6, episodes=4, batch=3, plain_networks=2, plain_episodes=2)
TINY_COLLECTION = collection.Size(networks=3, plain_networks=2, plain_updates=3, collected=32)
PAINTS = "import sys, time; sys.stdout.write('\\x1b[?1049h' + 'hello'); sys.stdout.flush(); time.sleep(60)"


def quiet(_words):
    pass


@pytest.fixture
def nothing_shipped(monkeypatch, tmp_path):
    for module in (measure, collection, startup):
        monkeypatch.setattr(module, "default_population", lambda: tmp_path / "none.safetensors")


def series(name, values, log, fail_at=None):
    left = iter(values)

    def go():
        log.append(name)
        if fail_at is not None and log.count(name) > fail_at:
            raise WorkbenchError(f"{name} broke")
        return next(left)

    return Contender(name, f"{name} measured", go)


def printed(results, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(bench.table(results))
    return console.file.getvalue()


def test_contenders_take_turns_and_medians_of_the_rounds_count():
    log = []
    first, second = compare(
        "b", "g", "things per second", [series("A", [10, 20, 90], log), series("B", [5, 40, 9], log)], 3, quiet
    )
    assert log == ["A", "B", "A", "B", "A", "B"]
    assert (first.value, first.low, first.high, first.speed) == (20, 10, 90, 1)
    assert (second.value, second.low, second.high) == (9, 5, 40)
    assert second.speed == 0.5, "the median of the rounds' own ratios .5, 2 and .1"
    assert second.measured == "B measured; 3 rounds"


def test_seconds_are_better_when_fewer():
    _, second = compare("b", "g", "s", [series("A", [2.0], []), series("B", [0.5], [])], 1, quiet)
    assert second.speed == 4
    assert second.measured.endswith("; 1 round")


def test_one_that_fails_is_left_out_and_says_why():
    log = []
    good, bad = compare("b", "g", "x", [series("A", [1, 2, 3], log), series("B", [1], log, fail_at=1)], 3, quiet)
    assert log == ["A", "B", "A", "B", "A"]
    assert good.value == 2
    assert np.isnan(bad.value)
    assert bad.measured == "not measured: B broke"
    text = printed([good, bad])
    assert "not measured: B broke" in text
    assert "nan" not in text


def test_without_the_first_there_is_no_speed():
    _, other = compare("b", "g", "x", [series("A", [], [], fail_at=0), series("B", [1], [])], 1, quiet)
    assert other.value == 1
    assert np.isnan(other.speed)


def test_table_says_what_was_measured_once_for_rows_alike():
    rows = [Contender(name, "the same", lambda: 2e6) for name in ("one", "two")]
    text = printed(compare("b", "[g]", "steps per second", rows, 2, quiet))
    assert "b: [g], steps per second" in text, "names are no markup"
    assert text.count("the same; 2 rounds") == 1
    assert "1 2 the same" in text
    assert "2M" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.0124, "s", "12 ms"), (4.21, "s", "4.2 s"), (300, "s", "5.0 min"), (40000, "s", "11 h 7 min"),
     (7.12e7, "steps", "71.2M"), (26_000, "steps", "26k"), (0.913, "networks", "0.913"), (float("nan"), "s", "-")],
)  # fmt: skip
def test_figures(value, unit, text):
    assert bench.figure(value, unit) == text


def test_speeds_in_words():
    said = [bench.beside(s) for s in (1, 1.934, 1 / 2700, 250.4, float("nan"))]
    assert said == ["1", "1.93x as fast", "2,700x slower", "250x as fast", "-"]


def test_unknown_names_are_told_with_the_known_ones(cli):
    known = "rollouts, collection, generators, convergence, startup, screen"
    with pytest.raises(WorkbenchError, match=f"expected {known}, got 'speed'"):
        bench.run(["rollouts", "speed"], 1, Console(file=io.StringIO()))
    said = cli("bench", "speed")
    assert said.code == 2
    assert known in " ".join(said.err.split())


@pytest.mark.usefixtures("nothing_shipped")
def test_rollouts_beside_the_others(monkeypatch, cli):
    monkeypatch.setattr(rollouts, "Size", lambda: TINY_ROLLOUTS)
    said = cli("bench", "rollouts", "--repeats", "1", "--json")
    assert said.code == 0
    assert "round 1 of 1" in said.err
    rows = json.loads(said.out)
    assert {row["benchmark"] for row in rows} == {"rollouts"}
    assert [row["unit"] for row in rows[:4]] == ["env-steps per core-second"] * 4
    assert all(row["value"] > 0 and row["low"] == row["value"] == row["high"] for row in rows)
    assert "6 networks trained for this, 4 episodes" in rows[0]["measured"]
    assert "4 episodes as long as in the kernel; 1 round" in rows[1]["measured"]
    assert [row["what"] for row in rows[4:6]] == ["1 thread", "2 threads"]
    assert "; had " in rows[5]["measured"]
    assert " cores; 1 round" in rows[5]["measured"]


def test_the_plain_ways_play_what_the_kernel_plays(population):
    weights, spec, episodes = population.weights[:6], population.spec, Episodes(4, 60, 1)
    kernel = survival(weights, spec, 4, 60, 1)
    plain = rollouts.play_plainly(weights, spec, episodes)
    assert plain.shape == kernel.shape
    assert (plain == kernel).mean() > 0.9
    vectorised = rollouts.play_vectorised(weights, spec, episodes)
    assert vectorised.shape == kernel.shape
    assert (vectorised <= 60).all()
    assert (vectorised > 30).all()


def test_convergence_beside_numpy_and_scipy(monkeypatch, cli):
    tiny = convergence.Size(networks=6, states=200, plain_pairs=2)
    monkeypatch.setattr(convergence, "Size", lambda: tiny)
    said = cli("bench", "convergence", "--repeats", "1", "--json")
    assert said.code == 0
    rows = json.loads(said.out)
    assert {row["group"] for row in rows} == {"all pairs of 6 networks"}
    assert all(row["value"] > 0 and row["unit"] == "s" for row in rows)
    assert "6 shipped networks, 200 states, 15 pairs" in rows[0]["measured"]
    assert "2 pairs, extrapolated" in rows[-1]["measured"]


@pytest.mark.usefixtures("nothing_shipped")
def test_collection_beside_torch():
    ours, plain, *whole, torch_whole = collection.measure(1, quiet, TINY_COLLECTION)
    assert ours.speed == 1
    assert 0 < plain.speed < 1
    assert "2 of them for 3 updates each, extrapolated to" in plain.measured
    assert all("extrapolated from 32 networks" in row.measured and row.unit == "s" for row in whole)
    assert torch_whole.value > whole[0].value
    assert torch_whole.low <= torch_whole.value <= torch_whole.high
    json.dumps([row.to_json() for row in (ours, plain, *whole, torch_whole)], allow_nan=False)


def test_networks_dropped_by_a_quota_count(monkeypatch, population, tmp_path):
    path = tmp_path / "thinned.safetensors"
    thinned = population.__class__(
        population.spec, population.weights, {}, {"collection": {"count": 80}, "trained": 100}
    ).save(path)
    monkeypatch.setattr(collection, "default_population", lambda: path)
    monkeypatch.setattr(collection, "load", lambda: thinned)
    assert collection.trained_per_kept() == (1.25, "1.25 trained for one kept, as in the shipped population")


def test_the_torch_dqn_learns_something():
    spec = PolicySpec.cartpole()
    settings = collection.Settings(updates=40, lr=1e-2, gamma=0.95, batch=16, epsilon=0.05, target=10)
    weights = collection.train_plainly(settings, spec, 3)
    assert weights.shape == (spec.parameters,)
    assert np.isfinite(weights).all()
    assert np.array_equal(weights, collection.train_plainly(settings, spec, 3)), "a seed decides"
    assert not np.array_equal(weights, collection.train_plainly(settings, spec, 4))


def test_a_paint_is_what_comes_after_the_screen_is_taken():
    assert 0 < startup.seconds_to([sys.executable, "-c", PAINTS], "hello") < startup.PATIENCE


@pytest.mark.parametrize(
    ("code", "fault"),
    [("print('agentemb-tui: no such file')", "ended without a paint: agentemb-tui: no such file"),
     ("pass", "ended without a paint: no output"),
     ("import time; time.sleep(60)", "did not paint 'agentemb' within 0.5 s")],
)  # fmt: skip
def test_apps_that_do_not_paint(code, fault):
    patience = 0.5 if "sleep" in code else startup.PATIENCE
    with pytest.raises(WorkbenchError, match=fault):
        startup.seconds_to([sys.executable, "-c", code], "agentemb", patience)


def test_an_app_that_does_not_leave_is_killed(monkeypatch):
    monkeypatch.setattr(terminal, "LEAVING", 0.1)
    begun = []
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: begun.append(popen(*a, **k)) or begun[-1])
    startup.seconds_to([sys.executable, "-c", "import signal; signal.signal(15, signal.SIG_IGN); " + PAINTS], "hello")
    assert begun[0].returncode == -9


def test_a_bare_app_paints():
    assert startup.seconds_to([sys.executable, "-c", startup.BARE], "agentemb") > 0


def test_processes_that_cannot_be_timed():
    with pytest.raises(WorkbenchError, match="exit 1: ModuleNotFoundError: No module named 'nothing_here'"):
        startup.seconds_of([sys.executable, "-c", "import nothing_here"])
    with pytest.raises(WorkbenchError, match="No such file"):
        startup.seconds_of(["/nowhere/python"])
    with pytest.raises(WorkbenchError, match="No such file"):
        startup.seconds_to(["/nowhere/python"], "x")


@pytest.mark.usefixtures("nothing_shipped")
def test_startup_without_a_shipped_population(tmp_path, monkeypatch):
    monkeypatch.setattr(startup, "STAND_INS", 8)
    population = startup.shipped_or_small(tmp_path)
    assert len(population) == 8
    assert population.path == tmp_path / "bench.safetensors"
    assert startup.seconds_of([*startup.program(), "--version"]) > 0


@pytest.mark.usefixtures("nothing_shipped")
def test_the_screen_beside_a_bare_app(monkeypatch, tmp_path):
    monkeypatch.setattr(startup, "STAND_INS", 64)
    size = screen.Size(keys=4, apart=0.01, seconds=0.2, moves=1, jobs=("collect",), panes=("dataset",))
    monkeypatch.setattr(screen, "Size", lambda: size)
    results = screen.measure(1, quiet)
    assert {row.group for row in results} == set(screen.UNITS)
    rows = {(row.group, row.what): row for row in results}
    assert rows["to paint", "a bare Textual app"].speed == 1
    assert rows["to paint", "agentemb-tui, population on the screen"].value > 0
    assert rows["a key on the screen", "agentemb-tui, while collect runs"].measured.startswith("j, from the key")
    assert rows["sent for a move of the cursor", "dataset"].value > 0
    assert rows["memory", "agentemb-tui"].value > rows["memory", "agentemb-tui, its own"].value
    assert all(row.target is None for row in results if "bare" in row.what)
    text = printed(results, 120)
    assert "<= 350 ms" in text and "<= 20 ms" in text and ("ok" in text or "misses" in text)


def test_fields_of_the_jobs_come_in_the_order_of_their_forms():
    for name, asked in screen.JOBS.items():
        form = [field.name for field, _ in describe_params(find(name).Params)]
        assert list(asked) == sorted(asked, key=form.index)


def test_targets_are_met_or_missed_in_words():
    row = measure.Result("b", "g", "w", 30.0, "bytes", 30.0, 30.0, 1.0, "", 40.0)
    assert bench.verdict(row) == "<= 40 ok"
    assert bench.verdict(replace(row, value=41.0)) == "<= 40 misses"
    assert bench.verdict(replace(row, value=float("nan"))) == "<= 40 -"
    assert bench.verdict(replace(row, target=None)) == ""
    assert [bench.amount_beside(s) for s in (1, 0.5, float("nan"))] == ["1", "2x as much", "-"]


def test_keys_and_sizes_reach_an_app_in_a_terminal():
    code = (
        "import os, signal, sys, tty; tty.setraw(0); "
        "signal.signal(signal.SIGWINCH, lambda *_: os.write(1, str(os.get_terminal_size(0).columns).encode())); "
        "os.write(1, b'\x1b[?1049hready'); os.write(1, repr(os.read(0, 9)).encode())\n"
        "while True: signal.pause()"
    )
    with terminal.Terminal([sys.executable, "-c", code], 70, 20) as one:
        one.until("ready")
        one.send("down", "x")
        one.until(repr(b"\x1b[Bx"))
        one.resize(61, 9)
        one.until("61")
        assert one.memory()[0] > 1
        assert one.processor_seconds() >= 0


def test_importing_benchmarks_and_doctor_imports_nothing_heavy():
    code = (
        "import sys, workbench.doctor, workbench.bench\n"
        "for name in workbench.bench.SUBJECTS: __import__(f'workbench.bench.{name}')\n"
        "print([m for m in ('torch', 'numba', 'gymnasium', 'scipy.stats', 'textual') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
