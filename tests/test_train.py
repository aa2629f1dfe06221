"""Training from the command line: the same generator however it is interrupted, and what is refused."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from dataclasses import make_dataclass, replace

import numpy as np
import pytest
from trainings import ONE, TINY, fit, tiny_pairs

from workbench import generators, storage
from workbench.analyses import find
from workbench.errors import WorkbenchError
from workbench.learning import loop, saved, shelf
from workbench.learning.data import TrainingData
from workbench.learning.saved import TRAINING, load_state, save_state
from workbench.learning.shelf import Waiting, obtain
from workbench.population import load

TRAIN = find("train")


@contextlib.contextmanager
def stepping():
    """Meanwhile every step is told, and written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "PAUSE", -1.0)
        patch.setattr(saved, "SAVE_SECONDS", -1.0)
        yield


@pytest.fixture(scope="module")
def data(population_path):
    return TrainingData.of(load(population_path))


@pytest.fixture(scope="module")
def hashes(data):
    """Of generators that nothing has interrupted."""
    return {name: fit(name, data).content_hash for name in ("cartpolegen", "functional")}


def params(population, out, name="cartpolegen", *others, **given):
    return TRAIN.Params(str(population.path), name, str(out), set=tuple(tiny_pairs(name, *others)), **given)


def options(name, *others):
    return ["--generator", name, "--threads", 1, *(x for pair in tiny_pairs(name, *others) for x in ("--set", pair))]


def begun(population, out, frames=5, name="cartpolegen", **given):
    """A training that was stopped after some frames; its folder."""
    with stepping():
        training = TRAIN.run(ONE, None, params(population, out, name, **given))
        for _ in range(frames):
            next(training)
        training.close()
    return TRAINING.folder(out)


