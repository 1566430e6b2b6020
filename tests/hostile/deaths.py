"""Those whose process dies, by its own hand or by what it does to those that watch it."""

from __future__ import annotations

from .kind import CRASHED, FRUGAL, HASTY, OUT_OF_MEMORY, TIMEOUT, Kind

#: The fork server, two generations up; never anyone else, however a trial was started.
_SERVER = """
    def server():
        import psutil

        above = psutil.Process().parent().parent()
        assert "bench.worker.server" in above.cmdline()
        return above.pid
"""

KINDS = (
    Kind("leaves_with_0", "os._exit(0)", CRASHED, "exited with status 0"),
    Kind("leaves_with_3", "os._exit(3)", CRASHED, "exited with status 3"),
    Kind("leaves_at_import", top="os._exit(7)", status=CRASHED, reason="exited with status 7"),
    Kind(
        "leaves_with_last_words",
        'print("farewell", flush=True); os._exit(3)',
        CRASHED,
        "status 3",
        log="farewell",
    ),
    Kind("reads_address_0", "ctypes.string_at(0)", CRASHED, "SIGSEGV"),
    Kind("aborts", "os.abort()", CRASHED, "SIGABRT"),
    Kind("kills_itself", "os.kill(os.getpid(), signal.SIGKILL)", CRASHED, "SIGKILL"),
    Kind("ends_itself", "os.kill(os.getpid(), signal.SIGTERM)", CRASHED, "SIGTERM"),
    Kind("ends_its_group", "os.killpg(0, signal.SIGTERM)", CRASHED, "SIGTERM"),
    Kind("sets_an_alarm", "signal.alarm(1); time.sleep(60)", CRASHED, "SIGALRM"),
    Kind("dies_of_a_real_time_signal", "signal.raise_signal(40)", CRASHED, "signal 40"),
    Kind(
        "dies_while_training",
        "return innocent(task, Mine())",
        CRASHED,
        "SIGSEGV",
        top="""
            class Mine(layers.Layer):
                def call(self, x, training=None):
                    if training:
                        ctypes.string_at(0)
                    return x
        """,
    ),
    Kind(
        "becomes_another_program",
        'os.execv("/bin/true", ["true"])',
        CRASHED,
        "exited with status 0",
    ),
    Kind(
        "allows_itself_no_time",
        """
            import resource

            resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
            while True:
                pass
        """,
        CRASHED,
        "the worker was ended by SIG",
    ),
    Kind(
        "allocates_without_end",
        """
            hoard = []
            while True:
                hoard.append(bytearray(32 * 1024**2))
                time.sleep(0.01)
        """,
        OUT_OF_MEMORY,
        "used more than 1.00",
        bounds=FRUGAL,
    ),
    Kind(
        "lets_its_child_allocate",
        """
            if os.fork() == 0:
                hoard = []
                while True:
                    hoard.append(bytearray(32 * 1024**2))
                    time.sleep(0.01)
            time.sleep(60)
        """,
        OUT_OF_MEMORY,
        "used more than 1.00",
        bounds=FRUGAL,
    ),
    Kind("closes_every_file", "os.closerange(0, 256)", CRASHED, "no result"),
    Kind("kills_its_parent", "os.kill(os.getppid(), signal.SIGKILL)", CRASHED, "watches over"),
    Kind(
        "kills_its_parents_group",
        "os.killpg(os.getpgid(os.getppid()), signal.SIGKILL)",
        CRASHED,
        "watches over",
    ),
    Kind(
        "stops_its_parent",
        "os.kill(os.getppid(), signal.SIGSTOP)",
        TIMEOUT,
        "took longer than 2 s",
        bounds=HASTY,
    ),
    Kind("kills_the_server", "os.kill(server(), signal.SIGKILL)", top=_SERVER, pure=True),
    Kind("stops_the_server", "os.kill(server(), signal.SIGSTOP)", top=_SERVER, pure=True),
)
