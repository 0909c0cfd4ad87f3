"""A WhatsApp sandbox on this machine: chats in the browser, and a stand-in for Meta's Graph API.

Point a WhatsApp Cloud API client at this address instead of https://graph.facebook.com. See whatsapp_sandbox/README.md.
"""

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

from whatsapp_sandbox.page_events import PageEvents
from whatsapp_sandbox.server import build
from whatsapp_sandbox.settings import InvalidSetting, Settings, from_environment

EPILOG = f"""environment variables:
  PHONE_PORT                port to listen on
  TOMBOLA_WEBHOOK_URL       where webhooks go ({Settings.webhook_url})
  WHATSAPP_ACCESS_TOKEN     the token that the client must send ({Settings.access_token})
  WHATSAPP_APP_SECRET       signs the webhooks ({Settings.app_secret})
  WHATSAPP_PHONE_NUMBER_ID  the business number's id ({Settings.business.phone_number_id})
  WHATSAPP_ORGANISERS       more phones to show, separated by commas ({", ".join(Settings.organisers)})

The application must use the same token, secret and number id."""


def main() -> int:
    """Serve until Ctrl-C. Return 0, or 2 after one line on stderr if the server cannot start."""
    options = _options()
    try:
        port = int(options.port)
        settings = from_environment(os.environ, options.state)
        events = PageEvents()
        app = build(settings, events=events)
        listener = _listen(options.host, port)
    except (InvalidSetting, OSError, OverflowError, ValueError) as error:
        print(f"phone: {_explain(error, options)}", file=sys.stderr)
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
    with contextlib.suppress(KeyboardInterrupt):  # by then uvicorn has shut down cleanly
        asyncio.run(_Server(config, events).serve(sockets=[listener]))
    return 0


class _Server(uvicorn.Server):
    """Ends the event streams of open pages first, because they would delay the shutdown."""

    def __init__(self, config: uvicorn.Config, events: PageEvents) -> None:
        super().__init__(config)
        self._events = events

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._events.close()
        await super().shutdown(sockets)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m whatsapp_sandbox",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    port = os.environ.get("PHONE_PORT") or "8001"
    parser.add_argument("--port", default=port, help="port to listen on (default: PHONE_PORT, or 8001)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--state", type=Path, default=Path(".local/phone"), help="folder for chats and files (default: %(default)s)"
    )
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


def _explain(error: Exception, options: argparse.Namespace) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"port {options.port} is in use: free it, or choose another with --port or PHONE_PORT"
    if isinstance(error, OverflowError | ValueError):
        return f"the port must be a number up to 65535, not {options.port!r}"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
