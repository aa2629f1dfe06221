"""All bindings in one table: named, free of what multiplexers take, bound anew by a file, and faults told."""

import json

import pytest
from test_app import opened, text, until

from workbench.compute import Compute
from workbench.config import Config
from workbench.tui.app import GENERAL_KEYS, WorkbenchApp
from workbench.tui.keys import APP, checked, id_of, key_name, table
from workbench.tui.panes import PANES, pane_class
from workbench.tui.panes.dataset import DatasetPane

PREFIXES = {"ctrl+a", "ctrl+b"}
"""Of screen and tmux."""
SAME = {
    "x": {"save", "matrix", "export"}, "equals_sign": {"command", "speed-on"}, "question_mark": {"help"},
    "colon": {"command-palette"},
    "slash": {"filter", "network"}, "m": {"mark"}, "y": {"copy"}, "escape": {"back"}, "space": {"play"}, "C": {"stop"},
}  # fmt: skip
"""What a key may do in the app and in panes: the same, or the nearest that there is."""


@pytest.fixture(scope="module")
def known():
    return table()


def test_every_binding_has_a_name_of_its_own(known):
    names = [named.id for named in known]
    assert len(names) == len(set(names))
    assert {named.owner for named in known} >= {APP, *PANES}
    assert all(named.keys and named.id.startswith(f"{named.owner}.") for named in known)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-") for name in names)


def test_no_key_is_a_multiplexers(known):
    taken = [named.id for named in known if PREFIXES & {*named.keys}]
    assert taken == []


def test_the_same_keys_do_the_same_in_all_panes(known):
    for named in known:
        for key in {*named.keys} & {*SAME} if named.owner in (APP, *PANES) else ():
            assert named.id.partition(".")[2] in SAME[key], f"{key} is {named.id}"


def test_panes_and_widgets_go_by_arrows_and_by_vi_keys_alike(known):
    pairs = {"left": "h", "right": "l", "up": "k", "down": "j"}
    for named in known:
        arrows = [key for key in named.keys if key in pairs]
        if named.owner not in ("open", "prompt"):  # letters are typed there
            assert all(pairs[key] in named.keys for key in arrows), named.id


def test_names_of_actions():
    assert id_of("repair", "ask('save')") == "repair.save"
    assert id_of("repair", "ask('seed')", {"seed"}) == "repair.ask-seed"
    assert id_of("pair", "go(0, -1)") == "pair.go-left"
    assert id_of("dataset", "step(-1)") == "dataset.step-back"
    assert id_of("workbench", "app.pane('dataset')") == "workbench.pane-dataset"
    assert id_of("open", "move(-10)") == "open.move-back-10"


@pytest.mark.parametrize(
    ("key", "name"), [("?", "question_mark"), ("f2", "f2"), ("ctrl+x", "ctrl+x"), ("X", "X"), (" f3 ", "f3")]
)
def test_keys_by_what_is_typed_or_by_name(key, name):
    assert key_name(key) == name


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [({"repair.sing": "f2"}, "no binding is called 'repair.sing'; agentemb-tui keys lists them"),
     ({"repair.save": "hyper"}, "repair.save: no key is called 'hyper'"),
     ({"repair.save": "r"}, "repair.save = 'r' is taken by repair.repair; it stays as it was"),
     ({"repair.save": "q"}, "repair.save = 'q' is taken by workbench.quit; it stays as it was"),
     ({"repair.save": "f2", "repair.repair": "f2"}, "is taken by")],
)  # fmt: skip
def test_what_cannot_be_bound_is_told_in_a_line(known, wanted, fault):
    keymap, (told,) = checked(wanted, known)
    assert fault in told
    assert len(keymap) == len(wanted) - 1


def test_keys_may_change_places(known):
    wanted = {"repair.save": "r", "repair.repair": "x"}
    assert checked(wanted, known) == (wanted, [])


async def test_keys_bound_anew_work_and_the_old_ones_do_not(population):
    config = Config(keys={"dataset.mark": "f2", "workbench.help": "f1", "dataset.nothing": "z"})
    app = WorkbenchApp(str(population.path), Compute("cpu", 1), config=config)
    async with app.run_test(size=(160, 45)) as pilot:
        await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.is_mounted)
        assert app.faults == ["keys: no binding is called 'dataset.nothing'; agentemb-tui keys lists them"]
        await pilot.press("m")
        assert not app.view.marks.any()
        await pilot.press("f2")
        assert app.view.marks.sum() == 1
        await pilot.press("f1")
        await until(pilot, lambda: "workbench.help, as configured" in text(app))
        app.close_service()


async def test_y_copies_the_value_under_both_cursors(population):
    async with opened(population) as (app, pilot):
        await pilot.press("down", "y")
        assert app.clipboard == "1"


def nothing(app):
    return any("nothing here to copy" in told.message for told in app._notifications)


@pytest.mark.parametrize("name", [name for name in PANES if hasattr(pane_class(name), "action_command")])
async def test_y_copies_the_command_of_a_pane(population, name):
    async with opened(population) as (app, pilot):
        await pilot.press(str(PANES.index(name) + 1))
        await until(pilot, lambda: isinstance(app.pane, pane_class(name)) and app.pane.is_mounted and app.focused)
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard.startswith("agentemb-tui ") or nothing(app))


def test_the_command_prints_them_all(cli, known, tmp_path, monkeypatch):
    said = cli("keys", "--json")
    assert json.loads(said.out) == {named.id: list(named.keys) for named in known}
    home = tmp_path / "agentemb-tui"
    home.mkdir()
    (home / "config.toml").write_text('[keys]\n"repair.save" = "f2"\n"no.such" = "f3"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    said = cli("keys")
    assert said.code == 0
    assert "f2  (configured)" in said.out
    assert "no binding is called 'no.such'" in " ".join(said.err.split())


def test_general_keys_of_the_bar_are_bound(known):
    bound = {key for named in known if named.owner == APP for key in named.keys}
    assert {key_name(key.replace("^", "ctrl+")) for key, _ in GENERAL_KEYS} <= bound
