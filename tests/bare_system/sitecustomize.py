"""Python as the suite finds it on Windows, for processes that have this folder in PYTHONPATH.

Modules of ``bench`` see ``sys.platform`` and ``os.name`` of Windows, and ``os``, ``signal`` and
``time`` without what POSIX alone has; ``resource``, ``fcntl`` and others cannot be imported, and
nothing of ``/proc`` be opened. Other packages see the system as it is, for they ship what each
system needs.
"""

import builtins
import functools
import os
import signal
import socket
import sys
import time
import types

_SUITE = f"{os.sep}bench{os.sep}"
_ABSENT = {"resource", "fcntl", "termios", "pwd", "grp", "tty", "pty"}
_SIGNALS = {"SIGINT", "SIGTERM", "SIGABRT", "SIGFPE", "SIGILL", "SIGSEGV", "SIG_DFL", "SIG_IGN"}
_HIDDEN = {
    os: {
        *("fork", "forkpty", "register_at_fork", "killpg", "setsid", "getsid"),
        *("getpgid", "getpgrp", "setpgid", "getuid", "geteuid", "getgid", "getegid", "nice"),
        *("wait", "wait3", "wait4", "waitid", "WNOHANG", "sched_getaffinity", "sched_setaffinity"),
        *("getloadavg", "sysconf", "statvfs", "uname", "mkfifo", "pread", "pwrite", "pipe2"),
        *("O_NONBLOCK", "O_DIRECTORY", "O_CLOEXEC", "O_NOFOLLOW", "chown", "fchmod", "confstr"),
        *("posix_fadvise", "posix_fallocate", "posix_spawn", "sendfile", "getxattr", "setxattr"),
    },
    signal: {name for name in dir(signal) if name.startswith("SIG") and name not in _SIGNALS}
    | {"pthread_sigmask", "pthread_kill", "sigwait", "alarm", "setitimer", "siginterrupt"},
    socket: {"AF_UNIX", "send_fds", "recv_fds"},
    sys: set(),
    time: {"clock_gettime", "CLOCK_BOOTTIME", "tzset"},
}
_SHOWN = {(sys, "platform"): "win32", (os, "name"): "nt"}


class _Seen(types.ModuleType):
    """A module, without what another system lacks; what is set in it is set in the module."""

    def __init__(self, module):
        super().__init__(module.__name__)
        object.__getattribute__(self, "__dict__")["real"] = module

    def __getattribute__(self, name):
        module = _real(self)
        if (module, name) in _SHOWN:
            return _SHOWN[module, name]
        if name in _HIDDEN[module]:
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        return getattr(module, name)

    def __setattr__(self, name, value):
        setattr(_real(self), name, value)


def _real(seen):
    return object.__getattribute__(seen, "__dict__")["real"]


_SEEN = {module.__name__: _Seen(module) for module in _HIDDEN}


_real_import = builtins.__import__


def _import(name, globals=None, locals=None, fromlist=(), level=0):
    """Give modules of the suite, and those that are run as ``__main__``, what they would find."""
    package = (globals or {}).get("__package__") or ""
    if level != 0 or package.partition(".")[0] != "bench":
        return _real_import(name, globals, locals, fromlist, level)
    top = name.partition(".")[0]
    if top in _ABSENT:
        raise ModuleNotFoundError(f"No module named {top!r}", name=top)
    found = _real_import(name, globals, locals, fromlist, level)
    return _SEEN.get(name if fromlist else top, found)


def _of_the_suite(file):
    return _SUITE in file and "site-packages" not in file


def _no_proc(event, arguments):
    """Let the suite's own code open nothing of /proc; psutil's may."""
    if event != "open" or not str(arguments[0]).startswith("/proc"):
        return
    frame = sys._getframe(1)
    while frame is not None and "site-packages" not in frame.f_code.co_filename:
        if _of_the_suite(frame.f_code.co_filename):
            raise FileNotFoundError(2, "No such file or directory", str(arguments[0]))
        frame = frame.f_back


def _peak_of_windows(memory_info):
    """psutil tells the peak of the working set on Windows alone."""

    class Told:
        def __init__(self, info):
            self.rss, self.vms, self.peak_wset = info.rss, info.vms, info.rss

    @functools.wraps(memory_info)
    def told(process):
        return Told(memory_info(process))

    return told


builtins.__import__ = _import
sys.addaudithook(_no_proc)

import psutil  # noqa: E402

psutil.Process.memory_info = _peak_of_windows(psutil.Process.memory_info)
