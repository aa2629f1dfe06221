"""Folders of checkpoints: what is scanned, imported and opened, by one or many, interrupted or not."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from foreign import actor_critic_state, dqn, flat, mlp, on_policy, saved, sb3, vecnormalize

from workbench import opening
from workbench.analyses import find
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.expressions import matches
from workbench.importing import folders, report, tables
from workbench.importing.gathering import gather
from workbench.importing.reading import Overrides, read
from workbench.policies import Normaliser
from workbench.population import load
from workbench.rollouts import survival

ONE = Compute("cpu", 1)
ESCAPE = "\x1b[31mred\x1b[0m [bold]name[red]"


def scan(path, **options):
    analysis = find("scan")
    *_, last = analysis.run(ONE, None, analysis.Params(path=str(path), **options))
    return last


def import_(path, out, compute=ONE, **options):
    analysis = find("import")
    options = {"episodes": 5, **options}
    *_, last = analysis.run(compute, None, analysis.Params(path=str(path), out=str(out), **options))
    return last


@pytest.fixture
def runs(tmp_path):
    """Two runs of one spec, one file of another, and what lies about besides."""
    root = tmp_path / "runs"
    for run in ("a", "b"):
        (root / run).mkdir(parents=True)
        for k in range(3):
            module = mlp((4, 8, 2), "tanh", seed=10 * (run == "b") + k)
            sb3(root / run / f"rl_model_{1000 * (k + 1)}_steps.zip", on_policy(module))
    (root / "a" / "acrobot.pt").write_bytes(saved(mlp((6, 8, 3)).state_dict()))
    (root / "b" / "replay_buffer.pkl").write_bytes(b"junk")
    (root / "b" / "broken.pt").write_bytes(b"junk")
    (root / "notes.txt").write_text("nothing")
    return root


def test_a_scan_says_what_there_is(runs):
    found = scan(runs)
    assert (found.files, found.read, found.networks, found.others) == (8, 8, 7, 2)
    assert [(row.name, row.networks) for row in found.rows] == [
        ("4-8-2-tanh-CartPole-v1", 6),
        ("6-8-3-relu-Acrobot-v1", 1),
    ]
    assert found.skipped == (("b/broken.pt", "not a file of torch.save, or its beginning is damaged"),)
    assert dict(found.rows[0].assumed)["activation tanh (PPO's and A2C's default)"] == 6
    assert found.rows[0].sources == tuple(f"{r}/rl_model_{k}000_steps.zip" for r in "ab" for k in (1, 2, 3))
    assert [len(row.sources) for row in found.rows] == [row.files for row in found.rows]


def test_a_scan_says_which_file_has_which_spec(runs, monkeypatch, cli):
    def told():
        said = cli("scan", runs, "--threads", 1)
        assert said.code == 0
        _, _, both = said.out.partition("4-8-2-tanh-CartPole-v1: ")
        return both.partition("6-8-3-relu-Acrobot-v1: ")

    first, _, second = told()
    assert all(f"  {r}/rl_model_{k}000_steps.zip" in first for r in "ab" for k in (1, 2, 3))
    assert "  a/acrobot.pt" in second and "rl_model_1000" not in second
    monkeypatch.setattr(report, "NAMED_EACH", 2)
    first, _, second = told()
    assert first.count("rl_model_") == 2 and "and 4 more files (--json has all)" in first and "more" not in second
    monkeypatch.setattr(report, "NAMED", 2)
    assert told()[0].count("rl_model_") == 1, "of all together so many"
    populations = json.loads(cli("scan", runs, "--json", "--threads", 1).out)["populations"]
    assert [len(p["sources"]) for p in populations] == [6, 1]
    assert "rl_model_1000" not in cli("scan", runs / "b", "--threads", 1).out, "with one spec nothing is to be told"


def test_an_import_makes_a_population_of_each_spec(runs, tmp_path):
    found = import_(runs, tmp_path / "made.safetensors")
    first, second = (load(row.path) for row in found.rows)
    assert Path(found.rows[0].path).name == "made-4-8-2-tanh-CartPole-v1.safetensors"
    assert Path(found.rows[1].path).name == "made-6-8-3-relu-Acrobot-v1.safetensors"
    assert list(first["source"]) == sorted(f"{r}/rl_model_{k}000_steps.zip" for r in "ab" for k in (1, 2, 3))
    assert list(first["run"]) == ["a"] * 3 + ["b"] * 3
    assert list(first["steps"]) == [1000, 2000, 3000] * 2
    assert list(first["num_timesteps"]) == [5000] * 6
    assert np.array_equal(first.weights[4], flat(mlp((4, 8, 2), "tanh", seed=11)))
    assert np.array_equal(first["survival"], survival(first.weights, first.spec, 5).mean(1))
    assert second.columns["return"].shape == (1,)
    assert second.measured and first.measured
    assert "survival" in found.rows[0].measured
    first.verify()
    assert first.provenance["import"]["formats"] == {"Stable-Baselines3": 6}
    assert not list(tmp_path.glob("*.importing"))
    assert matches(first, "steps > 1500 and run == 'b' and finite").sum() == 2


def test_threads_change_nothing_of_an_import(runs, tmp_path):
    one, two = (import_(runs, tmp_path / f"{n}.safetensors", Compute("cpu", n)) for n in (1, 2))
    for a, b in zip(one.rows, two.rows, strict=True):
        assert load(a.path).content_hash == load(b.path).content_hash


def test_a_spec_can_be_chosen(runs, tmp_path):
    for wanted in ("6-8-3-relu-Acrobot-v1", "6-8-3 relu"):
        out = tmp_path / f"{len(wanted)}.safetensors"
        found = import_(runs, out, spec=wanted, unmeasured=True)
        assert [row.path for row in found.rows] == [str(out)]
        assert not load(out).measured
    with pytest.raises(WorkbenchError, match="spec: expected 4-8-2-tanh-CartPole-v1, 6-8-3-relu-Acrobot-v1, got 'x'"):
        import_(runs, tmp_path / "x.safetensors", spec="x")


def test_an_environment_that_cannot_be_made_is_told_and_the_rest_written(runs, tmp_path):
    found = import_(runs, tmp_path / "x.safetensors", env="Nothing-v7")
    assert all("not measured: environment 'Nothing-v7'" in row.measured for row in found.rows)
    assert all(not load(row.path).measured for row in found.rows)


def test_networks_to_be_wary_of_are_marked(tmp_path):
    root = tmp_path / "odd"
    root.mkdir()
    states = {
        "a.pt": mlp((4, 8, 2)).state_dict(),
        "b.pt": {k: torch.full_like(v, torch.nan) for k, v in mlp((4, 8, 2)).state_dict().items()},
        "c.pt": {k: torch.full_like(v, 0.5) for k, v in mlp((4, 8, 2)).state_dict().items()},
        "d.pt": mlp((4, 8, 2)).state_dict(),
        "e.pt": {k: v / 0 for k, v in mlp((4, 8, 2)).state_dict().items()},
    }
    for name, state in states.items():
        (root / name).write_bytes(saved(state))
    row = scan(root).rows[0]
    assert (row.networks, row.not_finite, row.constant, row.duplicates) == (5, 2, 1, 1)
    found = load(import_(root, tmp_path / "odd.safetensors").rows[0].path)
    assert list(found["finite"]) == [True, False, True, True, False]
    assert list(found["constant"]) == [False, False, True, False, False]
    assert list(found["duplicate_of"]) == ["", "", "", "a.pt", ""]


def test_a_file_of_many_networks(tmp_path, rng):
    weights = rng.normal(size=(6, 58)).astype(np.float32)
    weights[4] = weights[1]
    np.save(tmp_path / "many.npy", weights)
    found = load(import_(tmp_path / "many.npy", tmp_path / "x.safetensors", sizes="4-8-2").rows[0].path)
    assert np.array_equal(found.weights, weights)
    assert list(found["row"]) == list(range(6))
    assert found["duplicate_of"][4] == "many.npy #1"


def test_users_columns_from_csv(runs, tmp_path):
    (runs / "metadata.csv").write_text(
        "file,lr,note,survival,steps,bad name!,1st\n"
        "a/rl_model_1000_steps.zip,0.001,first,3,7,1,1\n"
        "rl_model_3000_steps,,x,4,8,2,2\n"
        "nowhere.zip,1,1,1,1,1,1\n"
    )
    found = load(import_(runs, tmp_path / "x.safetensors", spec="4-8-2 tanh").rows[0].path)
    assert found["lr"][0] == 0.001
    assert np.isnan(found["lr"][1:]).all()
    assert list(found["note"]) == ["first", "", "x", "", "", "x"]
    assert found["user_survival"][0] == 3
    assert found["user_steps"][2] == 8
    assert found["bad_name_"][0] == found["_1st"][0] == 1
    assert list(found["steps"]) == [1000, 2000, 3000] * 2
    assert scan(runs).unmatched == 1


def test_users_columns_from_json(runs, tmp_path):
    table = tmp_path / "mine.json"
    table.write_text(json.dumps({"acrobot.pt": {"alg": "ppo", "good": True, "list": [1]}, "x": 3}))
    found = load(import_(runs, tmp_path / "x.safetensors", spec="6-8-3 relu", columns=str(table)).rows[0].path)
    assert (found["alg"][0], found["good"][0], found["list"][0]) == ("ppo", 1, "[1]")
    table.write_text(json.dumps([{"name": "acrobot", "alg": "a2c"}]))
    assert tables.read(table).row("a/acrobot.pt") == ("acrobot", {"alg": "a2c"})


TABLES = {
    "x.json": ("{", "not JSON"),
    "y.json": ("3", "expected a list of objects"),
    "x.txt": ("", "expected a file ending in .csv or .json"),
    "x.csv": (b"\xff\xfe", "not text in UTF-8"),
    "long.csv": ("a," + "x" * 200_000, "not a table"),
    "wide.csv": (",".join(f"c{k}" for k in range(300)) + "\n" + ",".join("1" * 300), "more than 200 columns"),
    "none.csv": (None, "no such file"),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_that_cannot_be_are_told(name, tmp_path, runs):
    text, message = TABLES[name]
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(WorkbenchError, match=message):
        scan(runs, columns=str(tmp_path / name))


def test_a_broken_table_that_was_found_is_reported(runs):
    (runs / "metadata.json").write_text("{")
    found = scan(runs)
    assert found.networks == 7
    assert any(name == "metadata.json" and "not JSON" in reason for name, reason in found.skipped)


def test_names_of_columns_are_told_apart():
    taken = ["survival", "user_survival"]
    assert tables.named("survival", taken) == "user_survival_2"
    assert tables.named("a b[red]\x1b", taken) == "a_b_red__"
    assert tables.named("", taken) == "column"
    assert len(tables.named("x" * 500, taken)) == 60


def test_links_are_followed_once(tmp_path):
    root = tmp_path / "root"
    (root / "real").mkdir(parents=True)
    (root / "real" / "m.pt").write_bytes(saved(mlp((4, 8, 2)).state_dict()))
    (root / "a-link.pt").symlink_to(root / "real" / "m.pt")
    (root / "again").symlink_to(root / "real")
    (root / "real" / "loop").symlink_to(root)
    (root / "self.pt").symlink_to(root / "self.pt")
    (root / "gone.pt").symlink_to(tmp_path / "nothing")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "other.pt").write_bytes(saved(mlp((4, 8, 2), seed=1).state_dict()))
    (root / "there").symlink_to(elsewhere)
    os.mkfifo(root / "pipe.pt")
    found = folders.look(root)
    assert found.files == ("real/m.pt", "there/other.pt")
    assert dict(found.skipped) == {
        "a-link.pt": "a file that is already there by another name",
        "gone.pt": "a link that leads nowhere, or to itself",
        "self.pt": "a link that leads nowhere, or to itself",
        "pipe.pt": "not a regular file",
    }
    assert scan(root).networks == 2


def test_folders_that_cannot_be_read_are_told(runs, monkeypatch):
    real = os.scandir

    def denied(path):
        if str(path).endswith("b"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", denied)
    found = scan(runs)
    assert found.networks == 4
    assert ("b", "a folder that cannot be read (Permission denied)") in found.skipped


def test_files_that_vanish_are_told(runs, monkeypatch):
    listing = folders.look(runs)
    (runs / "a" / "acrobot.pt").unlink()
    monkeypatch.setattr("workbench.analyses.scan.look", lambda path: listing)
    assert ("a/acrobot.pt", "cannot be read (No such file or directory)") in scan(runs).skipped


def test_names_that_move_the_cursor_are_made_harmless(tmp_path, cli):
    root = tmp_path / "names"
    root.mkdir()
    os.mkdir(os.fsencode(root) + b"/bad\xff\n" + ESCAPE.encode())
    folder = next(p for p in root.iterdir())
    (folder / f"{ESCAPE}.pt").write_bytes(saved(mlp((4, 8, 2)).state_dict()))
    (folder / "broken[red]\x07.pt").write_bytes(b"junk")
    (folder / "metadata.csv").write_text(f"file,{ESCAPE}\n{ESCAPE}.pt,{ESCAPE}\n")
    for arguments in (["scan", root], ["scan", root, "--json"]):
        said = cli(*arguments)
        assert said.code == 0, said.err
        assert not set("\x1b\x07\n") & set(said.out.replace("\n", ""))
    out = tmp_path / "x.safetensors"
    assert cli("import", root, "--out", out, "--unmeasured").code == 0
    found = load(out)
    text = str(found["source"][0]) + str(found["run"][0]) + "".join(found.columns)
    assert text.isprintable()
    assert "[bold]name[red]" in text
    said = cli("info", out, "--episodes", 5)
    assert "\x1b" not in said.out + said.err


def test_nothing_to_import_is_told(tmp_path, cli):
    (tmp_path / "empty").mkdir()
    with pytest.raises(WorkbenchError, match=r"empty: a folder without checkpoints \(.bin, "):
        import_(tmp_path / "empty", tmp_path / "x.safetensors")
    for name in ("x.pt", "y.pt"):
        (tmp_path / "empty" / name).write_bytes(b"junk")
    with pytest.raises(WorkbenchError, match=r"empty: no networks in 2 files; x.pt: not a file of torch.save"):
        import_(tmp_path / "empty", tmp_path / "y.safetensors")
    assert scan(tmp_path / "empty").networks == 0
    for arguments in (["scan", tmp_path / "gone"], ["import", tmp_path / "gone"]):
        said = cli(*arguments)
        assert (said.code, said.err) == (2, f"agentemb-tui: {tmp_path / 'gone'}: no such file or folder\n")
    os.mkfifo(tmp_path / "pipe.pt")
    with pytest.raises(WorkbenchError, match="not a regular file"):
        scan(tmp_path / "pipe.pt")


def test_what_is_there_is_not_written_over(runs, tmp_path):
    out = tmp_path / "x.safetensors"
    out.write_text("mine")
    with pytest.raises(WorkbenchError, match="already there; give another name or remove it"):
        import_(runs, out)
    out.unlink()
    beside = tmp_path / "x-6-8-3-relu-Acrobot-v1.safetensors"
    beside.write_text("mine")
    with pytest.raises(WorkbenchError, match="x-6-8-3-relu-Acrobot-v1.safetensors: already there"):
        import_(runs, out)
    assert beside.read_text() == "mine"
    assert not list(tmp_path.glob("*.importing")), "the next try may be another"
    with pytest.raises(WorkbenchError, match="out: expected a file ending in .safetensors, got x.zip"):
        import_(runs, "x.zip")


def test_two_imports_into_one_file_are_told_apart(runs, tmp_path):
    analysis, out = find("import"), str(tmp_path / "x.safetensors")
    params = analysis.Params(path=str(runs), out=out, episodes=5)
    first = analysis.run(ONE, None, params)
    next(first)
    with pytest.raises(WorkbenchError, match="an unfinished import is there; --resume goes on with it"):
        next(analysis.run(ONE, None, params))
    with pytest.raises(WorkbenchError, match="another process is importing into it"):
        next(analysis.run(ONE, None, replace(params, resume=True)))
    *_, last = first
    assert len(last.rows) == 2


KILLED = """
import os, signal, sys
from workbench import storage
from workbench.analyses import find
from workbench.compute import Compute
from workbench.importing import gathering, measuring
gathering.CHUNK, measuring.FAST, measuring.SLOW, measuring.FLUSH_SECONDS = 1, 1, 1, 0.0
path, out, after, resume = sys.argv[1:]
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if after == "writing":
    real = storage.save_file
    def save(packed, temporary, metadata):
        if "weights" in packed:
            open(temporary, "wb").write(b"half")
            die()
        real(packed, temporary, metadata)
    storage.save_file = save
