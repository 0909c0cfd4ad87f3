"""The packaged stack on an account that enforces roles: deployed, used, broken, and deployed again."""

import json
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from tests.support.deployed.account import SECRETS, Deployed
from tests.support.deployed.deployment import STACK, STAGE, Deployment, settings
from tests.support.order_codes import code_in
from tests.support.running import Elsewhere, Json, OnThePhone, options_of, until
from tests.support.running_sales import DOCUMENT, PHOTO, buy, choose, new_code
from tests.support.world import text_of
from whatsapp_sandbox import webhooks

EXPIRED_WITHIN = 900  # seconds, only against hanging: one minute, and the schedule's next two runs


class Outside(Elsewhere):
    SECRET = SECRETS["WHATSAPP_APP_SECRET"]


@pytest.fixture(scope="module")
def held(run: Deployed) -> tuple[Json, Json, OnThePhone]:
    """Hold a number for one minute; the real schedule ends it while other tests run. Return raffle, order, buyer."""
    raffle = run.raffle(new_code(), hold_minutes=1)
    marco = OnThePhone(run, "marco")
    marco.says(raffle["code"])
    order = run.order(code_in(text_of(marco.says("7"))))
    assert run.availability(raffle) == (99, 1, 0)
    return raffle, order, marco


def test_deploying_says_where_everything_is_and_shows_the_token_once_and_no_secret(deployment: Deployment) -> None:
    said = deployment.first.stdout
    for words in ("Webhook", "API", "Verify token", "Organiser token", "WHATSAPP_VERIFY_TOKEN"):
        assert words in said
    assert "✗" not in deployment.first.stderr
    secrets = deployment.account.client("ssm").get_parameters_by_path(Path=f"/{STACK}/", WithDecryption=True)
    for secret in secrets["Parameters"]:
        assert secret["Type"] == "SecureString"
        assert secret["Value"] not in said + deployment.first.stderr


def test_no_secret_is_in_the_template_or_a_functions_environment(deployment: Deployment) -> None:
    account = deployment.account
    template = account.client("cloudformation").get_template(StackName=STACK)["TemplateBody"]
    functions = account.client("lambda").list_functions()["Functions"]
    assert len(functions) == 8
    stored = account.client("ssm").get_parameters_by_path(Path=f"/{STACK}/", WithDecryption=True)["Parameters"]
    secrets = {parameter["Name"].rpartition("/")[2]: parameter["Value"] for parameter in stored}
    assert secrets.items() > SECRETS.items()  # the deployment made more of them
    for secret in secrets.values():
        assert secret not in json.dumps(template) + json.dumps(functions, default=str)


@pytest.mark.usefixtures("held")  # its minute starts here
def test_a_token_or_number_that_whatsapp_refuses_is_not_stored(deployment: Deployment, run: Deployed) -> None:
    about = {"Name": f"/{STACK}/WHATSAPP_ACCESS_TOKEN", "WithDecryption": True}
    given = {**settings(deployment.account), "WHATSAPP_ACCESS_TOKEN": "of-another-app"}
    refused = deployment.account.make("deploy", STAGE, "--yes", project=deployment.project, **given)
    assert refused.returncode == 2
    assert "WHATSAPP_ACCESS_TOKEN (code 190)" in refused.stderr and "of-another-app" not in refused.stderr
    given = {**settings(deployment.account), "WHATSAPP_PHONE_NUMBER_ID": "5551234"}
    refused = deployment.account.make("deploy", STAGE, "--yes", project=deployment.project, **given)
    assert refused.returncode == 2
    assert "WHATSAPP_PHONE_NUMBER_ID=5551234" in refused.stderr and "(code 100)" in refused.stderr
    kept = deployment.account.client("ssm").get_parameter(**about)["Parameter"]["Value"]
    assert kept == SECRETS["WHATSAPP_ACCESS_TOKEN"]


def test_deploying_again_changes_nothing(deployment: Deployment, run: Deployed) -> None:
    events = deployment.account.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
    again = deployment.deploy()
    assert again.returncode == 0, again.stderr
    assert "Nothing to change" in again.stdout
    assert "WhatsApp has the number" in again.stdout
    assert "Organiser token" not in again.stdout
    now = deployment.account.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
    assert len(now) == len(events)


