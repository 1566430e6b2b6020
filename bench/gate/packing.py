"""Arrays of numbers as short texts, for files that people read and keep."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.task import Array

#: More groups of examples than any task has: what claims more is damaged, or a bomb.
MOST_NUMBERS = 1 << 20
_BYTES = 4


def pack(values: Array) -> str:
    """Write numbers of shape (D,) as float32 (little end first), compressed, in base64.

    The influences of reviews, each right or wrong, have two values: 5,000 take 0.8 kB.
    Those of days have many: 700 take 3.3 kB.
    """
    import numpy as np

    content = np.ascontiguousarray(values, dtype="<f4").tobytes()
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")


def unpack(text: str, count: int) -> Array:
    """Read ``count`` numbers that ``pack`` has written; float32 of shape (count,).

    No more than that is ever unpacked, whatever the text holds.

    Raises:
        BenchError: It is damaged, holds another count, or a number that is not finite.
    """
    import numpy as np

    if not 0 <= count <= MOST_NUMBERS:
        raise BenchError(f"{count:,} numbers are more than the {MOST_NUMBERS:,} that are read")
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(base64.b64decode(text, validate=True), _BYTES * count + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise BenchError(f"damaged numbers ({error})") from None
    if len(content) != _BYTES * count or not inflate.eof or inflate.unused_data:
        raise BenchError(f"not the {count:,} numbers that it claims")
    found = np.frombuffer(content, dtype="<f4").astype("float32")
    if not np.isfinite(found).all():
        raise BenchError("numbers that are not finite")
    return found