def child(population, out, name, after, *rest):
    """A training in another process that tells each state it has written and after some waits for a word."""
    code = f"""
        import sys
        from workbench.learning import loop, saved
        loop.PAUSE = saved.SAVE_SECONDS = -1.0
        real, count = saved.save_state, []
        def save(*rest):
            real(*rest)
            count.append(1)
            print("saved", flush=True)
            if len(count) == {after}:
                sys.stdin.readline()
        saved.save_state = save
        from workbench.cli import run
        run(sys.argv[1:])
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, ["train", population.path, "--out", out]),
         *map(str, options(name)), *rest],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def test_killed_and_resumed_it_is_as_if_never_killed(tmp_path, population, cli, hashes):
    out = tmp_path / "g.safetensors"
    for steps, rest in ((4, []), (5, ["--resume"])):
        process = child(population, out, "functional", steps, *rest)
        for _ in range(steps):
            assert process.stdout.readline() == "saved\n"
        process.kill()
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        assert not out.exists()
    folder = TRAINING.folder(out)
    state = load_state(folder)
    assert state.done > 0
    stray = folder / ".state.safetensors.writing-x"
    stray.write_text("half a state")
    beside = tmp_path / ".g.safetensors.writing-y"
    beside.write_text("half a generator")
    said = cli("train", population.path, "--out", out, *options("functional"), "--resume")
    assert said.code == 0, said.err
    assert generators.load(out).content_hash == hashes["functional"]
    assert os.listdir(tmp_path) == ["g.safetensors"], "nothing else is left"


def test_two_at_once_and_interrupted_from_the_keyboard(tmp_path, population, cli, hashes):
    out = tmp_path / "g.safetensors"
    process = child(population, out, "cartpolegen", 6)
    for _ in range(6):
        assert process.stdout.readline() == "saved\n"
    folder = TRAINING.folder(out)
    before = sorted((p.name, p.read_bytes()) for p in folder.iterdir())
    said = cli("train", population.path, "--out", out, *options("cartpolegen"), "--resume")
    assert (said.code, said.out) == (2, "")
    assert said.err == f"agentemb-tui: {folder}: another process is training into it\n"
    said = cli("train", population.path, "--out", out, *options("cartpolegen"))
    assert (said.code, said.out) == (2, "")
    assert said.err == f"agentemb-tui: {folder}: an unfinished training is there; --resume goes on with it\n"
    assert sorted((p.name, p.read_bytes()) for p in folder.iterdir()) == before
    process.send_signal(signal.SIGINT)
    _, err = process.communicate("go on\n", timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert err.startswith("agentemb-tui: cancelled with ")
    assert err.endswith(" done; --resume goes on\n")
    assert not out.exists()
    assert sorted(p.name for p in folder.iterdir()) == ["plan.json", "state.safetensors"]
    assert 0 < load_state(folder).done < load_state(folder).total
    said = cli("train", population.path, "--out", out, *options("cartpolegen"), "--resume", "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)["path"] == str(out)
    assert generators.load(out).content_hash == hashes["cartpolegen"]
    assert os.listdir(tmp_path) == ["g.safetensors"]


def test_it_writes_where_sample_finds_it(tmp_path, population, cli, monkeypatch, hashes):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = tmp_path / "agentemb-tui" / "generators" / "small-cartpolegen-0.safetensors"
    said = cli("train", population.path, *options("cartpolegen"))
    assert said.code == 0, said.err
    assert f"written to {path}" in said.out.replace("\n", "")
    assert generators.load(path).content_hash == hashes["cartpolegen"]
    assert generators.choose(population, "cartpolegen") == path
    again = cli("train", population.path, *options("cartpolegen"))
    assert (again.code, again.out) == (2, "")
    assert again.err == f"agentemb-tui: {path}: already there; give another name or remove it\n"
    other = cli("train", population.path, *options("cartpolegen"), "--seed", 1, "--json")
    assert other.code == 0, other.err
    assert json.loads(other.out)["path"] == str(path.with_name("small-cartpolegen-1.safetensors"))
    assert sorted(os.listdir(path.parent)) == ["small-cartpolegen-0.safetensors", "small-cartpolegen-1.safetensors"]


def test_what_it_tells_is_what_it_wrote(tmp_path, population):
    out = tmp_path / "deep" / "er" / "g.safetensors"
    frames = list(TRAIN.run(ONE, None, params(population, out, "functional")))
    made = generators.load(out)
    last = frames[-1]
    assert [f.path for f in frames] == [""] * (len(frames) - 1) + [str(out)]
    assert {p: {t: list(v) for t, v in terms} for p, terms in last.curves} == made.log
    assert last.phases == ("autoencoder", "units", "predictor")
    assert last.groups == made.groups
    assert last.missing == ()
    assert last.seconds == made.provenance["seconds"]
    assert made.seed == 0
    assert os.listdir(out.parent) == ["g.safetensors"]


def test_groups_that_cannot_be_learned_are_told(tmp_path, population):
    few = population.select(np.flatnonzero((population["survival"] < 100) | (population["index"] < 20)))
    few = few.save(tmp_path / "few.safetensors")
    *_, last = TRAIN.run(ONE, None, params(few, tmp_path / "g.safetensors"))
    data = TrainingData.of(few)
    assert last.missing
    assert set(last.missing) == {g for g in data.groups.names if len(data.rows(g)) < 10}
    assert set(last.groups) == {"all", *data.groups.names} - set(last.missing)
    from rich.console import Console

    page = Console(width=80, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    page.print(TRAIN.table(last))
    page.file.close()
    text = " ".join(page.export_text().split())
    assert f"no model of {', '.join(last.missing)}: fewer than 10 training networks there" in text


@pytest.mark.parametrize("frames", [1, 2, 7, 12])
def test_stopped_and_resumed_it_is_as_if_never_stopped(tmp_path, population, hashes, frames):
    out = tmp_path / "g.safetensors"
    folder = begun(population, out, frames)
    assert not out.exists()
    assert (folder / "state.safetensors").exists()
    *_, last = TRAIN.run(ONE, None, params(population, out, resume=True))
    assert generators.load(out).content_hash == hashes["cartpolegen"]
    assert last.path == str(out)
    assert last.phases == ("1-50", "51-100", "101-150", "151-200", "all")
    assert os.listdir(tmp_path) == ["g.safetensors"]


def test_resumed_it_begins_where_it_was(tmp_path, population):
    out = tmp_path / "g.safetensors"
    begun(population, out, 9)
    state = load_state(TRAINING.folder(out))
    first, *_ = TRAIN.run(ONE, None, params(population, out, resume=True))
    assert (first.done, first.phase, first.epoch) == (state.done, state.phase, state.epoch)
    assert first.done > 0


def test_stop_ends_the_phase_at_work_and_no_other(tmp_path, population, cli):
    out = tmp_path / "g.safetensors"
    more = "epochs=5"
    training = TRAIN.run(ONE, None, replace(params(population, out), set=tuple(tiny_pairs("cartpolegen", more))))
    with stepping():
        at = next(f for f in training if f.phase == "51-100" and f.epoch == 2)
        training.close()
    said = cli("train", population.path, "--out", out, *options("cartpolegen", more), "--resume", "--stop", "--json")
    assert said.code == 0, said.err
    log = json.loads(said.out)["log"]
    assert {phase: len(terms["loss"]) for phase, terms in log.items()} == {
        "1-50": 5, at.phase: 2, "101-150": 5, "151-200": 5, "all": 5,
    }  # fmt: skip
    assert generators.load(out).log == log


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"seed": 1}, "seed: was 0, now 1"),
        ({"set": ("epochs=3",)}, r"settings: was \{'activation': 'elu', .*'epochs': 2.*\}, now \{.*'epochs': 3"),
        ({"generator": "functional", "set": ()}, "generator: was cartpolegen, now functional; settings: was"),
    ],
)
def test_another_plan_does_not_resume(tmp_path, population, other, told):
    out = tmp_path / "g.safetensors"
    folder = begun(population, out)
    before = (folder / "state.safetensors").read_bytes()
    with pytest.raises(WorkbenchError, match=rf"g.safetensors.training: begun with another plan \({told}"):
        list(TRAIN.run(ONE, None, replace(params(population, out, resume=True), **other)))
    assert (folder / "state.safetensors").read_bytes() == before


def test_another_population_does_not_resume(tmp_path, population):
    out = tmp_path / "g.safetensors"
    begun(population, out)
    fewer = population.select(np.arange(90)).save(tmp_path / "fewer.safetensors")
    told = rf"begun with another plan \(population: was {population.content_hash}, now {fewer.content_hash}\)"
    with pytest.raises(WorkbenchError, match=told):
        list(TRAIN.run(ONE, None, params(fewer, out, resume=True)))


def test_a_file_that_is_there_is_not_written_over(tmp_path, population):
    out = tmp_path / "g.safetensors"
    folder = begun(population, out)
    out.write_text("mine")
    for resume in (False, True):
        with pytest.raises(WorkbenchError, match="g.safetensors: already there; give another name or remove it"):
            list(TRAIN.run(ONE, None, params(population, out, resume=resume)))
    assert out.read_text() == "mine"
    assert (folder / "state.safetensors").exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b[:-9], "not a safetensors file, cut or damaged"),
        (lambda b: b[:40], "not a safetensors file, cut or damaged"),
        (lambda b: b"", "not a safetensors file, cut or damaged"),
        (lambda b: b[:-5] + bytes([b[-5] ^ 1]) + b[-4:], "damaged; remove it, and the training begins anew"),
        (lambda b: b.replace(b'\\"seed\\":0', b'\\"seed\\":1', 1), "damaged; remove it, and the training begins anew"),
    ],
)
def test_a_damaged_state_is_told_and_not_built_upon(tmp_path, population, hashes, damage, message):
    out = tmp_path / "g.safetensors"
    folder = begun(population, out, 6)
    path = folder / "state.safetensors"
    whole = path.read_bytes()
    broken = damage(whole)
    assert broken != whole
    path.write_bytes(broken)
    with pytest.raises(WorkbenchError, match=f"state.safetensors: {message}"):
        list(TRAIN.run(ONE, None, params(population, out, resume=True)))
    assert path.read_bytes() == broken
    path.unlink()
    list(TRAIN.run(ONE, None, params(population, out, resume=True)))
    assert generators.load(out).content_hash == hashes["cartpolegen"]


@pytest.mark.parametrize(("text", "message"), [(None, "No such file"), ("{", "cannot be read"), ("[]", "an object")])
def test_a_plan_that_cannot_be_read_is_told(tmp_path, population, text, message):
    out = tmp_path / "g.safetensors"
    folder = begun(population, out)
    (folder / "plan.json").unlink()
    if text is not None:
        (folder / "plan.json").write_text(text)
    with pytest.raises(WorkbenchError, match=rf"plan.json: cannot be read \(.*{message}|plan.json: {message}"):
        list(TRAIN.run(ONE, None, params(population, out, resume=True)))


def test_a_disk_that_refuses_is_told_and_survived(tmp_path, population, hashes, monkeypatch):
    out = tmp_path / "g.safetensors"
    with monkeypatch.context() as patch:
        real, calls = storage.save_file, []

        def third_fails(*args, **kwargs):
            calls.append(1)
            if len(calls) > 2:
                raise OSError(28, "No space left on device")
            return real(*args, **kwargs)

        patch.setattr(storage, "save_file", third_fails)
        message = r"state.safetensors: could not be written \(No space left on device\)"
        with stepping(), pytest.raises(WorkbenchError, match=message):
            list(TRAIN.run(ONE, None, params(population, out)))
    assert load_state(TRAINING.folder(out)) is not None, "the state before is there"
    list(TRAIN.run(ONE, None, params(population, out, resume=True)))
    assert generators.load(out).content_hash == hashes["cartpolegen"]


def test_places_that_cannot_be_written_are_told(tmp_path, population):
    (tmp_path / "file").touch()
    inside, long = tmp_path / "file" / "g.safetensors", tmp_path / ("n" * 300)
    for out, message in ((inside, "cannot write there"), (long, "too long")):
        with pytest.raises(WorkbenchError, match=message):
            list(TRAIN.run(ONE, None, params(population, out)))
    with pytest.raises(WorkbenchError, match="already there"):
        list(TRAIN.run(ONE, None, params(population, tmp_path)))


def test_a_state_comes_back_as_it_was(tmp_path, population, data):
    from workbench.learning.contract import train

    kind = generators.find("cartpolegen")
    training = train(kind, data, kind.SETTINGS(epochs=2), 3, ONE)
    assert load_state(tmp_path) is None
    for k in range(6):
        with stepping():
            _, state = next(training)
        save_state(tmp_path, state)
        again = load_state(tmp_path)
        for name in saved.NUMBERS:
            assert getattr(again, name) == getattr(state, name), (k, name)
        for name in saved.ARRAYS:
            mine, theirs = getattr(state, name), getattr(again, name)
            assert mine.keys() == theirs.keys()
            assert all(np.array_equal(theirs[key], value) for key, value in mine.items())
            assert all(theirs[key].dtype == value.dtype for key, value in mine.items())
    training.close()


@pytest.fixture
def quick(monkeypatch):
    """Generators whose own settings take no time."""
    for name in ("cartpolegen", "functional"):
        kind = generators.find(name)
        changed = [(k, type(v), v) for k, v in TINY.items() if k in kind.SETTINGS.__dataclass_fields__]
        small = make_dataclass("Settings", changed, bases=(kind.SETTINGS,), frozen=True)
        monkeypatch.setattr(kind, "SETTINGS", small)


def test_a_generator_that_is_wanted_is_trained_once(tmp_path, population, hashes, monkeypatch, quick):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = tmp_path / "agentemb-tui" / "generators"
    *waited, made = obtain(population, "cartpolegen", 0, ONE)
    assert made.content_hash == hashes["cartpolegen"]
    assert all(isinstance(w, Waiting) and w.name == "training cartpolegen, seed 0" for w in waited)
    assert [w.done for w in waited] == sorted(w.done for w in waited)
    assert waited[-1].done == waited[-1].total
    assert shelf.find(population, "cartpolegen", 0) == made.path == folder / "small-cartpolegen-0.safetensors"
    (again,) = obtain(population, "cartpolegen", 0, ONE)
    assert again.content_hash == made.content_hash
    assert shelf.find(population, "cartpolegen", 1) is None
    assert shelf.find(population, "functional", 0) is None
    assert shelf.find(population.select(np.arange(90)), "cartpolegen", 0) is None


def test_a_generator_with_other_settings_is_not_taken_for_it(tmp_path, population, data, hashes, monkeypatch, quick):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    other = tmp_path / "agentemb-tui" / "generators" / "small-cartpolegen-0.safetensors"
    fit("cartpolegen", data, "epochs=1").save(other)
    before = other.read_bytes()
    assert shelf.find(population, "cartpolegen", 0) is None
    *_, made = obtain(population, "cartpolegen", 0, ONE)
    assert made.content_hash == hashes["cartpolegen"]
    assert made.path == other.with_name(f"small-cartpolegen-0-{population.content_hash[:8]}.safetensors")
    assert other.read_bytes() == before


def test_waiting_that_was_interrupted_goes_on(tmp_path, population, hashes, monkeypatch, quick):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with stepping():
        waiting = obtain(population, "cartpolegen", 0, ONE)
        done = [next(waiting).done for _ in range(12)]
        waiting.close()
    first, *_, made = obtain(population, "cartpolegen", 0, ONE)
    assert first.done == done[-1] > 0
    assert made.content_hash == hashes["cartpolegen"]
    shutil.rmtree(tmp_path / "agentemb-tui")
