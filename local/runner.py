"""Starts the parts of `make run` in order, watches them, and stops them in reverse order."""

import argparse
import contextlib
import fcntl
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import requests

from local import stack, terminal
from local.environment import HOST, BadPort, Ports, aws_settings, local_environment, ports_from
from local.processes import Child, Children
from local.worker import WATCHED

ROOT = Path(__file__).parent.parent
STATE = Path(os.environ.get("TOMBOLA_STATE") or ROOT / ".local").resolve()
POLL_SECONDS = 0.2
START_SECONDS = 300.0
# The first answer may take seconds on a busy machine, and hanging up would leave an error in the log.
ANSWER_SECONDS = 30.0
BIN = Path(sys.executable).parent


class Trouble(Exception):
    """Something went wrong. The message is one line for the terminal."""


class StopRequested(Exception):
    """The user asked for a stop."""


@dataclass
class Run:
    """One `make run`."""

    ports: Ports
    without: Sequence[str]
    children: Children
    stop_requested: threading.Event
    watches: dict[str, terminal.LogWatch] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Child:
        child = self.children.start(name, command, environment)
        self.watches[name] = terminal.LogWatch(name, child.log)
        return child

    def look(self, seconds: float = POLL_SECONDS) -> None:
        """Wait a moment and print new errors. Raises Trouble or StopRequested."""
        stop = self.stop_requested.wait(seconds)
        for name, watch in self.watches.items():
            # The AWS stand-in also logs the mistakes of its clients, so skip its log.
            for line in watch.news() if name != "aws" else ():
                terminal.error(line)
        if stop:
            raise StopRequested
        if ended := self.children.ended():
            last = terminal.last_line(ended.log)
            raise Trouble(f"{ended.name} stopped unexpectedly: {last}  ({_relative(ended.log)})")

    def wait_for(self, child: Child, url: str) -> None:
        """Wait until `url` answers with a status below 500. Raises Trouble."""
        for _ in range(int(START_SECONDS / POLL_SECONDS)):
            self.look()
            with contextlib.suppress(requests.RequestException):
                if requests.get(url, timeout=ANSWER_SECONDS).status_code < requests.codes.server_error:
                    return
        last = terminal.last_line(child.log)
        raise Trouble(f"{child.name} does not answer at {url}: {last}  ({_relative(child.log)})")


def main() -> int:
    """Run everything until Ctrl-C. Return 0 after a requested stop, 1 after an error."""
    parser = argparse.ArgumentParser(prog="make run", description="Run Tombola on this machine.")
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=["api", "worker", "phone"],
        metavar="PART",
        help="leave out api, worker or phone, to start it yourself",
    )
    without = parser.parse_args().without
    os.chdir(ROOT)
    stop_requested = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop_requested.set())
    try:
        with _only_one() as lock:
            ports = ports_from(os.environ)
            _check_ports(ports, without)
            _run(Run(ports, without, Children(STATE / "logs", lock), stop_requested))
    except (Trouble, BadPort) as trouble:
        terminal.error(str(trouble))
        return 1
    return 0


def _run(run: Run) -> None:
    trouble: Exception | None = None
    terminal.say("Starting …")
    try:
        _start(run)
        while True:
            run.look()
    except StopRequested:
        terminal.say("\nStopping. Your data is kept …")
    except (Trouble, stack.StackFailed) as problem:
        trouble = problem
        terminal.error(f"{problem}\nStopping everything.")
    finally:
        run.children.stop()
    if trouble:
        raise SystemExit(1)
    terminal.say("Stopped.")


