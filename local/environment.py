"""The value of each setting on this machine. Variables that are already set take precedence.

`python -m local.environment` prints the settings as shell exports, for a `chalice local` or a debugger that you start
yourself beside `make run`: `eval "$(.venv/bin/python -m local.environment)"`.
"""

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from local import stack as stacks
from local.stack import Stack, StackFailed

API_TOKEN = "local-token"  # noqa: S105 - valid only on this machine
HOST = "127.0.0.1"
LAST_PORT = 65535


class BadPort(ValueError):
    """A port setting is not a port number."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The ports of the three local servers."""

    api: int = 8000
    phone: int = 8001
    aws: int = 4566

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self.api}"

    @property
    def phone_url(self) -> str:
        return f"http://{HOST}:{self.phone}"

    @property
    def aws_url(self) -> str:
        return f"http://{HOST}:{self.aws}"


def local_environment(base: Mapping[str, str], ports: Ports, stack: Stack) -> dict[str, str]:
    """Return `base` plus a local value for each setting that is missing or empty in it."""
    return {**local_settings(ports, stack), **{name: value for name, value in base.items() if value.strip()}}


def local_settings(ports: Ports, stack: Stack) -> dict[str, str]:
    """Return the local value of each setting in `.env.example`."""
    return {
        **aws_settings(ports),
        "TOMBOLA_TABLE": stack.table,
        "TOMBOLA_BUCKET": stack.bucket,
        "TOMBOLA_AUDIT_BUCKET": stack.audit_bucket,
        "TOMBOLA_AUDIT_KEY": "local-audit-key",
        "TOMBOLA_INBOX_QUEUE": stack.queue_url,
        "TOMBOLA_EXPORTS_QUEUE": stack.exports_url,
        "TOMBOLA_DECISIONS_QUEUE": stack.decisions_url,
        "TOMBOLA_WAKE_UPS_QUEUE": stack.wake_ups_url,
        "TOMBOLA_WEBHOOK_URL": f"{ports.api_url}/whatsapp/webhook",
        "WHATSAPP_PHONE_NUMBER_ID": "112233445566778",
        "WHATSAPP_ACCESS_TOKEN": "local-access-token",
        "WHATSAPP_APP_SECRET": "local-app-secret",
        "WHATSAPP_VERIFY_TOKEN": "local-verify-token",
        "WHATSAPP_GRAPH_URL": ports.phone_url,
        "WHATSAPP_GRAPH_VERSION": "v26.0",
        "WHATSAPP_ACCOUNT_ID": "109876543210987",
        "WHATSAPP_SENDS_A_SECOND": "20",
        "WHATSAPP_ORGANISERS": "+50255550000",
        "API_PORT": str(ports.api),
        "PHONE_PORT": str(ports.phone),
        "AWS_PORT": str(ports.aws),
        "LOG_LEVEL": "INFO",
        "POWERTOOLS_SERVICE_NAME": "tombola",
        "POWERTOOLS_METRICS_NAMESPACE": "Tombola",
    }


def aws_settings(ports: Ports) -> dict[str, str]:
    """Return the settings that make boto3 use the AWS stand-in and never AWS itself."""
    return {
        "AWS_ENDPOINT_URL": ports.aws_url,
        "AWS_DEFAULT_REGION": stacks.REGION,
        "AWS_REGION": stacks.REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def ports_from(environment: Mapping[str, str]) -> Ports:
    """Read the ports from the environment. Raises BadPort, which names the variable."""
    return Ports(
        api=_port(environment, "API_PORT", Ports.api),
        phone=_port(environment, "PHONE_PORT", Ports.phone),
        aws=_port(environment, "AWS_PORT", Ports.aws),
    )


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "").strip() or str(default)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LAST_PORT):
        raise BadPort(f"{name}={text} is not a port: use a number from 1 to {LAST_PORT}.")
    return int(text)


def main() -> int:
    """Print the settings as `export NAME=value` lines. Works only while `make run` is running."""
    try:
        ports = ports_from(os.environ)
        for name, value in aws_settings(ports).items():
            os.environ.setdefault(name, value)
        stack = stacks.read(os.environ["AWS_ENDPOINT_URL"])
    except (BadPort, StackFailed) as problem:
        print(f"{problem}\nIs `make run` running?", file=sys.stderr)
        return 1
    for name in local_settings(ports, stack):
        print(f"export {name}={shlex.quote(local_environment(os.environ, ports, stack)[name])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
