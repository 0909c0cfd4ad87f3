"""Each function may do what it does, and nothing else: its calls are listened to, and compared with its role."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.client import BaseClient
from botocore.signers import RequestSigner

import app as functions
from chalicelib import lambdas as handlers
from chalicelib.services.exports import service as exporting
from chalicelib.services.messaging.wake_ups import WakeUp
from chalicelib.settings import EnvironmentSecrets
from chalicelib.store import exports
from chalicelib.store.records import Record
from chalicelib.whatsapp.graph import NotSent, OutcomeUnknown
from local.worker import Context, sqs_event
from tests.support.deliveries import refused
from tests.support.identities import moves
from tests.support.policies import denies
from tests.support.steps import buy, cancel, hold, hold_and_confirm, hold_and_prove, outbounds
from tests.support.tokens import a_token
from tests.support.world import PNG, Buyer, FakeGraph, World
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
STOPPED_BY_THEM = 131050  # Meta's code
Call = tuple[str, str]  # action, and what it is done to
TEMPLATE: Json = json.loads((Path(__file__).parents[2] / "infra" / "resources.json").read_text(encoding="utf-8"))
ROLES = {
    "ApiHandlerRole": "api", "AdminTokenRole": "admin_token", "ConverseRole": "converse", "ExportRole": "export",
    "ExpireReservationsRole": "expire_reservations", "DeliverMessagesRole": "deliver_messages",
    "DeliverToPersonRole": "deliver_to_person", "DecideOnProofRole": "decide_on_proof",
}  # fmt: skip
# What Lambda itself does with the role of a function: it reads the queue, and writes the log.
LAMBDAS = {
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
}
# Names of actions where they are not those of the operations. A part of a file that fails must be given up.
ACTIONS = {
    "SendMessageBatch": "SendMessage", "ListObjectVersions": "ListBucketVersions", "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject", "CompleteMultipartUpload": "PutObject", "HeadObject": "GetObject",
}  # fmt: skip


class Ear:
    """Hears every call to AWS, and knows which function is running."""

    def __init__(self) -> None:
        self.calls: dict[str, set[Call]] = defaultdict(set)
        self.keys: dict[str, set[Call]] = defaultdict(set)  # action, and the partition of an item or of an index
        self.running: list[str] = []

    def note(self, action: str, what: str) -> None:
        if self.running:
            self.calls[self.running[-1]].add((action, what))

    @contextmanager
    def during(self, function: str) -> Iterator[None]:
        self.running.append(function)
        try:
            yield
        finally:
            self.running.pop()

    def wrap(self, function: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            with self.during(function):
                return do(*arguments, **named)

        return wrapped

    def hear(self, service: str, operation: str, asked: Json) -> None:
        match service:
            case "dynamodb":
                self._hear_dynamodb(operation, asked)
            case "s3":
                versioned = operation == "DeleteObject" and "VersionId" in asked
                action = "DeleteObjectVersion" if versioned else ACTIONS.get(operation, operation)
                self.note(f"s3:{action}", place_of(asked.get("Key")))
            case "sqs":
                url = asked["QueueUrl"]
                queue = next((name for name in ("exports", "wake-ups", "decisions") if name in url), "inbox")
                self.note(f"sqs:{ACTIONS.get(operation, operation)}", queue)
            case _:
                self.note(f"{service}:{operation}", "?")

    def _hear_dynamodb(self, operation: str, asked: Json) -> None:
        if operation == "TransactWriteItems":
            for item in asked["TransactItems"]:
                [kind] = item
                action = {"ConditionCheck": "ConditionCheckItem"}.get(kind, f"{kind}Item")
                self.note(f"dynamodb:{action}", "table")
                self._note_keys(action, item[kind])
        else:
            index = asked.get("IndexName")
            self.note(f"dynamodb:{operation}", f"index {index}" if index else "table")
            self._note_keys(operation, asked)

    def _note_keys(self, action: str, asked: Json) -> None:
        if self.running:
            found = {key for key in partitions(asked) if not key.startswith(("CONTACT#", "ORDER#"))}
            self.keys[self.running[-1]] |= {(f"dynamodb:{action}", key) for key in found}


def partitions(asked: Json) -> Iterator[str]:
    """The partitions that a request names; those of an index if it asks one."""
    named = [asked.get("Key"), asked.get("Item")]
    for table in asked.get("RequestItems", {}).values():
        if isinstance(table, list):  # to be written
            named += [
                one["PutRequest"]["Item"] if "PutRequest" in one else one["DeleteRequest"]["Key"] for one in table
            ]
        else:
            named += table["Keys"]
    yield from (key["pk"]["S"] for key in named if key)
    if "KeyConditionExpression" in asked:  # PynamoDB puts the hash key first
        yield next(value["S"] for value in asked["ExpressionAttributeValues"].values())


def place_of(key: str | None) -> str:
    return "bucket" if key is None else f"{key.split('/')[0]}/*"


@pytest.fixture
def ear(world: World, monkeypatch: pytest.MonkeyPatch) -> Ear:
    made = Ear()
    ask = BaseClient._make_api_call
    sign = RequestSigner.generate_presigned_url

    def asked(self: Any, operation: str, parameters: Json) -> Any:
        made.hear(self.meta.service_model.service_name, operation, parameters)
        return ask(self, operation, parameters)

    def signed(self: Any, *arguments: Any, **named: Any) -> Any:
        path = named["request_dict"]["url_path"]
        made.note(
            "s3:GetObject", place_of(path.lstrip("/").removeprefix(f"{world.container.settings.TOMBOLA_BUCKET}/"))
        )
        return sign(self, *arguments, **named)

    def sent(self: Any, *arguments: Any, **named: Any) -> Any:
        made.note("ssm:GetParameter", "WHATSAPP_ACCESS_TOKEN")
        return send(self, *arguments, **named)

    def secret(self: Any, name: str) -> str:
        made.note("ssm:GetParameter", name)
        return str(getattr(self, name))

    send = FakeGraph.send
    monkeypatch.setattr(BaseClient, "_make_api_call", asked)
    monkeypatch.setattr(RequestSigner, "generate_presigned_url", signed)
    monkeypatch.setattr(FakeGraph, "send", sent)
    monkeypatch.setattr(EnvironmentSecrets, "secret", secret)
    monkeypatch.setattr(handlers, "admit", made.wrap("admin_token", handlers.admit))
    for name in (
        "converse",
        "export",
        "expire_reservations",
        "deliver_messages",
        "deliver_to_person",
        "decide_on_proof",
    ):
        monkeypatch.setattr(functions, name, made.wrap(name, getattr(functions, name)))
    for name in ("api", "post_webhook"):
        monkeypatch.setattr(World, name, made.wrap("api", getattr(World, name)))
    return made


def test_every_role_allows_exactly_what_its_function_does(world: World, ear: Ear) -> None:
    everything_happens(world, ear)
    wrong = [line for role, function in ROLES.items() for line in compared(role, ear.calls[function])]
    wrong += [
        f"{role} is denied {action} on {key}, which its function does"
        for role, function in ROLES.items()
        for action, key in sorted(ear.keys[function])
        if denies(role, action, key)
    ]
    assert ("dynamodb:BatchGetItem", "AUDIT") in {(action, key[:5]) for action, key in ear.keys["expire_reservations"]}
    assert not wrong, "\n".join(["", *wrong])


def compared(role: str, done: set[Call]) -> Iterator[str]:
    allowed = list(rights(role))
    for call in sorted(done):
        if not any(covers(right, call) for right in allowed):
            yield f"{role} may not {call[0]} on {call[1]}, which its function does"
    for right in allowed:
        if right[0] not in LAMBDAS and not any(covers(right, call) for call in done):
            yield f"{role} may {right[0]} on {right[1]}, which its function does not"


def everything_happens(world: World, ear: Ear) -> None:
    """Whatever makes a function call AWS in a way of its own."""
    raffle = world.raffle(last_number=2000)
    lucia, marco, ana, eva = (world.buyer(name, number) for number, name in enumerate(("Lucía", "Marco", "Ana", "Eva")))
    buy(lucia, "1,2")
    lucia.says("my orders")
    proven = hold_and_prove(marco, "3")
    world.api("GET", f"/api/orders/{proven}/proof")
    cancel(world, hold(ana, "4"))
    hold(ana, "7")
    ana.says("cancel")
    hold_and_confirm(ana, "5")
    hold(eva, "6")
    _a_message_fails(world, lucia)
    world.clock.pass_minutes(11)
    world.minute()  # reminds
    world.clock.pass_minutes(11)
    world.graph.refuses = [NotSent("no connection")] * 3
    world.minute()  # ends the hold, and cannot say so
    _wakes_up(world)
    _organisers_decide(world)
    world.graph.refuses = [refused(STOPPED_BY_THEM), OutcomeUnknown("ReadTimeout")]
    world.clock.pass_minutes(11)
    world.minute()  # says so, and is told that they do not want to hear it
    world.clock.pass_minutes(11)
    world.minute()
    world.clock.pass_minutes(60)
    world.minute()  # keeps the heads of the audit log
    ana.says("stop")
    eva.says("help")
    world.deliver(moves(world, eva.person, "+50255551234"))
    _raffle_pictures(world, raffle)
    _boards(world)
    _exports(world, ear, raffle)
    _letters(world, ana)
    draft = world.raffle(code="DRAFT", active=False)
    world.api("DELETE", f"/api/raffles/{draft['id']}")
    world.api("GET", "/api/raffles?page_size=1")
    world.api("GET", "/api/health?deep=1")
    second = a_token(world, "manager")
    world.api("DELETE", f"/api/tokens/{second['id']}")
    contact = world.order(proven)["contact"]
    world.api("POST", f"/api/orders/{proven}/confirm-payment")
    world.graph.refuses = [NotSent("no connection")]
    world.api("POST", f"/api/orders/{proven}/refund", {"reason": "paid twice"})
    erased = world.api("POST", f"/api/contacts/{contact}/erase")
    assert erased.status < 300, erased.body


def _a_message_fails(world: World, buyer: Buyer) -> None:
    """A first status of a message that was taken, and then one that it failed."""
    told, at = len(world.graph.sent), world.at
    last = world.graph.sent[-1]["biz_opaque_callback_data"]
    failure = webhooks.status(
        buyer.person, f"wamid.OUT{told}", "failed", at=at, tracking=last, errors=[(131000, "failed")]
    )
    world.deliver(failure)


def _exports(world: World, ear: Ear, raffle: Json) -> None:
    """One of each kind; one that is large, of which a part fails; one whose person is erased while it is made."""

    def gone(export_id: str, *_: Any, **named: Any) -> bool:
        with ear.during("an erasure"):
            Record(*exports._key(export_id)).delete()
        return False

    for of in ("tickets", "orders", "buyers"):
        world.clock.pass_minutes(1)
        asked = world.api("POST", f"/api/raffles/{raffle['id']}/exports", {"of": of, "format": "csv"}).body
        world.work_on_exports()
        world.api("GET", f"/api/exports/{asked['id']}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporting, "TRANSFER", TransferConfig(multipart_threshold=5000, use_threads=False))
        events = world.container._client("s3").meta.events
        events.register("before-call.s3.UploadPart", _broken)
        world.api("POST", f"/api/raffles/{raffle['id']}/exports", {"of": "tickets", "format": "csv"})
        with suppress(Exception):
            world.work_on_exports()
        events.unregister("before-call.s3.UploadPart", _broken)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exports, "finish", gone)
        world.api("POST", f"/api/raffles/{raffle['id']}/exports", {"of": "buyers", "format": "xlsx"})
        with suppress(Exception):
            world.work_on_exports()


def _broken(**_: Any) -> None:
    raise RuntimeError


def _wakes_up(world: World) -> None:
    """A wish that finds a message and cannot send it, one after another that waits behind it, and one in a pause."""
    lucia = world.buyer("Lucía", 0)
    world.graph.refuses = [NotSent("no connection")] * 2 + [refused(130429)]
    lucia.says("help")
    lucia.says("menu")
    for minutes in (1, 1, 0, 1):
        world.clock.pass_minutes(minutes)
        _wake(world, lucia)


def _wake(world: World, who: Buyer) -> None:
    """Somebody looks at the first message that waits for a person."""
    waiting = next(item for item in outbounds(who) if item.queue_key == "OUTBOUND#DUE")
    wish = WakeUp(waiting.contact_id, waiting.sk.removeprefix("MSG#"), world.clock.now)
    event = sqs_event({"MessageId": "1", "ReceiptHandle": "1", "Body": wish.to_json()}, world.stack.wake_ups_url)
    functions.deliver_to_person(event, Context("deliver_to_person"))


def _organisers_decide(world: World) -> None:
    """An organiser opens a proof, rejects one for the last time, approves one, and taps once more."""
    world.raffle(code="LAST", max_rejections=1)
    rosa, olga = world.buyer("Rosa", 9), world.organiser()
    olga.says("hi")
    hold_and_prove(rosa, "3", "LAST")
    olga.taps("Open")
    olga.taps("Reject")
    olga.taps("It is no payment")
    hold_and_prove(rosa, "4", "LAST")
    # Another process sends a notice with its picture.
    for number, late in (("5", world.minute), ("6", partial(_wake, world, olga))):
        hold_and_confirm(rosa, number, "LAST")
        world.graph.refuses = [NotSent("no connection")] * 2
        rosa.sends_proof()
        files = world.container.header_files
        files.latest, files.uploaded = ("", b""), {}
        world.clock.pass_minutes(2)
        late()
    world.graph.refuses = [NotSent("no connection")]
    olga.taps("Approve")
    olga.taps("Approve")
    olga.says("pending")


def _raffle_pictures(world: World, raffle: Json) -> None:
    """A picture that is shown at once, by a wake-up, and by the schedule."""
    path, pictures = f"/api/raffles/{raffle['id']}/picture", world.container.raffle_pictures
    offered = world.api("POST", path, {"mime_type": "image/png"}).body
    pictures.s3().put_object(Bucket=pictures.bucket, Key=offered["fields"]["key"], Body=PNG)
    assert world.api("PUT", path, {"id": offered["id"]}).status == 200
    assert world.api("GET", path).status == 200
    lucia = world.buyer("Lucía", 0)
    for late in (partial(_wake, world, lucia), world.minute):
        world.graph.refuses = [NotSent("no connection")]
        lucia.says("BIKE")
        world.container.header_files.uploaded.clear()
        world.clock.pass_minutes(2)
        late()
    assert world.api("DELETE", path).status == 200


def _boards(world: World) -> None:
    """Boards that are sent at once, by a wake-up, and by the schedule."""
    lucia = world.buyer("Lucía", 0)
    lucia.says("BIKE")
    lucia.says("which are free?")
    world.graph.refuses, world.graph.refuses_uploads = [NotSent("no connection")], [NotSent("no connection")]
    lucia.says("101-180")
    world.clock.pass_minutes(1)
    _wake(world, lucia)
    world.graph.refuses, world.graph.refuses_uploads = [NotSent("no connection")], [NotSent("no connection")]
    lucia.says("201-280")
    world.clock.pass_minutes(1)
    world.minute()


def _letters(world: World, buyer: Buyer) -> None:
    world.container.dead_letters.keep('{"id": "1"}', "KeyError", tries=5)
    [letter] = world.api("GET", "/api/dead-letters").body["results"]
    world.api("POST", f"/api/dead-letters/{letter['id']}/replay")
    world.work()


def rights(role: str) -> Iterator[Call]:
    [policy] = TEMPLATE["Resources"][role]["Properties"]["Policies"]
    for statement in policy["PolicyDocument"]["Statement"]:
        if "Fn::If" in statement or statement["Effect"] == "Deny":
            continue
        actions, resources = statement["Action"], statement["Resource"]
        for action in [actions] if isinstance(actions, str) else actions:
            for resource in resources if isinstance(resources, list) else [resources]:
                if action.startswith("dynamodb:") and "/index/" in json.dumps(resource) and action != "dynamodb:Query":
                    continue  # indexes are only queried
                if action == "dynamodb:Query" or "/index/" not in json.dumps(resource):
                    yield action, named(json.dumps(resource))


def named(resource: str) -> str:
    """What an ARN stands for."""
    if index := re.search(r"/index/([a-z_*]+)", resource):
        return f"index {index[1]}"
    for mark, name in (
        (":table/", "table"), ("/audit-heads/*", "audit-heads/*"), ("/proofs/*", "proofs/*"),
        ("/exports/*", "exports/*"), ("/boards/*", "boards/*"),
        ("/raffle-pictures/*", "raffle-pictures/*"), ("s3:::", "bucket"), ('"Inbox"', "inbox"),
        ('"Exports"', "exports"),
        ('"WakeUps"', "wake-ups"), ('"Decisions"', "decisions"), ("/WHATSAPP_*", "WHATSAPP_*"), ("log-group", "log"),
    ):  # fmt: skip
        if mark in resource:
            return name
    return resource.rsplit("/", 1)[-1].rstrip('"}')


def covers(right: Call, call: Call) -> bool:
    (allowed, where), (action, what) = right, call
    return allowed == action and (where == what or (where.endswith("*") and what.startswith(where[:-1])))
