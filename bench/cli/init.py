"""``python -m bench init [FOLDER]``."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import click

from bench.cli import options as shared
from bench.cli.new import plugin_source
from bench.errors import BenchError

_PYPROJECT = """\
[tool.bench]
plugins = ["plugins"]
results = "reports"

[tool.bench.check]
# What does not fail a check; see `python -m bench check --help`.
allow = ["not comparable"]

[tool.pytest.ini_options]
bench_plugins = ["plugins"]
"""

_IGNORED = """\
__pycache__/
.benchmarks/
.venv/
# Records stay here; the baseline is what is compared with.
/reports/*
!/reports/baseline.json
"""

_README = """\
# {title}

Models of our own, each one file in `plugins/`, measured by the benchmark suite for Keras sequence
models.

```
python -m bench list                      what is here
python -m bench run --all                 train all of it, and write reports/leaderboard.md
python -m bench run --all --shipped       beside the models of the suite
pytest                                    does every plugin keep the contract?
python -m bench check --against HEAD~1    did the last commit make anything worse?
python -m bench new another --task jena   the next model
```

`.github/workflows/bench.yml` checks every pull request against the branch it goes into, and
`bench-comment.yml` says there what came of it. In the first, OWNER in the address of the suite is
whose copy is installed.
"""

_PLUGINS = {"my_forecast": ("jena", "series"), "my_words": ("imdb", "text")}


@dataclass(frozen=True)
class InitOptions:
    """All that ``python -m bench init`` is told; see its help."""

    folder: Path


@click.command(name="init")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@shared.filled(InitOptions)
def command(options: InitOptions) -> int:
    """Write a repository for models of one's own into FOLDER, by default the working folder.

    It has two plugins that run as they are, one a task, the settings of this suite and of pytest
    in pyproject.toml, workflows for GitHub that check pull requests and comment on them, a README
    and a .gitignore. Nothing that is there is overwritten.

    Exit status: 0 it is written; 2 one of the files exists or cannot be written, and nothing was.
    """
    written = {options.folder / name: text for name, text in contents(options.folder).items()}
    for path in written:
        if path.exists():
            raise BenchError(
                f"{path}: exists already, and nothing was written; give an empty folder, or copy "
                "what you need from one"
            )
    for path, text in written.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise BenchError(
                f"{path}: cannot be written ({error.strerror or error}); give another folder"
            ) from None
        click.echo(f"wrote {path}")
    change = "" if options.folder == Path() else f"cd {options.folder} && "
    click.echo(f"try it with: {change}python -m bench run --all --profile smoke")
    return 0


def contents(folder: Path) -> dict[str, str]:
    """Return what is written, by the path in the folder."""
    templates = files("bench.cli") / "templates"
    workflows = {
        f".github/workflows/{name}": (templates / name).read_text(encoding="utf-8")
        for name in ("bench.yml", "bench-comment.yml")
    }
    plugins = {}
    for name, (task, kind) in _PLUGINS.items():
        plugins[f"plugins/{name}.py"] = plugin_source(name, task, kind)
    title = folder.resolve().name or "Models"
    return {
        "pyproject.toml": _PYPROJECT,
        "README.md": _README.format(title=title),
        ".gitignore": _IGNORED,
        **plugins,
        **workflows,
    }
