"""Nothing that runs what it reads: no pickle and its kin, no eval, no exec, anywhere in the source.

The gate reads the syntax tree of every file, so a comment or a docstring may speak of them.
"""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
FILES = sorted(SOURCE.rglob("*.py"))
MODULES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "marshal", "shelve", "joblib",
           "jsonpickle", "pickletools"}  # fmt: skip
CALLS = {"eval", "exec", "__import__", "execfile"}
ATTRIBUTES = {"read_pickle", "to_pickle", "loads_pickle"}


def offences(tree):
    """Return each forbidden thing of a syntax tree as ``line: what``."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node, a.name) for a in node.names if a.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            found.append((node, node.module))
        elif isinstance(node, ast.Name) and node.id in CALLS:
            found.append((node, node.id))
        elif isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
            found.append((node, node.attr))
        elif isinstance(node, ast.Call):
            found += [(node, what) for what in _call(node)]
    return [f"{node.lineno}: {what}" for node, what in found]


def _call(node):
    for keyword in node.keywords:
        off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        if keyword.arg == "allow_pickle" and not off:
            yield "allow_pickle"
    first = node.args[0] if node.args else None
    named = first.value if isinstance(first, ast.Constant) else None
    if isinstance(named, str) and named.split(".")[0] in MODULES:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name == "import_module":
            yield f"import_module({named})"
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
        whole = f"{node.func.value.id}.{node.func.attr}"
        if whole in ("builtins.eval", "builtins.exec", "torch.load"):
            yield whole


@pytest.mark.unit
@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "import os, pickle as p",
        "from pickle import loads",
        "from joblib import load",
        "import joblib.memory",
        "def f():\n    import marshal",
        "import shelve",
        "import dill",
        "eval('1')",
        "run = exec",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "builtins.eval('1')",
        "importlib.import_module('pickle')",
        "pd.read_pickle(path)",
    ],
)
def test_the_gate_sees_each_way(code):
    assert len(offences(ast.parse(code))) == 1


@pytest.mark.unit
@pytest.mark.parametrize(
    "code", ["'pickle'", "# eval(x)", "np.load(p, allow_pickle=False)", "model.eval()"]
)
def test_the_gate_lets_words_pass(code):
    assert offences(ast.parse(code)) == []


@pytest.mark.unit
def test_there_is_source_to_look_at():
    assert len(FILES) > 20


@pytest.mark.unit
@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_pickle_and_no_eval(path):
    assert offences(ast.parse(path.read_text(encoding="utf-8"))) == []
