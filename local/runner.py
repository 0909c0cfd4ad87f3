"""Starts what `make run` needs, in order; watches it; stops it in the reverse order."""

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

from local import screen, stack
from local.environment import HOST, BadPort, Ports, aws_settings, local_environment, ports_from
from local.processes import Child, Children
from local.worker import WATCHED

ROOT = Path(__file__).parent.parent
STATE = Path(os.environ.get("TOMBOLA_STATE") or ROOT / ".local").resolve()
POLL_SECONDS = 0.2
START_SECONDS = 300.0
BIN = Path(sys.executable).parent


class Trouble(Exception):
    """Something that the person must know, in one line."""


class Asked(Exception):
    """Somebody asked us to stop."""


@dataclass
class Run:
    """One `make run`."""

    ports: Ports
    without: Sequence[str]
    children: Children
    stop_asked: threading.Event
    watches: dict[str, screen.LogWatch] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Child:
        child = self.children.start(name, command, environment)
        self.watches[name] = screen.LogWatch(name, child.log)
        return child

    def look(self, seconds: float = POLL_SECONDS) -> None:
        """Wait a moment, pass on the news, and raise Trouble or Asked when it is time to stop."""
        asked = self.stop_asked.wait(seconds)
        for name, watch in self.watches.items():
            # The stand-in for AWS also logs what a client merely did wrong: of it, only its end is news.
            for line in watch.news() if name != "aws" else ():
                screen.complain(line)
        if asked:
            raise Asked
        if ended := self.children.ended():
            last = screen.last_line(ended.log)
            raise Trouble(f"{ended.name} ended by itself: {last}  ({_relative(ended.log)})")

    def wait_for(self, child: Child, url: str) -> None:
        """Wait until `url` answers anything below 500."""
        for _ in range(int(START_SECONDS / POLL_SECONDS)):
            self.look()
            with contextlib.suppress(requests.RequestException):
                if requests.get(url, timeout=2).status_code < requests.codes.server_error:
                    return
        last = screen.last_line(child.log)
        raise Trouble(f"{child.name} does not answer at {url}: {last}  ({_relative(child.log)})")


def main() -> int:
    """Run everything until Ctrl-C; 0 after a stop that was asked for, 1 after trouble."""
    parser = argparse.ArgumentParser(prog="make run", description="Tombola on this machine.")
    parser.add_argument("--without", action="append", default=[], choices=["api", "worker", "phone"], metavar="PART")
    without = parser.parse_args().without
    os.chdir(ROOT)
    stop_asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop_asked.set())
    try:
        with _only_one() as lock:
            ports = ports_from(os.environ)
            _check_ports(ports, without)
            _run(Run(ports, without, Children(STATE / "logs", lock), stop_asked))
    except (Trouble, BadPort) as trouble:
        screen.complain(str(trouble))
        return 1
    return 0


def _run(run: Run) -> None:
    trouble: Exception | None = None
    screen.say("Starting …")
    try:
        _start(run)
        while True:
            run.look()
    except Asked:
        screen.say("\nStopping, and keeping what you did …")
    except (Trouble, stack.StackFailed) as problem:
        trouble = problem
        screen.complain(f"{problem}\nStopping everything.")
    finally:
        run.children.stop()
    if trouble:
        raise SystemExit(1)
    screen.say("Stopped.")


def _start(run: Run) -> None:
    """The stand-in for AWS, its resources, then everything that talks to it, then the demo raffles."""
    base = {**aws_settings(run.ports), **os.environ}
    # The stack is made in this process, by the same settings.
    os.environ.update(aws_settings(run.ports) | dict(os.environ))
    if base["AWS_ENDPOINT_URL"] == run.ports.aws_url:
        aws = run.start("aws", [str(BIN / "ministack")], {**base, **_stand_in_settings(run.ports)})
        run.wait_for(aws, f"{run.ports.aws_url}/_ministack/ready")
    environment = local_environment(base, run.ports, stack.create(base["AWS_ENDPOINT_URL"]))
    # The phone is ready before anything can want to send to it.
    waits = [
        (run.start(name, command, environment), url)
        for name, command, url in _parts(run.ports)
        if name not in run.without
    ]
    for child, url in waits:
        if url:
            run.wait_for(child, url)
    seeded = "api" not in run.without and _seed(run, environment)
    screen.welcome(run.ports, STATE, seeded=seeded)


def _parts(ports: Ports) -> Iterator[tuple[str, list[str], str | None]]:
    """Name, command, and where it answers when it is ready."""
    python = [sys.executable, "-m"]
    # Chalice's own reloader restarts on any file below the project, its own log included; this one on code alone.
    local = [str(BIN / "chalice"), "local", "--stage", "local", "--host", HOST, "--port", str(ports.api)]
    serve = shlex.join([*local, "--no-autoreload"])
    reload = [*python, "watchfiles", "--filter", "python", "--target-type", "command", serve, *WATCHED]
    phone = [*python, "whatsapp_sandbox", "--port", str(ports.phone), "--state", str(STATE / "phone")]
    yield "phone", phone, f"{ports.phone_url}/stand-in/health"
    yield "api", reload, f"{ports.api_url}/api/health"
    yield "worker", [*python, "local.worker"], None


def _stand_in_settings(ports: Ports) -> dict[str, str]:
    return {
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "GATEWAY_PORT": str(ports.aws),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(STATE / "aws"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(STATE / "s3"),
        # Listeners that nobody here needs, on ports that somebody else may.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # It also speaks for the emulator's own log, where DEBUG is every request's body.
        "LOG_LEVEL": "INFO",
    }


def _seed(run: Run, environment: Mapping[str, str]) -> bool:
    """Whether the demo raffles were made now."""
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
    said = screen.last_line(log)
    if seed.returncode:
        raise Trouble(f"the demo raffles could not be made: {said}  ({_relative(log)})")
    return said.startswith("made")


@contextlib.contextmanager
def _only_one() -> Iterator[int]:
    """Hold the lock on the state directory. The guardian holds it too, until the last child is gone."""
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / "run.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Trouble("`make run` runs here already: stop that one with Ctrl-C first.") from None
        yield lock.fileno()


def _check_ports(ports: Ports, without: Sequence[str]) -> None:
    """Raises Trouble, one line for each port that cannot be had."""
    wanted = {"API_PORT": ports.api, "PHONE_PORT": ports.phone, "AWS_PORT": ports.aws}
    if len(set(wanted.values())) < len(wanted):
        raise Trouble(f"{', '.join(f'{name}={port}' for name, port in wanted.items())}: give each a port of its own.")
    skipped = {f"{part.upper()}_PORT" for part in without}
    if lines := [
        f"Port {port} is in use: stop what uses it, or choose another with `make run {name}={_other(port)}`."
        for name, port in wanted.items()
        if name not in skipped and _in_use(port)
    ]:
        raise Trouble("\n".join(lines))


def _other(port: int) -> int:
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