def test_the_whole_sale(run: Deployed, organiser: OnThePhone) -> None:
    raffle = run.raffle(new_code(), last_number=1000, payment_instructions="Bank: 12-34")
    ana = OnThePhone(run, "ana")
    choose(ana, raffle, "code")
    assert buy(run, ana, organiser, raffle, "5,12,99", PHOTO)["numbers"] == [5, 12, 99]
    choose(ana, raffle, "code")
    buy(run, ana, organiser, raffle, "random 3", DOCUMENT)


def test_o11_an_organiser_decides_in_the_chat(run: Deployed, organiser: OnThePhone) -> None:
    raffle = run.raffle(new_code())
    ana = OnThePhone(run, "ana")
    ana.says(raffle["code"])
    order_id = code_in(text_of(ana.says("7")))
    ana.says("confirm")
    ana.sends(PHOTO.content, PHOTO.mime_type, PHOTO.name)
    notice = organiser.hears()
    assert order_id in text_of(notice) and notice["interactive"]["header"]["type"] == "image"
    shown = organiser.heard()[-1]
    assert "proofs/" in text_of(organiser.taps(options_of(notice)[2]["title"]))  # "Open", in their language
    organiser._taps(shown, options_of(notice)[0])
    assert order_id in text_of(organiser.hears())
    assert run.order(order_id)["status"] == "PAID"
    entries = run.api("GET", f"/api/audit?target=order:{order_id}")["results"]
    assert [(entry["by"], entry["action"]) for entry in entries] == [
        ("WhatsApp +50255550000", "order.paid"),
        ("WhatsApp +50255550000", "proof.read"),
    ]


def test_m1_one_body_delivered_five_times_at_once_has_one_effect_and_one_reply(run: Deployed) -> None:
    raffle, nadie = run.raffle(new_code()), Outside(run)
    nadie.says(raffle["code"])
    raw = nadie.writes("random 3")
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: run.post_webhook(raw, webhooks.sign(raw, nadie.SECRET)), range(5)))
    assert answers == [200] * 5
    code_in(text_of(nadie.hears()))
    nadie.says("help")
    assert len(nadie.heard()) == 3
    assert run.availability(raffle) == (97, 3, 0)


def test_o1_nobody_gets_in_without_a_good_token(run: Deployed) -> None:
    url = f"{run.url}/api/raffles"
    assert requests.get(url, timeout=300).status_code == 401
    assert requests.get(url, headers={"Authorization": "Token of-nobody"}, timeout=300).status_code == 403


@pytest.mark.parametrize(
    ("role", "service", "call", "arguments"),
    [
        ("AdminTokenRole", "dynamodb", "delete_item", {"Key": {"pk": {"S": "X"}, "sk": {"S": "X"}}}),
        ("AdminTokenRole", "ssm", "get_parameter", {"Name": f"/{STACK}/WHATSAPP_APP_SECRET"}),
        ("ConverseRole", "ssm", "get_parameter", {"Name": f"/{STACK}/WHATSAPP_APP_SECRET"}),
        ("ConverseRole", "dynamodb", "delete_table", {}),
        ("ExportRole", "dynamodb", "put_item", {"Item": {"pk": {"S": "X"}, "sk": {"S": "X"}}}),
        ("ExportRole", "ssm", "get_parameter", {"Name": f"/{STACK}/WHATSAPP_ACCESS_TOKEN"}),
    ],
)
def test_a_role_may_do_nothing_that_its_function_does_not_need(
    deployment: Deployment, run: Deployed, role: str, service: str, call: str, arguments: dict[str, Any]
) -> None:
    account = deployment.account
    resources = account.client("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
    named = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources}
    arn = account.client("iam").get_role(RoleName=named[role])["Role"]["Arn"]
    keys = account.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    client = account.client(
        service, aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )  # fmt: skip
    if service == "dynamodb":
        arguments = {"TableName": named["Table"], **arguments}
    with pytest.raises(ClientError) as refused:
        getattr(client, call)(**arguments)
    assert "AccessDenied" in refused.value.response["Error"]["Code"]


