"""Collections: the same networks however they are interrupted, and what is refused."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import storage
from workbench.analyses.collect import Params, plan_of
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.groups import CARTPOLE
from workbench.numerics.statistics import standard_error
from workbench.paper import QUOTA
from workbench.policies import PolicySpec
from workbench.population import load
from workbench.rollouts import Episodes, behaviour, rollout
from workbench.training import collection
from workbench.training.collection import collect
from workbench.training.parts import snapshot
from workbench.training.plan import Plan, paper_quota
from workbench.training.recipes import HYPERPARAMETERS, Recipe

ONE = Compute("cpu", 1)


def plan(count=80, seed=5, recipe="dqn", settings=("updates=5..60",), quota=None, episodes=None, hidden=8):
    return Plan(count, seed, recipe, settings, quota, episodes or Episodes(10), PolicySpec.cartpole(hidden))


def run(out, what, compute=ONE, resume=False):
    frames = list(collect(out, what, compute, resume))
    return load(out), frames


@pytest.fixture
def flushing(monkeypatch):
    """Every chunk becomes a part at once."""
    monkeypatch.setattr(collection, "FLUSH_SECONDS", -1.0)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, homes):
    return run(tmp_path_factory.mktemp("whole") / "p.safetensors", plan())[0]


def content(population):
    return {"weights": population.weights.tobytes()} | {name: population[name].tolist() for name in population.columns}


def test_threads_do_not_change_the_networks(tmp_path, uninterrupted):
    for threads in (2, 5):
        other, _ = run(tmp_path / f"{threads}.safetensors", plan(), Compute("cpu", threads))
        assert content(other) == content(uninterrupted)
        assert other.content_hash == uninterrupted.content_hash


def test_a_collection_is_what_recipe_and_rollouts_make(uninterrupted):
    what = plan()
    weights, drawn = Recipe.of("dqn", what.settings).train(what.seed, 0, what.count, what.spec)
    assert np.array_equal(uninterrupted.weights, weights)
    steps = rollout(weights, what.spec, what.episodes, ONE).steps
    assert np.array_equal(uninterrupted["survival"], steps.mean(1))
    np.testing.assert_allclose(uninterrupted["survival_se"], standard_error(steps), rtol=1e-6)
    moves = behaviour(weights, what.spec, what.episodes, ONE)
    for name in ("lean_x", "lean_angle", "sharpness"):
        np.testing.assert_allclose(uninterrupted[name], getattr(moves, name), rtol=1e-6)
    for name, values in drawn.items():
        assert np.array_equal(uninterrupted[name], values)
    assert uninterrupted["index"].tolist() == list(range(80))
    expected = ["index", "survival", "survival_se", "recipe", *drawn]
    expected += ["lean_x", "lean_angle", "sharpness", "held_out", "fingerprint"]
    assert list(uninterrupted.columns) == expected


def test_a_shorter_collection_is_the_beginning_of_a_longer_one(tmp_path, uninterrupted):
    short, _ = run(tmp_path / "short.safetensors", plan(count=33))
    assert np.array_equal(short.weights, uninterrupted.weights[:33])


def test_frames_and_provenance_tell_the_same(tmp_path):
    found, frames = run(tmp_path / "p.safetensors", plan(recipe="reinforce", settings=("updates=2..9",)))
    assert [f.path for f in frames[:-1]] == [""] * (len(frames) - 1)
    assert frames[-1].path == str(tmp_path / "p.safetensors")
    assert [f.done for f in frames] == sorted(f.done for f in frames)
    last = frames[-1]
    assert last.done == last.total == last.trained == 80
    assert last.kept.tolist() == last.raw.tolist() == CARTPOLE.count(found["survival"]).tolist()
    mean, deviation = last.moments
    assert mean[-1] == pytest.approx(found["survival"].mean())
    assert deviation[-1] == pytest.approx(found["survival"].std())
    assert found.provenance["trained"] == 80
    assert found.provenance["raw_mix"] == dict(zip(CARTPOLE.names, last.raw.tolist(), strict=True))
    told = found.provenance["collection"]
    assert told["recipe"] == "reinforce"
    assert told["hyperparameters"]["updates"] == "2..9"
    assert told["episodes"] == {"count": 10, "cap": 200, "seed": 0}
    assert found["recipe"].tolist() == ["reinforce"] * 80
    assert list(found.columns)[4:7] == [h.name for h in HYPERPARAMETERS["reinforce"]]
    assert os.listdir(tmp_path) == ["p.safetensors"]


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_stopped_and_resumed_it_is_as_if_never_stopped(tmp_path, uninterrupted, flushing, stop_after):
    out = tmp_path / "p.safetensors"
    frames = collect(out, plan(), Compute("cpu", 2))
    for _ in range(stop_after):
        kept = next(frames).done
    frames.close()
    assert not out.exists()
    if stop_after > 1:
        assert len(snapshot(tmp_path / "p.safetensors.collecting")) >= kept
    resumed, frames = run(out, plan(), resume=True)
    assert frames[0].done == kept
    assert content(resumed) == content(uninterrupted)
    assert os.listdir(tmp_path) == ["p.safetensors"]


def test_what_was_not_flushed_yet_is_flushed_at_the_stop(tmp_path, uninterrupted):
    out = tmp_path / "p.safetensors"
    frames = collect(out, plan(), ONE)
    next(frames)
    assert next(frames).done == 32
    assert not list(tmp_path.glob("*/part-*"))
    frames.close()
    part = snapshot(tmp_path / "p.safetensors.collecting")
    assert np.array_equal(part.weights, uninterrupted.weights[:32])
    assert part["held_out"].tolist() == uninterrupted["held_out"][:32].tolist()
    assert part.provenance["trained"] == 32


def test_resumed_with_another_rhythm_of_chunks(tmp_path, uninterrupted, flushing, monkeypatch):
    out = tmp_path / "p.safetensors"
    monkeypatch.setattr(collection, "CHUNK", 7)
    frames = collect(out, plan(), ONE)
    for _ in range(4):
        next(frames)
    frames.close()
    monkeypatch.setattr(collection, "CHUNK", 10)
    assert content(run(out, plan(), resume=True)[0]) == content(uninterrupted)


def child(out, *options):
    """A collection in another process that tells each part it has written."""
    code = """
        import sys
        from workbench.training import collection, parts
        collection.FLUSH_SECONDS = -1.0
        real = parts.write_part
        def flush(*rest):
            real(*rest)
            print("part", flush=True)
        parts.write_part = flush
        from workbench.cli import run
        run(sys.argv[1:])
    """
    arguments = ["collect", out, "--count", 400, "--seed", 5, "--hidden", 8, "--set", "updates=5..900", "--threads", 1]
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, [*arguments, *options])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def four_hundred(tmp_path_factory, homes):
    params = Params("", 400, 5, set=("updates=5..900",), hidden=8)
    return run(tmp_path_factory.mktemp("whole") / "p.safetensors", plan_of(params))[0]


def test_killed_and_resumed_it_is_as_if_never_killed(tmp_path, cli, four_hundred):
    out = tmp_path / "p.safetensors"
    for parts, options in ((1, []), (2, ["--resume"])):
        process = child(out, *options)
        for _ in range(parts):
            assert process.stdout.readline() == "part\n"
        process.kill()
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    stray = tmp_path / "p.safetensors.collecting" / ".part-000000320.safetensors.writing-x"
    stray.write_text("half a part")
    arguments = ["--count", 400, "--seed", 5, "--hidden", 8, "--set", "updates=5..900", "--threads", 2]
    frames = collect(out, plan_of(Params("", 400, 5, set=("updates=5..900",), hidden=8)), ONE, resume=True)
    next(frames)
    assert not stray.exists(), "what a killed writer left is swept"
    frames.close()
    said = cli("collect", out, *arguments, "--resume")
    assert said.code == 0, said.err
    assert content(load(out)) == content(four_hundred)
    assert os.listdir(tmp_path) == ["p.safetensors"]


def test_interrupted_from_the_keyboard_it_says_how_to_go_on(tmp_path, four_hundred):
    out = tmp_path / "p.safetensors"
    process = child(out)
    assert process.stdout.readline() == "part\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "agentemb-tui: cancelled with " in err
    assert " of 400 done; --resume goes on" in err
    assert not out.exists()
    assert 32 <= len(snapshot(tmp_path / "p.safetensors.collecting")) < 400
    resumed = child(out, "--resume")
    _, err = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, err
    assert content(load(out)) == content(four_hundred)


@given(st.integers(1, 200_000))
def test_the_papers_quota_is_shared_out_whole(count):
    quota = paper_quota(count)
    assert sum(quota) == count
    assert all(abs(q - count * size / 74_000) < 1 for q, size in zip(quota, QUOTA, strict=True))


def test_the_papers_quota_is_the_papers():
    assert paper_quota(74_000) == (25_608, 9_400, 10_103, 28_889)
    assert paper_quota(740) == (256, 94, 101, 289)


def test_a_quota_keeps_the_first_of_each_group(tmp_path):
    settings = ("updates=100..4000",)
    quota = (10, 4, 3, 9)
    found, frames = run(tmp_path / "q.safetensors", plan(26, settings=settings, quota=quota, hidden=30))
    last = frames[-1]
    assert tuple(last.kept) == quota
    assert CARTPOLE.count(found["survival"]).tolist() == list(quota)
    raw, _ = run(tmp_path / "raw.safetensors", plan(last.trained, settings=settings, hidden=30))
    group = CARTPOLE.assign(raw["survival"])
    expected = np.sort(np.concatenate([np.flatnonzero(group == g)[:k] for g, k in enumerate(quota)]))
    assert found["index"].tolist() == expected.tolist()
    assert found["index"][-1] == last.trained - 1, "the stream ends with the network that fills the quota"
    assert np.array_equal(found.weights, raw.weights[expected])
    assert last.raw.tolist() == CARTPOLE.count(raw["survival"]).tolist()


def test_a_quota_is_resumed_exactly(tmp_path, flushing, monkeypatch):
    monkeypatch.setattr(collection, "CHUNK", 5)
    what = plan(26, settings=("updates=100..4000",), quota=(10, 4, 3, 9), hidden=30)
    whole, _ = run(tmp_path / "whole.safetensors", what)
    out = tmp_path / "p.safetensors"
    for resume in (False, True):
        frames = collect(out, what, ONE, resume)
        for _ in range(3):
            assert next(frames).path == ""
        frames.close()
    resumed, _ = run(out, what, resume=True)
    assert content(resumed) == content(whole)
    assert resumed.provenance["raw_mix"] == whole.provenance["raw_mix"]


def test_a_quota_that_cannot_be_filled_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(collection, "PATIENCE", 3)
    message = (
        r"q.safetensors: after 60 networks the quota is not full \(.*151-200 has 0 of 5\); this recipe does not reach"
    )
    monkeypatch.setattr(collection, "CHUNK", 20)
    with pytest.raises(WorkbenchError, match=message):
        run(tmp_path / "q.safetensors", plan(20, settings=("updates=1",), quota=(5, 5, 5, 5)))


def unfinished(tmp_path):
    out = tmp_path / "p.safetensors"
    frames = collect(out, plan(), ONE)
    next(frames)
    next(frames)
    frames.close()
    return out, tmp_path / "p.safetensors.collecting"


def test_a_file_that_is_there_is_not_written_over(tmp_path, uninterrupted):
    out = tmp_path / "p.safetensors"
    shutil.copy(uninterrupted.path, out)
    for what, resume in ((plan(), False), (plan(seed=99), False), (plan(seed=99), True)):
        with pytest.raises(WorkbenchError, match=r"p.safetensors: already there; give another name or remove it"):
            run(out, what, resume=resume)
    assert out.read_bytes() == uninterrupted.path.read_bytes()
    assert os.listdir(tmp_path) == ["p.safetensors"]


def test_an_unfinished_collection_is_not_begun_again(tmp_path):
    out, folder = unfinished(tmp_path)
    with pytest.raises(
        WorkbenchError, match=r"collecting: an unfinished collection is there; --resume goes on with it"
    ):
        run(out, plan())
    assert len(snapshot(folder)) == 32


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (plan(count=81), "count: was 80, now 81"),
        (plan(seed=6), "seed: was 5, now 6"),
        (plan(recipe="reinforce", settings=("updates=5..60",)), "recipe: was dqn, now reinforce; hyperparameters: was"),
        (plan(settings=("updates=5..61",)), r"settings: was \['updates=5..60'\], now \['updates=5..61'\]"),
        (plan(quota=(20, 20, 20, 20)), r"quota: was None, now \[20, 20, 20, 20\]"),
        (plan(episodes=Episodes(11)), r"episodes: was \{'cap': 200, 'count': 10, 'seed': 0\}, now"),
        (plan(hidden=9), "spec: was"),
    ],
)
def test_another_plan_does_not_resume(tmp_path, other, told):
    out, folder = unfinished(tmp_path)
    with pytest.raises(WorkbenchError, match=rf"begun with another plan \(.*{told}"):
        run(out, other, resume=True)
    assert len(snapshot(folder)) == 32


def test_there_must_be_something_to_resume(tmp_path):
    with pytest.raises(WorkbenchError, match=r"p.safetensors.collecting: no unfinished collection to resume"):
        run(tmp_path / "p.safetensors", plan(), resume=True)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("text", "message"), [(None, "No such file"), ("{", "cannot be read"), ("[]", "an object")])
def test_a_plan_that_cannot_be_read_is_told(tmp_path, text, message):
    out, folder = unfinished(tmp_path)
    (folder / "plan.json").unlink()
    if text is not None:
        (folder / "plan.json").write_text(text)
    with pytest.raises(WorkbenchError, match=rf"plan.json: cannot be read \(.*{message}|plan.json: {message}"):
        run(out, plan(), resume=True)


def test_a_damaged_part_is_told(tmp_path):
    out, folder = unfinished(tmp_path)
    (part,) = folder.glob("part-*")
    part.write_bytes(part.read_bytes()[:-9])
    with pytest.raises(WorkbenchError, match=r"part-000000000.safetensors: not a safetensors file, cut or damaged"):
        run(out, plan(), resume=True)


def test_an_empty_snapshot_and_none(tmp_path):
    frames = collect(tmp_path / "p.safetensors", plan(), ONE)
    next(frames)
    frames.close()
    assert len(snapshot(tmp_path / "p.safetensors.collecting")) == 0
    with pytest.raises(WorkbenchError, match=r"plan.json: cannot be read"):
        snapshot(tmp_path)


def test_a_disk_that_refuses_is_told_and_survived(tmp_path, uninterrupted, flushing, monkeypatch):
    out = tmp_path / "p.safetensors"

    def refuse(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        real, calls = storage.save_file, []

        def second_fails(*args, **kwargs):
            calls.append(1)
            return real(*args, **kwargs) if len(calls) == 1 else refuse()

        patch.setattr(storage, "save_file", second_fails)
        with pytest.raises(WorkbenchError, match="could not be written .No space left on device"):
            run(out, plan())
    assert content(run(out, plan(), resume=True)[0]) == content(uninterrupted)


def test_places_that_cannot_be_written_are_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WorkbenchError, match="cannot write there"):
        run(tmp_path / "file" / "p.safetensors", plan())
    with pytest.raises(WorkbenchError, match="cannot write there .File name too long"):
        run(tmp_path / ("n" * 300), plan())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"count": 0}, "count: expected 1 to 10000000, got 0"),
        ({"count": 10_000_001}, "count: expected 1 to 10000000, got 10000001"),
        ({"seed": -1}, "seed: expected 0 to 9223372036854775807, got -1"),
        ({"hidden": 0}, "hidden: expected 1 to 1024, got 0"),
        ({"hidden": 1025}, "hidden: expected 1 to 1024, got 1025"),
        ({"quota": "mine"}, "quota: expected `paper` or nothing, got 'mine'"),
    ],
)
def test_parameters_out_of_range_are_told(given, message):
    with pytest.raises(WorkbenchError, match=message):
        plan_of(Params("out", **given))


def test_settings_are_looked_at_before_anything_is_written(tmp_path):
    for what in (plan(recipe="sarsa"), plan(settings=("lr=7",))):
        with pytest.raises(WorkbenchError, match="recipe: expected one of|lr: expected"):
            run(tmp_path / "p.safetensors", what)
    assert os.listdir(tmp_path) == []


def test_a_damaged_part_is_told_and_not_built_upon(tmp_path):
    out, folder = unfinished(tmp_path)
    (part,) = folder.glob("part-*")
    data = bytearray(part.read_bytes())
    data[-5] ^= 1
    part.write_bytes(data)
    with pytest.raises(WorkbenchError, match=r"part-000000000.safetensors: damaged; remove it and all later parts"):
        run(out, plan(), resume=True)
    part.unlink()
    run(out, plan(), resume=True)


def test_two_processes_do_not_collect_into_one_folder(tmp_path):
    frames = collect(tmp_path / "p.safetensors", plan(), ONE)
    next(frames)
    with pytest.raises(WorkbenchError, match="another process is collecting into it"):
        run(tmp_path / "p.safetensors", plan(), resume=True)
    frames.close()


def test_what_a_killed_writer_left_is_swept(tmp_path, uninterrupted):
    out, folder = unfinished(tmp_path)
    strays = [folder / ".part-000000064.safetensors.writing-abc", tmp_path / f".{out.name}.writing-abc"]
    mine = tmp_path / ".other.safetensors.writing-abc"
    for path in (*strays, mine):
        path.write_bytes(b"half")
    run(out, plan(), resume=True)
    assert not any(path.exists() for path in strays)
    assert mine.exists()


def test_resuming_a_finished_collection_says_so_and_clears_up(tmp_path):
    out, folder = unfinished(tmp_path)
    out.write_bytes(b"somebody else's")
    with pytest.raises(WorkbenchError, match="already there"):
        run(out, plan(), resume=True)
    assert folder.exists()
    out.unlink()
    shutil.copytree(folder, tmp_path / "kept")
    population, (*_, last) = run(out, plan(), resume=True)
    shutil.copytree(tmp_path / "kept", folder)
    before = out.read_bytes()
    (again,) = collect(out, plan(), ONE, resume=True)
    assert not folder.exists()
    assert out.read_bytes() == before
    assert again.done == again.total == len(population)
    assert (again.kept == last.kept).all()
    assert (again.raw == last.raw).all()
    np.testing.assert_allclose(again.survival_sum, last.survival_sum)
    with pytest.raises(WorkbenchError, match="already there"):
        run(out, plan(seed=99), resume=True)
