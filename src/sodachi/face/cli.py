"""The command line: ``sodachi demo | learn | reverse | claims | claim | suite | draw | doctor``.

Nothing heavy is imported before a command needs it, so ``--help`` answers at once. Every error is
one line on standard error; the exit code is 0 (fine, met), 1 (failed, not met) or 2 (the command
was used wrongly, or a claim cannot be compared).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import sodachi
from sodachi.errors import ClaimError, CommandError, SodachiError

app = typer.Typer(
    help="A young network that learns all the time, from one stream.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

#: The exit code of a command stopped by Ctrl-C (128 + SIGINT), as shells have it.
INTERRUPTED = 130
USAGE_ERROR = typer.BadParameter.__bases__[0]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    sys.exit(run_command(arguments))


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; errors are one line, no traceback."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(args=arguments, prog_name="sodachi", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:  # typer turns Ctrl-C into this code without a word
            print("sodachi: stopped; a life goes on from its last checkpoint", file=sys.stderr)
        return code if isinstance(code, int) else 0
    except BrokenPipeError:  # the reader of a pipe went away, as `head` does
        sys.stderr.close()
        return 1
    except Exception as error:
        if "--debug" in arguments:
            raise
        message, code = explain(error)
        print(f"sodachi: {' '.join(message.split())}", file=sys.stderr)
        return code


def explain(error: Exception) -> tuple[str, int]:
    """Return what to say about an error, and the exit code.

    Examples
    --------
    >>> explain(CommandError("--target", "one of a, b", "c"))
    ('--target: expected one of a, b, got c', 2)
    """
    if isinstance(error, USAGE_ERROR):
        said = getattr(error, "message", str(error))
        return f"{said} See sodachi --help.", 2
    if isinstance(error, CommandError | ClaimError):
        return str(error), 2
    if isinstance(error, SodachiError):
        return str(error), 1
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'files'}: {error.strerror}", 1
    return f"unexpected {type(error).__name__}: {error} (--debug shows where)", 1


def _version(wanted: bool) -> None:
    if wanted:
        print(f"sodachi {sodachi.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback, not one line.")] = False,
) -> None:
    """Show what there is when no command is given."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("sodachi-demo"),
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    worlds: Annotated[int | None, typer.Option(min=1, help="Worlds to live in.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Plain text, no live table.")] = False,
) -> int:
    """Watch one life in about a minute: digits, rewired sensors, kill -9, and a report."""
    _prepare()
    from sodachi.face.demo import run_demo

    return run_demo(out=out, seed=seed, worlds=worlds, plain=plain or not sys.stdout.isatty())


@app.command()
def learn(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="CSV files with a header, or JSON lines (.jsonl), one after the other.",
        ),
    ],
    target: Annotated[str, typer.Option(help="The column to predict.")],
    predictions: Annotated[
        Path | None, typer.Option(help="Write every prediction, made before its row is learned.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where the life is kept  [default: FILE.life]")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="classification or regression, if not as judged.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    fixed: Annotated[
        bool, typer.Option("--fixed", help="Put rows with a new column or class aside.")
    ] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Plain text, no live line.")] = False,
) -> int:
    """Live through files: predict each row, then learn it. Resumes by itself.

    The task is classification if any target is not a number, or if all are integers of at most 20
    values; otherwise regression. The target column is read once beforehand to know the classes.

    Columns are known by name and may come and go, in JSON lines from row to row, in CSV from file
    to file; classes too. The end says when. With --fixed nothing new is learned: such rows are put
    aside.
    """
    from sodachi.face.learn import check_request, learn_table

    request = check_request(files, target, predictions, folder, task, seed, fixed)
    _prepare()
    return learn_table(request, live=sys.stdout.isatty() and not plain)


