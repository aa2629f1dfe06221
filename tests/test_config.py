"""The configuration file: what it may say, what is told of what it may not, and a theme that is kept."""

import tomllib

import pytest

from workbench.config import Config, config_path, keep_theme, read_config
from workbench.errors import WorkbenchError


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = config_path()
    path.parent.mkdir()

    def write(text):
        path.write_text(text)
        return read_config()

    return write


def test_without_a_file_all_is_as_usual(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert read_config() == (Config(), [])


def test_everything_that_can_be_said(written):
    config, faults = written(
        'theme = "agentemb-light"\nascii = true\nanimation = "off"\nrefresh = 5\n'
        '[keys]\n"repair.save" = "f2"\nconverge.run = ["r", "f5"]\n'
    )
    assert faults == []
    assert (config.theme, config.ascii, config.animation, config.refresh) == ("agentemb-light", True, "off", 5)
    assert config.keys == {"repair.save": "f2", "converge.run": "r,f5"}


@pytest.mark.parametrize(
    ("text", "words"),
    [("theme = 3", "theme: expected a name, got 3"),
     ('ascii = "yes"', "ascii: expected true or false, got 'yes'"),
     ('animation = "slow"', "animation: expected auto, on, off, got 'slow'"),
     ("refresh = 0", "refresh: expected a whole number from 1 to 30, got 0"),
     ("refresh = true", "refresh: expected a whole number from 1 to 30, got True"),
     ("keys = 1", "keys: expected a table, got 1"),
     ('[keys]\n"repair.save" = 2', "keys: repair.save: expected a key or a list of keys, got 2"),
     ('[keys]\n"repair.save" = []', "keys: repair.save: expected a key or a list of keys, got []"),
     ("colour = 1", "colour: expected one of animation, ascii, keys, refresh, theme, got 1"),
     ("theme =", "not TOML")],
)  # fmt: skip
def test_what_is_wrong_is_told_in_a_line_and_left_out(written, text, words):
    config, faults = written(text)
    assert config == Config()
    assert len(faults) == 1 and words in faults[0] and "\n" not in faults[0]


def test_a_file_that_cannot_be_read(written):
    config_path().mkdir()
    config, (fault,) = read_config()
    assert config == Config() and "cannot be read" in fault
    with pytest.raises(WorkbenchError, match="cannot be read"):
        keep_theme("x")


@pytest.mark.parametrize(
    "before",
    ["", '# mine\nrefresh = 5\n[keys]\ntheme.next = "f3"\n', 'theme = "old"\n', 'refresh = 5\n  theme = "old" # yes\n'],
)
def test_a_theme_is_kept_and_all_else_stays(written, before):
    written(before)
    keep_theme("agentemb-16")
    after = tomllib.loads(config_path().read_text())
    assert after == {**tomllib.loads(before), "theme": "agentemb-16"}
    assert ("# mine" in before) == ("# mine" in config_path().read_text())
