"""Those that do not come to an end."""

from __future__ import annotations

from .kind import HASTY, TIMEOUT, Kind


def _hangs(name: str, body: str, top: str = "", log: str = "") -> Kind:
    return Kind(name, body, TIMEOUT, "took longer than 2 s", top, log, HASTY)


KINDS = (
    _hangs("loops", "while True: pass"),
    _hangs("hangs_at_import", "", top="time.sleep(600)"),
    _hangs("hangs_with_last_words", 'print("thinking"); time.sleep(600)', log="thinking"),
    _hangs("hangs_in_native_code", "ctypes.CDLL(None).pause()"),
    _hangs("hangs_and_holds_the_interpreter", "ctypes.PyDLL(None).pause()"),
    _hangs("hangs_in_a_regular_expression", 'import re; re.match("(a+)+b", "a" * 60)'),
    _hangs(
        "blocks_all_signals",
        """
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
            time.sleep(600)
        """,
    ),
    _hangs(
        "laughs_at_being_asked",
        """
            signal.signal(signal.SIGTERM, lambda *_: print("no", flush=True))
            while True:
                time.sleep(1)
        """,
        log="no",
    ),
    _hangs("stops_itself", "os.kill(os.getpid(), signal.SIGSTOP)"),
    _hangs(
        "hangs_in_another_session",
        """
            if os.fork():
                os.wait()
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(600)
        """,
    ),
    _hangs(
        "hangs_while_training",
        "return innocent(task, Mine())",
        top="""
            class Mine(layers.Layer):
                def call(self, x, training=None):
                    while training:
                        pass
                    return x
        """,
    ),
    _hangs("becomes_a_sleeper", 'os.execv("/bin/sleep", ["sleep", "600"])'),
    _hangs(
        "waits_for_a_lock_of_its_own",
        """
            lock = threading.Lock()
            lock.acquire()
            lock.acquire()
        """,
    ),
)
