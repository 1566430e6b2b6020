"""Those that print what nobody asked for, or take away what is printed to."""

from __future__ import annotations

from .kind import CRASHED, Kind

KINDS = (
    Kind(
        "prints_50_megabytes",
        """
            for _ in range(50):
                print("x" * 1_000_000)
            print("at last")
        """,
        log="at last",
        pure=True,
    ),
    Kind(
        "prints_junk",
        """
            os.write(2, bytes(range(256)) * 9 + b"\\x1b[31m\\x1b]0;title\\x07 \\xf0\\x9f\\x9a")
            os.write(1, b"\\x00\\xff\\xfe no newline")
        """,
        log="no newline",
        pure=True,
    ),
    Kind(
        "prints_what_looks_like_a_result",
        """
            for stream in (sys.stdout, sys.stderr):
                print('{"kind": "Outcome", "status": "failed", "reason": "forged"}', file=stream)
                print('{"kind": "Ended", "status": 9}', file=stream, flush=True)
        """,
        log="forged",
        pure=True,
    ),
    Kind(
        "writes_to_every_file",
        r"""
            junk = b'\x00\xff{"kind": "Outcome"}\n[]\n{}\n1\nnull\n{"kind": []}\nhalf'
            for number in range(3, 64):
                try:
                    os.set_blocking(number, False)
                    os.write(number, junk)
                    os.set_blocking(number, True)
                except OSError:
                    pass
        """,
        pure=True,
    ),
    Kind("closes_its_output", "sys.stdout.close(); sys.stderr.close()", pure=True),
    Kind("closes_its_output_for_good", "os.close(1); os.close(2)", pure=True),
    Kind("has_no_output", "sys.stdout = sys.stderr = None", pure=True),
    Kind(
        "has_an_output_that_raises",
        "sys.stdout = sys.stderr = Mine()",
        top="""
            class Mine:
                def __getattr__(self, name):
                    raise RuntimeError(name)
        """,
        pure=True,
    ),
    Kind(
        "cannot_say_how_it_went",
        """
            import json

            json.dumps = None
        """,
        status=CRASHED,
        reason="no result",
    ),
)
