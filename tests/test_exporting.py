"""Populations as files that others read: torch, NumPy and csv read them back; and files made of files."""

import csv
import json
from io import StringIO

import numpy as np
import pytest
import torch

from workbench import exporting
from workbench.errors import WorkbenchError
from workbench.policies import PolicySpec, forward, initial
from workbench.population import HELD_OUT, Population, Text, held_out, load

SPEC = PolicySpec((4, 7, 5, 2), "tanh")


@pytest.fixture
def networks(tmp_path):
    columns = {
        "survival": np.array([3.0, 50, np.nan, 120, 199, 7]),
        "tag": Text.of(["a", "b, c", "a", 'q"', "[bold]x", ""]),
        "step": np.arange(6),
    }
    return Population(SPEC, initial(SPEC, 6, 1), columns).save(tmp_path / "six.safetensors")


def written(population, path, **how):
    assert list(exporting.export(population, path, **how))[-1] == len(population)
    return path


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("layout", exporting.LAYOUTS)
def test_state_dicts_load_into_torch(tmp_path, layout, bias):
    spec = PolicySpec((4, 7, 5, 2), "tanh", bias)
    networks = Population(spec, initial(spec, 3, 1))
    folder = written(networks, tmp_path / "agents", layout=layout)
    states = torch.randn(20, 4)
    for row in range(3):
        found = torch.load(folder / f"{row}.pth", weights_only=True)
        sb3 = layout == "sb3"
        module = torch.nn.Sequential(
            torch.nn.Linear(4, 7, bias or sb3), torch.nn.Tanh(), torch.nn.Linear(7, 5, bias or sb3), torch.nn.Tanh(),
            torch.nn.Linear(5, 2, bias or sb3),
        )  # fmt: skip
        prefixes = ("q_net.q_net.", "q_net_target.q_net.") if sb3 else ("",)
        assert {name.rpartition(".")[0].rpartition(".")[0] + "." * sb3 for name in found} == set(prefixes)
        for prefix in prefixes:
            module.load_state_dict(
                {name.removeprefix(prefix): t for name, t in found.items() if name.startswith(prefix)}
            )
            outputs = module(states).detach().numpy()
            assert np.allclose(outputs, forward(networks.weights[[row]], spec, states.numpy())[0], atol=1e-6)


def test_a_folder_says_what_it_holds(tmp_path, networks):
    folder = written(networks, tmp_path / "agents")
    rows = list(csv.DictReader(StringIO((folder / "columns.csv").read_text())))
    assert [r["file"] for r in rows] == [f"{k}.pth" for k in range(6)]
    assert [r["tag"] for r in rows] == networks["tag"].tolist() and rows[2]["survival"] == ""
    spec = json.loads((folder / "spec.json").read_text())
    assert spec.pop("layout") == "torch" and PolicySpec.from_json(spec) == SPEC
    assert not list(tmp_path.glob(".agents*"))


def test_arrays_and_tables(tmp_path, networks):
    with np.load(written(networks, tmp_path / "a.npz"), allow_pickle=False) as found:
        assert (found["weights"] == networks.weights).all() and (found["tag"] == networks["tag"]).all()
        assert PolicySpec.from_json(json.loads(str(found["spec"]))) == SPEC
    rows = list(csv.reader(StringIO(written(networks, tmp_path / "a.csv").read_text())))
    assert rows[0] == ["survival", "tag", "step"] and len(rows) == 7 and rows[5][1] == "[bold]x"
    told = json.loads(written(networks, tmp_path / "a.json").read_text())
    assert told["columns"]["survival"][2] is None and told["columns"]["step"] == list(range(6))
    assert load(written(networks, tmp_path / "b.safetensors")).content_hash == networks.content_hash


