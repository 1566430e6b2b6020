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

source = click.option(
    "--source",
    type=click.Choice(["auto", "official", "local", "synthetic"]),
    default="auto",
    show_default=True,
    help="Which data; auto takes official, else local, else downloads, else makes them.",
)

backend = click.option(
    "--backend",
    type=click.Choice(["tensorflow", "jax", "torch"]),
    default="tensorflow",
    show_default=True,
    help="What Keras computes with.",
)
