"""What a trial leaves behind: one sealed JSON file each, its predictions, its model.

``record`` has its fields and older forms, ``store`` the folder, ``layout`` where files lie in
it, ``index`` what a large one is read through, ``selection`` which record is current, ``models``
which kept model is meant.
"""

__all__ = [
    "committed",
    "layout",
    "merge",
    "models",
    "packed",
    "predictions",
    "record",
    "repeats",
    "selection",
    "store",
]
