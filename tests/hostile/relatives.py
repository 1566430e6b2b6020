"""Those that leave other processes or threads behind."""

from __future__ import annotations

from .kind import CRASHED, Kind

KINDS = (
    Kind(
        "leaves_children",
        """
            for _ in range(20):
                if os.fork() == 0:
                    time.sleep(600)
        """,
        pure=True,
    ),
    Kind(
        "leaves_children_that_cannot_be_asked",
        """
            if os.fork() == 0:
                signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
                while True:
                    time.sleep(600)
        """,
        pure=True,
    ),
    Kind(
        "leaves_a_daemon",
        """
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    time.sleep(600)
                os._exit(0)
            os.wait()
        """,
        pure=True,
    ),
    Kind(
        "leaves_a_daemon_and_dies",
        """
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    time.sleep(600)
                os._exit(0)
            os.wait()
            ctypes.string_at(0)
        """,
        CRASHED,
        "SIGSEGV",
    ),
    Kind(
        "leaves_a_daemon_and_kills_its_parent",
        """
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    time.sleep(600)
                os._exit(0)
            os.wait()
            os.kill(os.getppid(), signal.SIGKILL)
        """,
        CRASHED,
        "watches over",
    ),
    Kind(
        "leaves_a_program",
        'subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)',
        pure=True,
    ),
    Kind(
        "leaves_a_program_without_its_environment",
        """
            mark = os.environ["BENCH_HOSTILE"]
            program = [sys.executable, "-c", "import time; time.sleep(600)", mark]
            subprocess.Popen(program, env={}, start_new_session=True)
        """,
        pure=True,
    ),
    Kind(
        "leaves_one_that_moves_from_process_to_process",
        """
            if os.fork() == 0:
                while True:
                    os.setsid()
                    time.sleep(0.02)
                    if os.fork():
                        os._exit(0)
        """,
        pure=True,
    ),
    Kind(
        "leaves_one_that_adopts",
        """
            if os.fork() == 0:
                ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
                for _ in range(3):
                    if os.fork() == 0:
                        os.setsid()
                        time.sleep(600)
                os.wait()
        """,
        pure=True,
    ),
    Kind("goes_on_twice", "os.fork()", pure=True),
    Kind(
        "leaves_threads",
        "threading.Thread(target=time.sleep, args=(600,)).start()",
        pure=True,
    ),
    Kind(
        "exits_in_a_thread",
        """
            thread = threading.Thread(target=sys.exit)
            thread.start()
            thread.join()
        """,
        pure=True,
    ),
    Kind(
        "raises_in_a_thread",
        """
            thread = threading.Thread(target=lambda: 1 / 0)
            thread.start()
            thread.join()
        """,
        log="ZeroDivisionError",
        pure=True,
    ),
    Kind(
        "hangs_at_exit",
        """
            import atexit

            atexit.register(time.sleep, 600)
        """,
        pure=True,
    ),
)
