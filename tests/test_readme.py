"""The README's Python examples run and print what they say; its commands exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_examples_print_what_their_comments_say(capsys):
    scope: dict = {}
    expected = []
    for block in re.findall(r"```python\n(.*?)```", README, re.S):
        expected += re.findall(r"print\(.*\)  # (.*)", block)
        exec(compile(block, "README.md", "exec"), scope)
    assert capsys.readouterr().out.split("\n")[:-1] == expected
    assert len(expected) >= 3


def test_its_make_commands_are_targets_of_the_makefile():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    commands = re.findall(r"^make ([a-z-]+)", README, re.M)
    assert commands[:2] == ["demo", "test"]
    assert set(commands) <= set(targets)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(((?!http)[^)#]+)", README))))
def test_its_links_lead_somewhere(target):
    assert (ROOT / target).exists()


def test_its_command_line_examples_name_real_commands():
    from sodachi.face.cli import app

    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    used = set(re.findall(r"^sodachi ([a-z]+)", README, re.M))
    assert used and used <= names
