"""Starts the phone: `python -m whatsapp_sandbox`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import os
import socket
import sys
from pathlib import Path

import uvicorn

from whatsapp_sandbox.events import Events
from whatsapp_sandbox.server import build
from whatsapp_sandbox.settings import BadSetting, from_environment

EPILOG = """Environment: PHONE_PORT, TOMBOLA_WEBHOOK_URL, WHATSAPP_ACCESS_TOKEN, WHATSAPP_APP_SECRET,
WHATSAPP_PHONE_NUMBER_ID, WHATSAPP_ORGANISERS. The product must have the same token, secret and number id."""


def main() -> int:
    """Serve until Ctrl-C. Returns the exit code; troubles are one line on stderr."""
    options = _options()
    try:
        port = int(options.port)
        settings = from_environment(os.environ, options.state)
        events = Events()
        app = build(settings, events=events)
        listener = _listen(options.host, port)
    except (BadSetting, OSError, OverflowError, ValueError) as trouble:
        print(f"phone: {_one_line(trouble, options)}", file=sys.stderr)
        return 2
    config = uvicorn.Config(
        app,
        log_level="info" if options.verbose else "warning",
        access_log=options.verbose,
        server_header=False,
        timeout_graceful_shutdown=2,
        ws="none",
    )
    print(f"Phone on http://{options.host}:{listener.getsockname()[1]} -> {settings.webhook_url}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn has already stopped in good order
        asyncio.run(_Server(config, events).serve(sockets=[listener]))
    return 0


class _Server(uvicorn.Server):
    """Ends the event streams of open pages first: they would hold up the stop."""

    def __init__(self, config: uvicorn.Config, events: Events) -> None:
        super().__init__(config)
        self._events = events

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._events.close()
        await super().shutdown(sockets)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m whatsapp_sandbox", description=__doc__, epilog=EPILOG)
    port = os.environ.get("PHONE_PORT") or "8001"
    parser.add_argument("--port", default=port, help="port to listen on (PHONE_PORT, 8001)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--state", type=Path, default=Path(".local/phone"), help="folder of the chats (.local/phone)")
    parser.add_argument("--verbose", action="store_true", help="log every request")
    return parser.parse_args()


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _one_line(trouble: Exception, options: argparse.Namespace) -> str:
    if isinstance(trouble, OSError) and trouble.errno == errno.EADDRINUSE:
        return f"port {options.port} is in use; stop what uses it, or choose another with --port or PHONE_PORT"
    if isinstance(trouble, OverflowError | ValueError):
        return f"the port must be a number up to 65535, not {options.port!r}"
    return str(trouble)


if __name__ == "__main__":
    sys.exit(main())