analysis = find("import")
params = analysis.Params(path=path, out=out, episodes=5, resume=resume == "yes")
for k, frame in enumerate(analysis.run(Compute("cpu", 1), None, params)):
    if str(k) == after:
        die()
"""


@pytest.mark.parametrize("after", ["0", "5", "12", "writing"])
def test_a_killed_import_leaves_no_half_file_and_goes_on(after, runs, tmp_path):
    out = tmp_path / "x.safetensors"
    died = subprocess.run([sys.executable, "-c", KILLED, str(runs), str(out), after, "no"], capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".safetensors" and p.name[0] != "."] == []
    assert (tmp_path / "x.safetensors.importing").is_dir()
    found = import_(runs, out, resume=True)
    whole = import_(runs, tmp_path / "y.safetensors")
    for a, b in zip(found.rows, whole.rows, strict=True):
        assert load(a.path).content_hash == load(b.path).content_hash
    assert not [p for p in tmp_path.iterdir() if "writing" in p.name or "importing" in p.name]


def test_a_full_disk_is_told(runs, tmp_path, monkeypatch):
    whole = folders.look(runs)
    *_, gathering = gather(whole, Overrides(), ONE)
    gathered = replace(gathering.largest[0], scratch=Path("/dev/full"))
    with pytest.raises(WorkbenchError, match="/dev/full: could not be written \\(No space left on device\\)"):
        gathered.add(read(runs, "a/rl_model_1000_steps.zip", Overrides()), gathered.said[0])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(WorkbenchError, match="no folder for what is temporary"):
        opening.load(runs / "a")


def test_an_import_of_other_files_is_not_gone_on_with(runs, tmp_path):
    analysis = find("import")
    params = analysis.Params(path=str(runs), out=str(tmp_path / "x.safetensors"), episodes=5)
    stopped = analysis.run(ONE, None, params)
    next(stopped)
    stopped.close()
    (runs / "a" / "new.pt").write_bytes(saved(mlp((4, 8, 2)).state_dict()))
    with pytest.raises(WorkbenchError, match="begun with another plan \\(files: was"):
        next(analysis.run(ONE, None, replace(params, resume=True)))


def test_checkpoints_are_opened_like_populations(runs, cli, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    file = runs / "a" / "rl_model_2000_steps.zip"
    said = cli("policy", file, "--network", 0, "--json", "--threads", 1)
    assert said.code == 0, said.err
    assert "1 network imported as 4-8-2 tanh on CartPole-v1" in said.err
    assert "assumed: action greedy; activation tanh (PPO's and A2C's default)" in said.err
    assert json.loads(said.out)["survival"] == survival(flat(mlp((4, 8, 2), "tanh", seed=1)), find_spec()).mean()
    said = cli("info", runs, "--json", "--episodes", 5)
    assert said.code == 0, said.err
    assert "other specs there: 6-8-3-relu-Acrobot-v1 (1)" in said.err
    assert "1 file left out" in said.err
    assert json.loads(said.out)["networks"] == 6
    # From then on it is taken from where it was put, as long as the files stay as they are.
    monkeypatch.setattr(opening, "_make", lambda *_: pytest.fail("imported again"))
    assert cli("info", runs, "--json", "--episodes", 5).out == said.out
    monkeypatch.undo()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    sb3(runs / "a" / "rl_model_9000_steps.zip", on_policy(mlp((4, 8, 2), "tanh", seed=77)))
    assert len(opening.load(runs)) == 7
    assert len(list((tmp_path / "state" / "agentemb-tui" / "imports").glob("runs-*"))) == 1


def find_spec():
    from workbench.policies import PolicySpec

    return PolicySpec((4, 8, 2), "tanh")


def test_what_cannot_be_opened_is_told(tmp_path, cli, runs):
    for path, message in (
        (tmp_path / "gone.zip", "no such file"),
        (runs / "b" / "broken.pt", "broken.pt: not a file of torch.save"),
    ):
        said = cli("info", path)
        assert said.code == 2
        assert message in said.err
        assert said.err.count("\n") == 1


def test_a_population_file_is_opened_as_ever(population):
    told = []
    assert opening.load(population.path, told.append).content_hash == population.content_hash
    assert told == []
    assert opening.load().name == "cartpole-7400"


def test_two_that_open_the_same_folder_at_once_get_the_same(runs, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    kept = tmp_path / "kept.safetensors"
    listing = folders.look(runs)
    first, second = (opening._make(runs, listing, kept) for _ in range(2))
    assert first.content_hash == second.content_hash


def test_normalisers_of_their_own_part_networks_unless_folded(tmp_path):
    root = tmp_path / "runs"
    for k in range(2):
        (root / f"r{k}").mkdir(parents=True)
        sb3(root / f"r{k}" / "model.zip", dqn(mlp((4, 8, 2), seed=k)))
        (root / f"r{k}" / "vecnormalize.pkl").write_bytes(vecnormalize([k] * 4, [1.0] * 4))
    assert len(scan(root).rows) == 2
    assert [row.networks for row in scan(root, fold=True).rows] == [2]
    assert [row.networks for row in scan(root, normaliser="none").rows] == [2]
    assert len({row.name for row in scan(root).rows}) == 2


def test_imported_networks_are_analysed_like_others(tmp_path, cli):
    root = tmp_path / "deep"
    root.mkdir()
    for k in range(6):
        (root / f"m{k}.cleanrl_model").write_bytes(saved(actor_critic_state((6, 8, 8, 3), seed=k)))
    said = cli("import", root, "--out", tmp_path / "x.safetensors", "--episodes", 2, "--cap", 20, "--json")
    assert said.code == 0, said.err
    (row,) = json.loads(said.out)["populations"]
    assert row["path"] == str(tmp_path / "x.safetensors")
    for command in (
        ["info", "--episodes", 5],
        ["survival", "--episodes", 2, "--cap", 20],
        ["policy", "--episodes", 2, "--cap", 20],
        ["converge", "--count", 60, "--resamples", 5, "--states", "box"],
        ["landscape", "--first", 0, "--space", "weights", "--grid", 3, "--episodes", 1, "--cap", 5],
    ):
        said = cli(command[0], tmp_path / "x.safetensors", *command[1:], "--json", "--threads", 1)
        assert said.code == 0, (command, said.err)


def test_overrides_are_checked_before_anything_is_read(tmp_path):
    with pytest.raises(WorkbenchError, match="activation: expected"):
        scan(tmp_path / "gone", activation="gelu")
    assert Overrides().hints.sizes == ()


@pytest.mark.parametrize(("layout", "to"), [("torch", "folder"), ("sb3", "folder"), ("torch", "x.npz")])
def test_what_is_exported_is_imported_as_it_was(layout, to, tmp_path, population, cli):
    odd = population.select(np.arange(7))
    norm = Normaliser((0.0, 1.0, 2.0, 3.0), (1.0, 2.0, 1.0, 2.0), 10.0)
    odd = replace(odd, spec=replace(odd.spec, normaliser=norm, action="sampled").with_env(masspole=0.2))
    odd.save(tmp_path / "odd.safetensors")
    said = cli("export", tmp_path / "odd.safetensors", "--to", tmp_path / to, "--layout", layout, "--threads", 1)
    assert said.code == 0, said.err
    (row,) = import_(tmp_path / to, tmp_path / "back.safetensors").rows
    back = load(row.path)
    assert back.spec == odd.spec
    assert np.array_equal(back.weights, odd.weights)
    assert [told for told, _ in row.assumed if not told.startswith("network q_net.q_net.0")] == []
    assert (
        scan(tmp_path / to, action="greedy", normaliser="none").rows[0].name.startswith("4-30-2-elu-CartPole-v1-args")
    )
    assert any("folded" in told for told, _ in scan(tmp_path / to, fold=True).rows[0].assumed)
    if to == "folder":
        assert np.array_equal(back["user_survival"], odd["survival"])
        (tmp_path / to / "spec.json").write_text('{"sizes": 3}')
        assert any("spec.json beside it is none of this program" in a for a, _ in scan(tmp_path / to).rows[0].assumed)


def test_an_exported_array_that_lies_is_told(tmp_path):
    weights, spec = np.zeros((2, 5), np.float32), np.array('{"sizes": [4, 2], "activation": "elu"}')
    np.savez(tmp_path / "x.npz", weights=weights, spec=spec)
    np.savez(tmp_path / "y.npz", weights=weights, spec=np.array("{"))
    assert [reason.split(" (")[0] for _, reason in scan(tmp_path).skipped] == [
        "expected float32 weights of shape",
        "its `spec` is none of this program",
    ]
