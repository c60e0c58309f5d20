"""The documentation is true: its Python blocks run and print what they say, its links lead on."""

import re
import shlex
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def relative(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return (language, text) of every fenced block in order."""
    return FENCE.findall(page.read_text(encoding="utf-8"))


def promised(code: str) -> list[str]:
    """Return what a block says it prints: comments that begin a line right after a `print`."""
    return re.findall(r"print\(.*\)\n# (.*)", code)


def runs(page: Path) -> bool:
    return any(
        language == "python" or text.startswith("sodachi learn") for language, text in blocks(page)
    )


@pytest.mark.parametrize("page", [page for page in PAGES if runs(page)], ids=relative)
def test_the_blocks_of_a_page_run_in_order_and_print_what_they_say(
    page, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    scope: dict = {"__name__": "documentation"}
    for language, text in blocks(page):
        if language == "python":
            exec(compile(text, relative(page), "exec"), scope)
            assert capsys.readouterr().out.splitlines() == promised(text), text
        elif text.startswith("sodachi learn"):
            learn(text)
            capsys.readouterr()


def learn(text: str) -> None:
    from sodachi.face.cli import run_command

    for line in text.splitlines():
        assert run_command(shlex.split(line, comments=True)[1:]) == 0, line


def test_the_pages_of_the_site_have_examples():
    with_examples = {relative(page) for page in PAGES if runs(page)}
    assert {"index.md", "tutorial.md", "how-to.md", "reference.md"} <= with_examples


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_relative_links_lead_to_files_and_headings(page):
    for target, anchor in re.findall(
        r"\]\((?!https?:)([^)#\s]*)(#[^)\s]+)?\)", page.read_text(encoding="utf-8")
    ):
        other = (page.parent / target).resolve() if target else page
        assert other.exists(), f"{relative(page)} links to {target}"
        if anchor:
            assert anchor[1:] in headings(other), f"{relative(page)} links to {target}{anchor}"


def headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as MkDocs and GitHub both make them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


#: Tables that `python -m sodachi.claims.tables` writes grow with the claims.
GENERATED = ("claims.md", "suite.md")


@pytest.mark.parametrize("page", [p for p in PAGES if relative(p) not in GENERATED], ids=relative)
def test_a_page_is_short(page):
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 200


def test_command_lines_name_real_commands_and_options():
    import typer.main

    from sodachi.face.cli import app

    commands = typer.main.get_command(app).commands
    lines = [
        line
        for page in PAGES
        for language, text in blocks(page)
        if language == "sh"
        for line in text.splitlines()
        if line.startswith("sodachi ")
    ]
    assert lines
    for line in lines:
        _, name, *rest = shlex.split(line, comments=True)
        options = {option for parameter in commands[name].params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= options, line
