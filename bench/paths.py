"""Where the suite's own plugins and tasks lie."""

from pathlib import Path

from bench.errors import BenchError


def shipped(kind: str) -> Path:
    """Return the folder of the suite's own ``plugins`` or ``datasets``.

    In a checkout (or an editable install) they stand beside the package; a wheel
    carries them inside it.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "shipped" / kind, package.parent / kind):
        if folder.is_dir():
            return folder
    raise BenchError(f"the suite's {kind} folder is gone from {package}; install the suite again")