def processes_of(name: str) -> list[int]:
    """The processes in which a function of the deployed stack runs."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                environment = (process / "environ").read_bytes()
            except OSError:
                continue
            if f"AWS_LAMBDA_FUNCTION_NAME={STACK}-{name}".encode() in environment:
                found.append(int(process.name))
    return found


def test_m3_a_killed_process_loses_and_doubles_nothing(run: Deployed, deployment: Deployment) -> None:
    raffle = run.raffle(new_code(), last_number=1000)
    people = [Outside(run) for _ in range(12)]
    for person in people:
        person._says(raffle["code"])
    for person in people:
        person.hears()
    killed = 0
    with ThreadPoolExecutor(4) as pool:
        saying = [pool.submit(person._says, "random 2") for person in people]
        while not all(one.done() for one in saying):
            for process in processes_of("Converse"):
                os.kill(process, signal.SIGKILL)
                killed += 1
    assert killed > 0
    for one in saying:
        one.result()
    for person in people:
        person.hears()
    assert [len(person.heard()) for person in people] == [2] * len(people)
    assert run.availability(raffle) == (1000 - 24, 24, 0)
    orders = run.api("GET", f"/api/orders?raffle={raffle['id']}&page_size=200")["results"]
    assert sorted(order["quantity"] for order in orders) == [2] * len(people)


def test_h3_the_real_schedule_ends_a_hold(run: Deployed, held: tuple[Json, Json, OnThePhone]) -> None:
    raffle, order, marco = held
    until(lambda: run.order(order["id"])["status"] == "EXPIRED", "the hold is ended", EXPIRED_WITHIN)
    assert run.availability(raffle) == (100, 0, 0)
    assert order["id"] in text_of(marco.hears())


def test_a_failed_deployment_is_rolled_back(deployment: Deployment, run: Deployed) -> None:
    """Among the last ones here, since it changes the project."""
    raffle = run.raffle(new_code())
    path = deployment.template()
    right = path.read_text(encoding="utf-8")
    template = json.loads(right)
    math = [{"Id": "one", "Expression": "1"}]  # which is right on AWS, and which the stand-in does not know
    broken = {"Metrics": math, "Threshold": 1, "EvaluationPeriods": 1, "ComparisonOperator": "LessThanThreshold"}
    template["Resources"]["Broken"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": broken}
    path.write_text(json.dumps(template), encoding="utf-8")
    failed = deployment.deploy()
    assert failed.returncode == 1, failed.stdout
    assert "Broken" in failed.stderr
    assert "was rolled back" in failed.stderr
    stack = deployment.account.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert run.availability(raffle) == (100, 0, 0)
    path.write_text(right, encoding="utf-8")
    again = deployment.deploy()
    assert again.returncode == 0, again.stderr


def test_restoring_destroying_and_deploying_again_keep_the_data(deployment: Deployment, run: Deployed) -> None:
    """The last one here, since nothing is left after it."""
    dynamodb, raffles = deployment.account.client("dynamodb"), run.api("GET", "/api/raffles?page_size=100")["results"]

    def make(*arguments: str, code: int = 0, **more: str) -> str:
        given = {**settings(deployment.account), **more}
        done = deployment.account.make(*arguments, project=deployment.project, **given)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    restored = re.search(rf"Restored the table (\S+) as ({STACK}-[0-9-]+)", make("restore", STAGE))
    assert restored
    old, new = restored.groups()
    assert dynamodb.describe_table(TableName=new)["Table"]["DeletionProtectionEnabled"] is True
    assert dynamodb.describe_time_to_live(TableName=new)["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"

    make("deploy", STAGE, "--yes", USE_TABLE=new)
    assert run.api("GET", "/api/raffles?page_size=100")["results"] == raffles
    added = run.raffle(new_code())
    assert {old, new} <= set(dynamodb.list_tables()["TableNames"])  # the old one is kept as it was

    assert "Nothing was deleted" in make("destroy", STAGE, code=1)
    kept = re.search(r"Kept: table (\S+), bucket (\S+), and the secrets", make("destroy", STAGE, "--yes"))
    assert kept and kept[1] == new
    with pytest.raises(ClientError, match="does not exist"):
        deployment.account.client("cloudformation").describe_stacks(StackName=STACK)
    again = make("deploy", STAGE, "--yes", USE_TABLE=kept[1], USE_BUCKET=kept[2])
    assert "Organiser token" not in again  # there is one
    back = re.search(r"Webhook +(\S+)/whatsapp/webhook", again)
    assert back
    run.url = back[1]
    assert run.api("GET", "/api/raffles?page_size=100")["results"][0]["id"] == added["id"]

    assert "confirm it" in make("destroy", STAGE, "--yes", "--data", code=2)
    make("destroy", STAGE, "--yes", "--data", "--confirm", STACK)
    assert {old, new}.isdisjoint(dynamodb.list_tables()["TableNames"])
    assert kept[2] not in [one["Name"] for one in deployment.account.client("s3").list_buckets()["Buckets"]]
    assert not deployment.account.client("ssm").get_parameters_by_path(Path=f"/{STACK}/")["Parameters"]
