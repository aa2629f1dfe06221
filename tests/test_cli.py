"""The command line: exit codes, JSON, filters, and errors in one readable line."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, replace

import numpy as np
import pytest
from rich.console import Console

import workbench
from workbench import cli as module
from workbench.analyses import find, survival
from workbench.analysis import Export
from workbench.cli import following
from workbench.expressions import matches
from workbench.population import load

HOSTILE = "a\x1b[31m\x1b]0;title\x07b\x9b2J[red]:smile:\u202e.safetensors"


def program(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "workbench", *map(str, arguments)], capture_output=True, text=True, timeout=60, **options
    )


def codes(text):
    """Characters that a terminal would act on."""
    return {c for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u202e")}


def one_line(said, code, message):
    """The program left with this code and said this, on standard error and in one line."""
    assert said.code == code
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("agentemb-tui: ")
    assert message in line
    assert "Traceback" not in line


def test_the_program_as_it_is_started(population_path, tmp_path):
    version = program("--version")
    assert (version.returncode, version.stdout) == (0, f"agentemb-tui {workbench.__version__}\n")
    info = program("info", population_path, "--episodes", 20, "--json")
    assert info.returncode == 0, info.stderr
    assert json.loads(info.stdout)["networks"] == 96
    missing = program("info", tmp_path / "none.safetensors")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr == f"agentemb-tui: {tmp_path / 'none.safetensors'}: no such file\n"
    several = program("info", population_path, population_path)
    assert several.returncode == 2
    assert "unexpected extra argument" in several.stderr


def test_help_tells_the_commands(cli):
    said = cli("--help")
    assert said.code == 0
    for name in ("info", "survival", "policy", "converge", "pair", "collect", "bench", "doctor", "open"):
        assert f"  {name} " in said.out
        assert find(name).title in said.out if name not in ("bench", "doctor", "open") else True
    assert cli("-h") == said
    assert cli("info", "-h").out == cli("info", "--help").out


def test_without_a_command_it_is_the_apps(monkeypatch):
    from workbench import __main__ as entry

    seen = []
    launcher = type(sys)("workbench.tui.launch")
    launcher.launch = lambda *arguments: seen.append(arguments)
    monkeypatch.setitem(sys.modules, "workbench.tui.launch", launcher)
    monkeypatch.setattr(module, "run", lambda arguments: seen.append(arguments))
    for arguments in ([], ["some.safetensors"], ["some.safetensors", "--threads", "2"], ["info", "x"], ["--version"]):
        monkeypatch.setattr(sys, "argv", ["agentemb-tui", *arguments])
        entry.main()
    assert seen == [
        (None,),
        ("some.safetensors",),
        ["open", "some.safetensors", "--threads", "2"],
        ["info", "x"],
        ["--version"],
    ]


def test_where_selects_networks(cli, population):
    said = cli("survival", population.path, "--where", "survival > 100", "--episodes", 20, "--threads", 1, "--json")
    assert said.code == 0, said.err
    chosen = matches(population, "survival > 100")
    assert 0 < chosen.sum() < 96
    assert json.loads(said.out)["survival"] == population["survival"][chosen].tolist()
    nobody = cli("survival", population.path, "--where", "survival > 1000", "--json")
    assert json.loads(nobody.out)["networks"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "{p}", "--where", "speed > 1"], "filter: no column 'speed'; there are id, index, survival"),
        (["info", "{p}", "--where", "survival >"], "filter: 'survival >' does not parse"),
        (["info", "{p}", "--episodes", "0"], "episodes: expected 1 to 1000000, got 0"),
        (["info", "{p}", "--episodes", "many"], "Invalid value for '--episodes': "),
        (["info", "{p}", "--bogus"], "No such option: --bogus (see 'agentemb-tui info --help')"),
        (["info", "{p}", "--device", "tpu"], "device: expected auto, cpu, cuda or cuda:N, got 'tpu'"),
        (["info", "{p}", "--device", "cuda:99"], "device: cuda:99 is not there; torch sees"),
        (["info", "{p}", "--threads", "-1"], "threads: expected 0 (all cores but one) to 1024, got -1"),
        (["info", "{d}"], "a folder without checkpoints (.bin, "),
        (["info", "{d}/none"], "none: no such file"),
        (["info", "n" * 300], "cannot be read (File name too long)"),
        (["info", "{d}/text"], "text: neither a population nor a checkpoint ("),
        (["policy", "{p}", "--network", "96"], "small: no network #96; it has 96"),
        (["collect"], "Missing argument 'out'. (see 'agentemb-tui collect --help')"),
        (["collect", "{p}"], "small.safetensors: already there; give another name or remove it"),
        (["collect", "{d}/x", "--count", "0"], "count: expected 1 to 10000000, got 0"),
        (["collect", "{d}/x", "--recipe", "sarsa"], "recipe: expected one of dqn, reinforce, got 'sarsa'"),
        (["collect", "{d}/x", "--set", "lr=7"], "lr: expected 1e-06 to 1, got 7"),
        (["collect", "{d}/x", "--set", "updates=inf"], "updates: expected a number, a list"),
        (["collect", "{d}/x", "--quota", "mine"], "quota: expected `paper` or nothing, got 'mine'"),
        (["collect", "{d}/x", "--resume"], "x.collecting: no unfinished collection to resume"),
        (["collect", "{d}/text/x"], "x.collecting/plan.json: cannot write there"),
        (["nonsense"], "No such command 'nonsense'"),
        (["--bogus"], "No such option: --bogus"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(cli, population_path, tmp_path, arguments, message):
    (tmp_path / "text").write_text("no population")
    before = sorted(p.name for p in tmp_path.iterdir())
    one_line(cli(*[a.format(p=population_path, d=tmp_path) for a in arguments]), 2, message)
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_several_settings_and_flags(cli, tmp_path):
    out = tmp_path / "p.safetensors"
    arguments = ["--count", 10, "--hidden", 5, "--set", "updates=3", "--set", "lr=.01,.02", "--threads", 1, "--json"]
    said = cli("collect", out, *arguments)
    assert said.code == 0, said.err
    assert json.loads(said.out)["path"] == str(out)
    made = load(out)
    assert set(made["updates"]) == {3}
    assert set(made["lr"]) == {np.float32(0.01), np.float32(0.02)}
    assert made.spec.sizes == (4, 5, 2)


def test_a_quota_from_the_command_line(cli, tmp_path):
    out = tmp_path / "q.safetensors"
    said = cli("collect", out, "--count", 12, "--quota", "paper", "--set", "updates=50..5000", "--json")
    groups = json.loads(said.out)["groups"]
    assert [g["kept"] for g in groups.values()] == [4, 1, 2, 5]


def test_file_names_move_no_cursor(cli, tmp_path):
    path = tmp_path / HOSTILE
    missing = cli("info", path)
    assert missing.code == 2
    assert not codes(missing.err)
    assert "[red]:smile:" in missing.err, "neither markup nor emoji are read in it"
    made = cli("collect", path, "--count", 3, "--set", "updates=1", "--threads", 1)
    assert made.code == 0, made.err
    assert path.exists()
    assert not codes(made.out + made.err)
    assert "[red]:smile:" in made.out.replace("\n", "")
    shown = cli("info", path, "--episodes", 5)
    assert shown.code == 0, shown.err
    assert not codes(shown.out + shown.err)
    assert "written to" in made.out
    as_json = cli("info", path, "--episodes", 5, "--json")
    assert not codes(as_json.out)
    assert json.loads(as_json.out)["population"]["path"] == str(path)


def test_columns_and_environments_of_a_file_move_no_cursor(cli, population, tmp_path):
    hostile = population.with_columns(**{"\x1b[2J": np.arange(96)})
    hostile = replace(hostile, spec=replace(hostile.spec, env="Nowhere\x1b[2J-v0"))
    path = hostile.save(tmp_path / "h.safetensors").path
    for arguments in (
        ["info", path, "--episodes", 5],
        ["info", path, "--where", "speed > 1"],
        ["survival", path, "--episodes", 1],
        ["policy", path],
    ):
        said = cli(*arguments)
        assert not codes(said.out + said.err), arguments
        assert said.out or said.err.count("\n") == 1


@dataclass(frozen=True)
class Frame:
    done: int
    total: int


def breaks(_compute, _selection, _params):
    yield Frame(1, 2)
    raise ZeroDivisionError("oh")


@pytest.fixture
def as_survival(monkeypatch, cli, population_path):
    """Runs a command that computes this instead."""

    def call(run):
        made = replace(
            survival.ANALYSIS, run=run, summary=lambda f: {"x": float("nan"), "y": np.int64(f.done)}, table=str
        )
        monkeypatch.setattr(module.app, "registered_commands", list(module.app.registered_commands))
        module.app.command(name="stand-in")(module.command_for(made))
        return cli("stand-in", population_path, "--json", "--threads", 1)

    return call


def test_a_defect_is_a_failure_and_said_so(as_survival):
    said = as_survival(breaks)
    assert said.code == 1
    assert said.out == ""
    assert said.err.splitlines()[-1] == "agentemb-tui: defect in survival: ZeroDivisionError: oh"


def test_nan_is_null_in_json(as_survival):
    said = as_survival(lambda *_: iter_frames())
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert (found["x"], found["y"]) == (None, 2)


def iter_frames():
    yield Frame(2, 2)


@pytest.fixture
def exporting(monkeypatch, cli, population_path):
    """Runs a command whose frames can be written to a file with `--told`."""
    begun = []

    def computes(*_):
        begun.append(1)
        yield Frame(2, 2)

    def write(compute, selection, params, frame, path):
        path.write_text(f"{compute.threads} {len(selection)} {params.episodes} {frame.done}")

    exports = {"told": Export("Save what was told.", (".txt", ".md"), write)}
    made = replace(survival.ANALYSIS, run=computes, summary=lambda f: {"x": f.done}, table=str, exports=exports)
    monkeypatch.setattr(module.app, "registered_commands", list(module.app.registered_commands))
    module.app.command(name="stand-in")(module.command_for(made))
    return lambda *arguments: (cli("stand-in", population_path, *arguments, "--threads", 1), len(begun))


def test_files_are_made_of_a_finished_frame(exporting, tmp_path):
    for suffix in ("txt", "md"):
        path = tmp_path / f"a.{suffix}"
        said, _ = exporting("--told", path, "--episodes", 7, "--json")
        assert said.code == 0, said.err
        assert json.loads(said.out)["x"] == 2
        assert path.read_text() == "1 96 7 2"
    help_, _ = exporting("--help")
    assert "--told" in help_.out and "Save what was told." in help_.out


def test_files_that_cannot_be_made_are_told_before_anything_is_computed(exporting, tmp_path):
    (tmp_path / "there.txt").write_text("mine")
    for name, message in (
        ("a.csv", f"told: expected a file ending in .txt or .md, got {tmp_path / 'a.csv'}"),
        ("a", "told: expected a file ending in .txt or .md, got "),
        ("a.TXT", "told: expected a file ending in .txt or .md, got "),
        ("there.txt", f"{tmp_path / 'there.txt'}: already there; give another name or remove it"),
    ):
        said, begun = exporting("--told", tmp_path / name)
        one_line(said, 2, message)
        assert begun == 0
    assert [p.name for p in tmp_path.iterdir()] == ["there.txt"]
    assert (tmp_path / "there.txt").read_text() == "mine"


def test_a_key_pressed_before_the_job_has_begun_cancels_too(cli, population_path, monkeypatch):
    def interrupted(_path):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.analyses, "load", interrupted)
    one_line(cli("info", population_path), 1, "cancelled")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cancels_a_job(as_survival, number):
    before = signal.getsignal(number)

    def waits(_compute, _selection, _params):
        yield Frame(1, 3)
        while signal.getsignal(number) == before:
            yield Frame(1, 3)
        os.kill(os.getpid(), number)
        while True:
            yield Frame(2, 3)

    one_line(as_survival(waits), 1, "cancelled with 2 of 3 done")


def test_progress_is_logged_where_there_is_no_terminal(as_survival, monkeypatch):
    told = threading.Event()
    monkeypatch.setattr(following, "LOG_EVERY", -1.0)
    monkeypatch.setattr("workbench.service.progress", lambda *a: told.set() or f"progress {a[0]} of {a[1]}")

    def waits(_compute, _selection, _params):
        yield Frame(1, 4)
        assert told.wait(30)
        yield Frame(4, 4)

    said = as_survival(waits)
    assert said.code == 0
    assert "progress 1 of 4\n" in said.err


def test_progress_on_a_terminal(population):
    from workbench.analysis import Selection
    from workbench.service import Job

    job = Job(1, find("survival"), Selection(population), survival.Params())

    def shown():
        page = Console(file=io.StringIO(), width=80, force_terminal=False)
        page.print(following.picture(job))
        return page.file.getvalue()

    assert "starting" in shown()
    job.frame = Frame(30, 120)
    assert "25 %" in shown()
    job.cancel()
    assert "stopping" in shown()


def test_a_reader_who_has_gone_is_no_traceback(population_path):
    code = f"set -o pipefail; {sys.executable} -m workbench survival {population_path} --episodes 2 --json | true"
    gone = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in gone.stderr


def test_the_cache_of_results_is_used_by_the_command_line(cli, population_path, monkeypatch, homes):
    from workbench import service

    monkeypatch.setattr(service, "WORTH_KEEPING", -1.0)
    first = cli("survival", population_path, "--episodes", 3, "--json")
    assert list((homes / "cache" / "agentemb-tui" / "results").glob("*.safetensors"))
    monkeypatch.setattr(survival, "stream", None)  # computing it again would fail
    assert cli("survival", population_path, "--episodes", 3, "--json").out == first.out


def test_info_holds_the_file_against_its_hash(cli, population_path, tmp_path):
    path = tmp_path / "flipped.safetensors"
    data = bytearray(population_path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    said = cli("info", path)
    assert said.code == 2
    assert "damaged: its content hash" in said.err
