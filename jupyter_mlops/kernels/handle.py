"""The using process's end of one zygote: it is started, asked for kernels by any thread, and listened to."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from jupyter_mlops.errors import Unavailable
from jupyter_mlops.kernels.environment import WITHOUT_THREADS, used_up

READY_WITHIN = 60.0  # seconds
FORKED_WITHIN = 30.0
_LARGEST = 65536


class Outdated(Unavailable):
    """This zygote cannot serve any more; a new one could."""


class WarmProcess:
    """A forked kernel, with the methods of `subprocess.Popen` that a provisioner uses."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._ended: Future[int] = Future()

    def poll(self) -> int | None:
        """The exit status, as the zygote, whose child it is, reaped it: -9 when it was killed. None while it lives."""
        return self._ended.result() if self._ended.done() else None

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, waited for; raises TimeoutError."""
        return self._ended.result(timeout)

    def send_signal(self, number: int) -> None:
        """Nothing is sent to a process that ended: its number may be somebody else's by now."""
        if not self._ended.done():
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def ended(self, status: int) -> None:
        self._ended.set_result(status)


class Zygote:
    """One preloaded process. Making one returns at once."""

    def __init__(self, preload: Sequence[str]) -> None:
        self.preload = tuple(preload)
        self.environment = dict(os.environ)
        self.left_out: dict[str, str] = {}
        self._loaded: set[str] = set()
        self._by_imports: dict[str, str] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._gone = False
        self._ready: Future[None] = Future()
        self._asked: dict[int, Future[WarmProcess]] = {}
        self._kernels: dict[int, WarmProcess] = {}
        self._channel, self._its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process: subprocess.Popen[bytes] | None = None
        threading.Thread(target=self._live, name="mlops-zygote", daemon=True).start()

    @property
    def gone(self) -> bool:
        return self._gone

    @property
    def ready(self) -> bool:
        """Whether its imports are done."""
        return self._ready.done()

    def holds(self, modules: Iterable[str]) -> bool:
        """Whether its kernels have these: it was asked for them, or what it was asked for brought them."""
        return set(modules) <= self._loaded.union(self.preload)

    def late_for(self, environment: Mapping[str, str]) -> list[str]:
        """The variables in which this environment differs too late to matter; not those that imports set here as there."""
        late = used_up(self.environment, environment)
        return [name for name in late if environment.get(name, "") != self._by_imports.get(name)]

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def wait_ready(self) -> None:
        """Returns when its imports are done. Raises Unavailable when it does not come up."""
        try:
            self._ready.result(READY_WITHIN)
        except TimeoutError as error:
            self.kill()
            raise _unavailable(f"the preloaded process was not ready in {READY_WITHIN:.0f} s") from error

    def fork(self, command: Sequence[str], environment: Mapping[str, str], cwd: str) -> WarmProcess:
        """A new kernel process. Raises Outdated when a new zygote should be asked, Unavailable when none can."""
        late = self.late_for(environment)
        if late:
            raise _unavailable(f"it asks for another {', '.join(late)} than what is preloaded has read")
        answer: Future[WarmProcess] = Future()
        number = next(self._numbers)
        with self._lock:
            if self._gone:
                raise Outdated("the preloaded process ended")
            self._asked[number] = answer
        request = {"fork": number, "command": list(command), "environment": dict(environment), "cwd": cwd}
        try:
            socket.send_fds(self._channel, [json.dumps(request).encode()], [1, 2])
            return answer.result(FORKED_WITHIN)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Outdated("the preloaded process ended") from error
        except TimeoutError as error:
            raise _unavailable("the preloaded process does not answer") from error
        except OSError as error:  # a message too long, a closed stdout
            raise _unavailable(f"the preloaded process could not be asked: {error}") from error
        finally:
            with self._lock:
                self._asked.pop(number, None)

    def retire(self) -> None:
        """Fork no more from it; it ends when the kernels it has have ended."""
        with contextlib.suppress(OSError):
            self._channel.send(b'{"retire": true}')

    def kill(self) -> None:
        """End it now, and its kernels with it."""
        if self._process:
            self._process.kill()

    def forget(self) -> None:
        """In a fork of the using process, which has no part in the conversation: only let go of the socket."""
        self._gone = True
        self._channel.close()
        self._its.close()

    def _live(self) -> None:
        """The zygote's whole life, in one thread: the system kills it when the thread that started it ends."""
        why = "the preloaded process ended"
        try:
            command = [sys.executable, "-m", "jupyter_mlops.kernels.zygote", str(self._its.fileno()), str(os.getpid())]
            self._process = subprocess.Popen(
                [*command, *self.preload],
                env={**self.environment, **WITHOUT_THREADS},
                pass_fds=[self._its.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal is for the using process to handle
            )
            self._its.close()
            self._listen()
            why = f"the preloaded process ended with status {self._process.wait()}"
        except OSError as error:
            why = f"the preloaded process could not be started: {error}"
        finally:
            self._end(why)

    def _listen(self) -> None:
        with contextlib.suppress(ConnectionResetError):  # it died with a request unread
            while message := self._channel.recv(_LARGEST):
                self._hear(json.loads(message))

    def _hear(self, message: dict[str, Any]) -> None:
        match message:
            case {"ready": True, "by_imports": variables}:
                self._by_imports = variables
                self._ready.set_result(None)
            case {"loaded": names}:
                self._loaded.update(names)
            case {"left_out": name, "why": why}:
                self.left_out[name] = why
            case {"forked": number, "pid": pid}:
                self._start(number, WarmProcess(pid))
            case {"refused": number, "why": why, "outdated": outdated}:
                with self._lock:
                    answer = self._asked.get(number)
                if answer:
                    answer.set_exception(Outdated(why) if outdated else _unavailable(why))
            case {"ended": pid, "code": code}:
                self._kernels.pop(pid).ended(code)

    def _start(self, number: int, process: WarmProcess) -> None:
        self._kernels[process.pid] = process
        with self._lock:
            answer = self._asked.get(number)
        if answer:
            answer.set_result(process)
        else:
            process.kill()  # who asked has stopped waiting

    def _end(self, why: str) -> None:
        with self._lock:
            self._gone = True
            asked = list(self._asked.values())
        self._channel.close()
        if not self._ready.done():
            self._ready.set_exception(_unavailable(why))
        for answer in asked:
            if not answer.done():
                answer.set_exception(Outdated(why))
        for process in self._kernels.values():
            process.ended(-signal.SIGKILL)  # the system killed them when the zygote, their parent, was gone
        self._kernels.clear()


def _unavailable(why: str) -> Unavailable:
    return Unavailable(why, "MLOPS_WARM=0 does without warm kernels")