@app.command()
def reverse(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="A recording: .mat, .nwb, .npz, .csv, or what Neo reads; simulated if none.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("culture.html"),
    culture: Annotated[int, typer.Option(min=1, help="Which culture of a file of several.")] = 1,
    sources: Annotated[int | None, typer.Option(min=1, help="Hidden sources to look for.")] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Trials of a session.")] = None,
    early: Annotated[int, typer.Option(min=2, help="Sessions to forecast from.")] = 10,
    normalisation: Annotated[
        str | None, typer.Option(help="causal, look-ahead (as published) or none.")
    ] = None,
    rates: Annotated[bool, typer.Option("--rates", help="Responses are no spike counts.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the simulated culture.")] = 0,
) -> int:
    """Read a recorded culture as a network that infers and learns; forecast it; write a page."""
    from sodachi.face.reversing import reverse_file

    return reverse_file(
        file,
        out=out,
        culture=culture,
        sources=sources,
        trials=trials,
        early=early,
        normalisation=normalisation,
        rates=rates,
        seed=seed,
    )


@app.command()
def claims(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """List the claims and what was measured."""
    from sodachi.face.claiming import show_claims

    return show_claims(as_json)


@app.command()
def claim(
    name: Annotated[str, typer.Argument(help="A name that `sodachi claims` lists.")],
    quick: Annotated[bool, typer.Option("--quick", help="The short form, own target.")] = False,
    seeds: Annotated[int | None, typer.Option(min=1, help="How many seeds.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Test one claim: exit 0 when met, 1 when not, 2 when it cannot be compared."""
    _prepare()
    from sodachi.face.claiming import judge_claim

    return judge_claim(name, "quick" if quick else "full", seeds, as_json)


@app.command()
def suite(
    full: Annotated[bool, typer.Option("--full", help="The full forms: hours.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Committed results, nothing run.")] = False,
    seeds: Annotated[int | None, typer.Option(min=1, help="How many seeds of each.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Measure every stream of growing up, quickly: plasticity, retention, dead units, cost."""
    if show and (full or seeds is not None):
        raise CommandError("--show", "alone or with --json", "--full or --seeds")
    _prepare()
    from sodachi.face.suiting import run_suite, show_suite

    return show_suite(as_json) if show else run_suite("full" if full else "quick", seeds, as_json)


@app.command()
def draw(
    what: Annotated[
        str,
        typer.Argument(
            help="A set of pictures: settling, backbone, canonical, membrane, machine, dynamic, "
            "dreams, filters."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("."),
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
) -> int:
    """Draw pictures of a page of the documentation, from nets that are run for it."""
    sets = (
        "settling",
        "backbone",
        "canonical",
        "membrane",
        "machine",
        "dynamic",
        "dreams",
        "filters",
    )
    if what not in sets:
        raise CommandError("WHAT", f"one of {', '.join(sets)}", what)
    _prepare()
    if what == "settling":
        from sodachi.face.drawing import draw_settling as drawn
    elif what == "canonical":
        from sodachi.face.canonical_drawing import draw_canonical as drawn
    elif what == "membrane":
        from sodachi.face.membrane_drawing import draw_membrane as drawn
    elif what == "machine":
        from sodachi.face.machine_drawing import draw_machine as drawn
    elif what == "dynamic":
        from sodachi.face.dynamic_drawing import draw_dynamic as drawn
    elif what == "dreams":
        from sodachi.face.dream_drawing import draw_dreaming as drawn
    elif what == "filters":
        from sodachi.face.filter_drawing import draw_filters as drawn
    else:
        from sodachi.face.backbone_drawing import draw_backbone as drawn

    for path in drawn(out, seed):
        print(path)
    return 0


@app.command()
def doctor() -> int:
    """Check this installation: versions, device, cache, data, disk; exit 1 names what to mend."""
    from sodachi.face.doctor import examine

    _prepare()
    return examine()


def _prepare() -> None:
    """Before any array exists: the compilation cache, and warnings on standard error."""
    import logging

    from sodachi.face.cache import use_cache

    logging.basicConfig(level=logging.WARNING, format="sodachi: %(message)s")
    use_cache()


if __name__ == "__main__":
    main()
