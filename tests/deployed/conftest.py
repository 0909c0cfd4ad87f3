"""One deployment for all tests here: the real package, roles enforced, schedules running."""

import re
from collections.abc import Iterator

import pytest

from tests.support.deployed.account import Deployed, account, whatsapp
from tests.support.deployed.deployment import STACK, STAGE, Deployment, known_there, settings
from tests.support.running import OnThePhone, copy_of_the_project


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("deployed")
    project = copy_of_the_project(folder / "project")
    known_there(project)
    with account(folder) as there:
        first = there.make("deploy", STAGE, "--yes", project=project, **settings(there))
        assert first.returncode == 0, first.stdout + first.stderr
        yield Deployment(there, project, first)


@pytest.fixture(scope="session")
def run(deployment: Deployment) -> Iterator[Deployed]:
    said = deployment.first.stdout
    url = re.search(r"Webhook +(\S+)/whatsapp/webhook", said)
    token = re.search(r"Organiser token +(\S+)", said)
    assert url and token, said
    with whatsapp(deployment.account, f"{url[1]}/whatsapp/webhook", deployment.account.log.parent):
        yield Deployed(deployment.account, url[1], token[1], STACK)


@pytest.fixture
def organiser(run: Deployed) -> OnThePhone:
    phone = OnThePhone(run, "organiser")
    phone.says("hi")
    return phone
