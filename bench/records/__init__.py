"""What a trial leaves behind: one sealed JSON file each, and its predictions.

``record`` has its fields and older forms of them, ``store`` the folder, ``selection`` which
record is the current one, ``repeats`` how far a repeat gave the same, ``merge`` puts folders
together.
"""

__all__ = ["merge", "predictions", "record", "repeats", "selection", "store"]
