"""Options that several commands share."""

from pathlib import Path

import click

results = click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    metavar="DIR",
    help="Where records are kept.",
)

plugin_folders = click.option(
    "--plugins",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A further folder of plugin files; may be repeated.",
)