def test_what_cannot_be_written_is_told(tmp_path, networks, cli):
    path = networks.path
    (tmp_path / "there").mkdir()
    for arguments, told in (
        (("--to", tmp_path / "there"), "already there"),
        (("--to", tmp_path / "a.txt"), "expected a file ending in .safetensors, .npz, .csv, .json, or a folder"),
        (("--to", tmp_path / "x", "--layout", "jax"), "layout: expected torch or sb3, got 'jax'"),
        ((), "to: expected a file or a new folder"),
        (("--to", tmp_path / "x", "--where", "survival > 900"), "six: no networks are selected"),
        (("--to", "/proc/nothing/x"), "cannot write there"),
    ):
        said = cli("export", path, *arguments)
        assert said.code == 2 and told in said.err and said.err.count("\n") == 1, said.err
    taken = networks.with_columns(weights=np.zeros(6))
    with pytest.raises(WorkbenchError, match="a column is called 'weights'"):
        list(exporting.export(taken, tmp_path / "t.npz"))


def test_a_selection_is_a_population(tmp_path, networks, cli):
    out = tmp_path / "good.safetensors"
    said = cli("select", "survival > 40 and tag != 'a'", networks.path, "--out", out)
    assert said.code == 0 and "3 of 6 networks written" in said.err
    good = load(out)
    assert good["step"].tolist() == [1, 3, 4] and (good.weights == networks.weights[[1, 3, 4]]).all()
    edged = tmp_path / "edged.safetensors"
    assert cli("select", "all", networks.path, "--out", edged, "--edges", "10,100").code == 0
    assert load(edged).groups.names == ("below 10", "10 to 100", "from 100")
    for arguments, told in (
        (("all", networks.path, "--out", out), "already there"),
        (("all", networks.path, "--out", tmp_path / "x.csv"), "expected a file ending in .safetensors"),
        (("all", networks.path, "--out", tmp_path / "x.safetensors", "--edges", "a,b"), "edges: expected numbers"),
        (("all", networks.path, "--out", tmp_path / "x.safetensors", "--edges", "5,1"), "expected rising edges"),
        (("lr > 1", networks.path, "--out", tmp_path / "x.safetensors"), "no column 'lr'"),
    ):
        said = cli("select", *arguments)
        assert said.code == 2 and told in said.err, said.err
    assert not (tmp_path / "x.safetensors").exists()


def test_populations_merge(tmp_path, networks, cli):
    other = Population(SPEC, np.concatenate([initial(SPEC, 4, 2), networks.weights[:2]]), {"lr": np.arange(6.0)})
    other = other.save(tmp_path / "other.safetensors")
    out = tmp_path / "both.safetensors"
    said = cli("merge", networks.path, other.path, "--out", out)
    assert said.code == 0 and "10 networks of 12" in said.err
    both = load(out)
    assert both["from"].tolist() == ["six"] * 6 + ["other"] * 4
    assert np.isnan(both["lr"][:6]).all() and both["lr"][6:].tolist() == [0, 1, 2, 3]
    assert both["tag"].tolist() == networks["tag"].tolist() + [""] * 4
    assert (both[HELD_OUT] == held_out(both["fingerprint"])).all()


def test_what_is_held_out_stays_so(networks):
    kept = networks.with_columns(held_out=np.array([1, 0, 0, 1, 1, 1], bool))
    assert exporting.merged([kept, kept])[HELD_OUT].tolist() == [True, False, False, True, True, True]


def test_populations_that_do_not_go_together_are_told(tmp_path, networks, cli):
    elu = Population(PolicySpec(SPEC.sizes, "elu"), networks.weights).save(tmp_path / "elu.safetensors")
    said = cli("merge", networks.path, elu.path, "--out", tmp_path / "x.safetensors")
    assert said.code == 2 and "networks of one spec can be merged" in said.err
    said = cli("merge", networks.path, "--out", tmp_path / "x.safetensors")
    assert said.code == 2 and "expected two or more populations, got 1" in said.err
    mixed = networks.with_columns(tag=np.zeros(6))
    with pytest.raises(WorkbenchError, match="column 'tag' is text in one population and numbers in another"):
        exporting.merged([networks, mixed])
    with pytest.raises(WorkbenchError, match="its groups have other edges"):
        exporting.merged([networks, exporting.regrouped(networks, (1.0,))])
