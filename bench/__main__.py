"""``python -m bench``."""

import os
import signal


def start() -> None:
    """Import the command line and hand over to it."""
    heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeded:
        # A Ctrl-C while modules are imported: nothing has begun, so there is nothing to say.
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from bench.cli import main

    if heeded:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    main()


if __name__ == "__main__":
    start()
