"""An AWS account on this machine, which enforces roles: the stand-in, in an environment without our packages."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.engines import running
from local.environment import HOST, Ports
from tests.support.running import ROOT, Run, free_ports

CLOUD = ROOT / ".cloud" / "bin"
ROOT_KEY = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}  # may do everything there
DEPLOY_SECONDS = 1800
SECRETS = {"WHATSAPP_ACCESS_TOKEN": "deployed-access-token", "WHATSAPP_APP_SECRET": "deployed-app-secret"}
OURS = ("AWS_", "WHATSAPP_", "TOMBOLA_", "POWERTOOLS_", "LOG_LEVEL")


@dataclass(frozen=True)
class Account:
    """The account, and WhatsApp beside it."""

    ports: Ports
    log: Path

    @property
    def endpoint(self) -> str:
        return self.ports.aws_url

    def client(self, service: str, **credentials: str) -> Any:
        keys = credentials or {name.lower(): value for name, value in ROOT_KEY.items()}
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            config=Config(retries={"total_max_attempts": 1}),
            **keys,
        )

    def environment(self, **more: str) -> dict[str, str]:
        """Of whoever deploys."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return {**clean, **ROOT_KEY, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": self.endpoint, **more}

    def make(self, *arguments: str, project: Path = ROOT, **more: str) -> subprocess.CompletedProcess[str]:
        """A command of `infra`, as `make` calls it."""
        return subprocess.run(
            [sys.executable, "-m", "infra", *arguments],
            cwd=project, env=self.environment(**more), capture_output=True, text=True, timeout=DEPLOY_SECONDS,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip


class Deployed(Run):
    """What was deployed, as those who use it see it."""

    def __init__(self, account: Account, url: str, token: str, stack: str) -> None:
        super().__init__(account.ports, account.log.parent, None, account.log, account.log)  # type: ignore[arg-type] # no process
        self.account, self.url, self.token, self.stack_name = account, url, token, stack

    @property
    def api_url(self) -> str:
        return self.url


@contextmanager
def account(folder: Path) -> Iterator[Account]:
    """With `AUTH=true`: what a role may not do it cannot do."""
    ports, log = free_ports(), folder / "cloud.log"
    with ExitStack() as stack:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(OURS)},
            "BIND_HOST": HOST, "MINISTACK_HOST": HOST, "GATEWAY_PORT": str(ports.aws), "AUTH": "true",
            "PERSIST_STATE": "0", "STATE_DIR": str(folder / "state"), "LOG_LEVEL": "INFO",
        }  # fmt: skip
        stack.enter_context(running([str(CLOUD / "ministack")], environment, ports.aws, cwd=folder, log=log))
        yield Account(ports, log)


@contextmanager
def whatsapp(on: Account, webhook: str, folder: Path) -> Iterator[None]:
    """The phone page's server, which posts what people write to the webhook."""
    environment = on.environment(
        PHONE_PORT=str(on.ports.phone), TOMBOLA_WEBHOOK_URL=webhook, WHATSAPP_ORGANISERS="+50255550000", **SECRETS
    )
    command = [sys.executable, "-m", "whatsapp_sandbox", "--state", str(folder / "phone")]
    with running(command, environment, on.ports.phone, cwd=ROOT, log=folder / "phone.log"):
        yield