def _start(run: Run) -> None:
    """Start the AWS stand-in, create its resources, the token and the demo raffles, then start all parts that use them.

    So when the API answers, the token is valid.
    """
    base = {**aws_settings(run.ports), **os.environ}
    # This process creates the stack, so it needs the same settings.
    os.environ.update(aws_settings(run.ports) | dict(os.environ))
    if base["AWS_ENDPOINT_URL"] == run.ports.aws_url:
        aws = run.start("aws", [str(BIN / "ministack")], {**base, **_stand_in_settings(run.ports)})
        run.wait_for(aws, f"{run.ports.aws_url}/_ministack/ready")
    environment = local_environment(base, run.ports, stack.create(base["AWS_ENDPOINT_URL"]))
    parts = {name: (command, urls) for name, command, urls in _parts(run.ports) if name not in run.without}
    # The phone comes first, because the others send to it.
    if phone := parts.pop("phone", None):
        _start_parts(run, {"phone": phone}, environment)
    seeded = _seed(run, environment)
    _start_parts(run, parts, environment)
    terminal.welcome(run.ports, STATE, seeded=seeded)


def _start_parts(run: Run, parts: Mapping[str, tuple[list[str], list[str]]], environment: Mapping[str, str]) -> None:
    """Start all parts, then wait until each is ready."""
    started = [(run.start(name, command, environment), urls) for name, (command, urls) in parts.items()]
    for child, urls in started:
        for url in urls:
            run.wait_for(child, url)


def _parts(ports: Ports) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield name, command, and the addresses that answer when the part is ready."""
    python = [sys.executable, "-m"]
    # Chalice's own reloader restarts on a change of any file, even its own log. This one watches only code.
    local = [str(BIN / "chalice"), "local", "--stage", "local", "--host", HOST, "--port", str(ports.api)]
    serve = shlex.join([*local, "--no-autoreload"])
    reload = [*python, "watchfiles", "--filter", "python", "--target-type", "command", serve, *WATCHED]
    phone = [*python, "whatsapp_sandbox", "--port", str(ports.phone), "--state", str(STATE / "phone")]
    yield "phone", phone, [f"{ports.phone_url}/stand-in/health"]
    # The API builds its description and page when they are first asked for, so ask.
    yield "api", reload, [f"{ports.api_url}/api/{path}" for path in ("health", "openapi.json", "docs")]
    yield "worker", [*python, "local.worker"], []


def _stand_in_settings(ports: Ports) -> dict[str, str]:
    return {
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "GATEWAY_PORT": str(ports.aws),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(STATE / "aws"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(STATE / "s3"),
        # Do not occupy ports for services that are not used here.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # Our LOG_LEVEL is not meant for it: with DEBUG, it logs every request body.
        "LOG_LEVEL": "INFO",
    }


def _seed(run: Run, environment: Mapping[str, str]) -> bool:
    """Create the token and the demo raffles that are missing. Return whether any raffles were created."""
    log = STATE / "logs" / "seed.log"
    with log.open("wb") as output:
        seed = subprocess.Popen(
            [sys.executable, "-m", "local.seed"],
            env=dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while seed.poll() is None:
            run.look()
    finally:
        seed.kill()
        seed.wait()
    last = terminal.last_line(log)
    if seed.returncode:
        raise Trouble(f"The demo raffles could not be created: {last}  ({_relative(log)})")
    return last.startswith("created")


@contextlib.contextmanager
def _only_one() -> Iterator[int]:
    """Hold the lock on the state folder. The guardian also holds it, until the last child is gone."""
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / "run.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Trouble("`make run` is already running here. Stop it with Ctrl-C first.") from None
        yield lock.fileno()


def _check_ports(ports: Ports, without: Sequence[str]) -> None:
    """Check that all ports are free. Raises Trouble, with one line for each that is not."""
    ports_by_name = {"API_PORT": ports.api, "PHONE_PORT": ports.phone, "AWS_PORT": ports.aws}
    if len(set(ports_by_name.values())) < len(ports_by_name):
        raise Trouble(f"{', '.join(f'{name}={port}' for name, port in ports_by_name.items())}: the ports must differ.")
    skipped = {f"{part.upper()}_PORT" for part in without}
    if lines := [
        f"Port {port} is in use. Free it, or choose another: make run {name}={_free_alternative(port)}"
        for name, port in ports_by_name.items()
        if name not in skipped and _in_use(port)
    ]:
        raise Trouble("\n".join(lines))


def _free_alternative(port: int) -> int:
    return next((other for other in range(port + 1000, 65536) if not _in_use(other)), port)


def _in_use(port: int) -> bool:
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:
            return True
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
