"""Those that change the data which all later trials read."""

from __future__ import annotations

from .kind import FAILED, Kind

_TOP = """
    import pathlib


    def prepared():
        frame = sys._getframe(1)
        while "job" not in frame.f_locals:
            frame = frame.f_back
        return pathlib.Path(frame.f_locals["job"].prepared)


    def zeroed(files):
        for file in files:
            array = np.load(file)
            file.chmod(0o644)
            mapped = np.load(file, mmap_mode="r+")
            mapped[...] = 0
            mapped.flush()
"""
_CHANGED = "the prepared data were changed while it ran"

KINDS = (
    Kind("zeroes_the_data", "zeroed(prepared().glob('*.npy'))", FAILED, _CHANGED, top=_TOP),
    Kind(
        "zeroes_the_targets",
        """
            folder = prepared()
            zeroed((folder.parent.parent / "targets" / folder.name).glob("*.npy"))
        """,
        FAILED,
        _CHANGED,
        top=_TOP,
    ),
    Kind(
        "puts_other_data_in_place_of_the_data",
        """
            import hashlib
            import json

            folder = prepared()
            document = json.loads((folder / "meta.json").read_text())
            for file in folder.glob("*.npy"):
                other = np.zeros_like(np.load(file))
                file.unlink()
                np.save(file, other)
                entry = document["content"]["arrays"][file.stem]
                entry["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
            content = json.dumps(document["content"], sort_keys=True).encode()
            document["sha256"] = hashlib.sha256(content).hexdigest()
            (folder / "meta.json").write_text(json.dumps(document))
        """,
        FAILED,
        _CHANGED,
        top=_TOP,
    ),
    Kind(
        "changes_one_number_and_turns_the_time_back",
        """
            file = prepared() / "standardised.npy"
            before = file.stat()
            file.chmod(0o644)
            mapped = np.load(file, mmap_mode="r+")
            mapped[0, 0] += 1
            mapped.flush()
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        """,
        FAILED,
        _CHANGED,
        top=_TOP,
    ),
    Kind(
        "garbles_the_description",
        "(prepared() / 'meta.json').write_text('{')",
        FAILED,
        _CHANGED,
        top=_TOP,
    ),
    Kind(
        "deletes_the_data",
        """
            import shutil

            shutil.rmtree(prepared())
        """,
        top=_TOP,
        pure=True,
    ),
    Kind(
        "deletes_the_cache",
        """
            import shutil

            shutil.rmtree(prepared().parent.parent)
        """,
        top=_TOP,
        pure=True,
    ),
)
