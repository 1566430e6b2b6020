"""Signals: the first is noted or heeded, as the block says; the second ends the process."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from bench.runs.interruption import Interruption

pytestmark = pytest.mark.usefixtures("heard_signals")

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def send(number: int) -> None:
    """Send this process a signal and see it handled."""
    os.kill(os.getpid(), number)
    time.sleep(0.001)


def is_interrupted(interruption: Interruption, block: Callable[[], object]) -> bool:
    try:
        with interruption.raising():
            block()
    except KeyboardInterrupt:
        return True
    return False


def in_a_process(body: str, *prefix: str) -> subprocess.CompletedProcess[str]:
    script = (
        "import os, signal, sys, time\nfrom bench.runs.runner import Interruption\n"
        "def send(number):\n    os.kill(os.getpid(), number); time.sleep(0.02)\n"
        f"with Interruption() as interruption:\n    {body}\n"
    )
    return subprocess.run(
        [*prefix, sys.executable, "-c", script], capture_output=True, text=True, timeout=30
    )


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_interrupts_a_heeded_block(number):
    with Interruption() as interruption:
        assert is_interrupted(interruption, lambda: send(number))
        assert interruption.asked


@pytest.mark.parametrize("number", SIGNALS)
def test_outside_of_a_heeded_block_it_is_noted_for_the_next_one(number):
    entered = []
    with Interruption() as interruption:
        send(number)
        assert interruption.asked
        assert is_interrupted(interruption, lambda: entered.append(True))
    assert not entered


def test_a_postponed_block_is_done_to_its_end_before_the_interrupt():
    done = []

    def block() -> None:
        with interruption.deferred():
            send(signal.SIGINT)
            done.append("the postponed block")
        done.append("what follows")

    with Interruption() as interruption:
        assert is_interrupted(interruption, block)
    assert done == ["the postponed block"]


def test_an_interrupt_that_a_library_has_swallowed_is_raised_again():
    def block() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            send(signal.SIGINT)
        with interruption.deferred():
            pass

    with Interruption() as interruption:
        assert is_interrupted(interruption, block)


def test_the_same_signal_twice_in_a_moment_is_one():
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(0.001)
    assert interruption.asked


@pytest.mark.parametrize("second", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("block", ["pass", "with interruption.deferred(): send(2)"])
def test_the_second_signal_ends_the_process_wherever_it_is(second, block):
    ended = in_a_process(
        f"send(signal.SIGINT)\n    {block}\n    send(signal.{second})\n    print('went on')"
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_the_handlers_of_before_are_back_afterwards():
    def mine(*anything: object) -> None:
        pass

    before = signal.signal(signal.SIGTERM, mine)
    try:
        with Interruption():
            assert signal.getsignal(signal.SIGTERM) is not mine
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_was_ignored_from_the_start_stays_ignored():
    ended = in_a_process(
        "send(signal.SIGHUP); send(signal.SIGHUP); print(interruption.asked)", "nohup"
    )
    assert (ended.returncode, ended.stdout) == (0, "False\n")


def test_the_exit_status_is_kept_wherever_the_interrupt_was_raised(tmp_path):
    (tmp_path / "main.py").write_text(
        "import os\n"
        "from bench import cli\n"
        "def interrupted(*_, **__):\n"
        "    try:\n"
        "        exec('os.kill(os.getpid(), 2); import time; time.sleep(1)')\n"
        "    except KeyboardInterrupt:\n"
        "        raise cli.click.exceptions.Abort from None\n"
        "cli.cli.main = interrupted\n"
        "cli.main(['run'])\n"
    )
    assert subprocess.run([sys.executable, "-m", "main"], cwd=tmp_path).returncode == 130


def test_a_run_can_speak_on_when_its_terminal_is_gone():
    script = (
        "import time\nfrom pathlib import Path\nfrom bench.runs.runner import Interruption\n"
        "with Interruption() as interruption:\n"
        "    print('ready', flush=True)\n"
        "    while not interruption.asked: time.sleep(0.01)\n"
        "    print('bye', flush=True)\n"
    )
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", script])
    assert b"ready" in os.read(terminal, 100)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
