"""What the template promises, and what no stand-in looks at."""

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from chalice.app import ScheduledEventConfig

from app import app
from chalicelib.domain.exports import KEPT
from chalicelib.http import console, headers
from chalicelib.http.routes import ROUTES
from chalicelib.services.messaging.account_notices import RULES
from chalicelib.services.messaging.pictures import FOLDER, UPLOAD_LIFETIME
from chalicelib.services.orders.expiry import EXPIRED
from chalicelib.services.raffle_pictures import UPLOADS
from infra.__main__ import RESERVED, for_console

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]
TEMPLATE: Json = json.loads((ROOT / "infra" / "resources.json").read_text(encoding="utf-8"))
RESOURCES: Json = TEMPLATE["Resources"]
ALARMS = sorted(name for name, body in RESOURCES.items() if body.get("Type") == "AWS::CloudWatch::Alarm")
DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
RECOVER = (ROOT / "docs" / "recover.md").read_text(encoding="utf-8")


def properties(name: str) -> Json:
    found: Json = RESOURCES[name]["Properties"]
    return found


@pytest.mark.parametrize("name", ["Table", "Bucket", "AuditBucket"])
def test_data_is_kept_when_the_stack_goes(name: str) -> None:
    assert (RESOURCES[name]["DeletionPolicy"], RESOURCES[name]["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_the_table_is_on_demand_encrypted_protected_and_can_go_back_in_time() -> None:
    table = properties("Table")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "vanishes_at", "Enabled": True}


def test_a_page_may_read_a_file_that_it_has_a_link_to() -> None:
    """The console draws PDFs. No link, no file: so any origin will do, and nothing but reading."""
    (rule,) = properties("Bucket")["CorsConfiguration"]["CorsRules"]
    assert (rule["AllowedMethods"], rule["AllowedOrigins"]) == (["GET"], ["*"])


@pytest.mark.parametrize("name", ["Bucket", "AuditBucket"])
def test_the_bucket_is_private_encrypted_versioned_and_asked_over_tls_only(name: str) -> None:
    bucket = properties(name)
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    [statement] = properties(f"{name}Policy")["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_files_vanish_in_their_time() -> None:
    proofs, boards, uploads, exports = properties("Bucket")["LifecycleConfiguration"]["Rules"]
    assert (uploads["Prefix"], uploads["ExpirationInDays"]) == (UPLOADS, 1)
    assert (proofs["Prefix"], proofs["ExpirationInDays"]) == ("proofs/", {"Ref": "ProofRetentionDays"})
    assert (boards["Prefix"], boards["ExpirationInDays"]) == (FOLDER, UPLOAD_LIFETIME.days)
    assert (exports["Prefix"], exports["ExpirationInDays"]) == ("exports/", KEPT.days)


def test_both_schedules_run_every_minute() -> None:
    schedules = [source for source in app.event_sources if isinstance(source, ScheduledEventConfig)]
    assert {source.name: source.schedule_expression for source in schedules} == {
        "expire_reservations": "rate(1 minute)",
        "deliver_messages": "rate(1 minute)",
    }


def test_every_queue_is_encrypted_and_all_but_that_of_wishes_have_dead_letters() -> None:
    """A wish to look at a person that is lost costs them a minute at most: the schedule looks, too."""
    queues = {name: body["Properties"] for name, body in RESOURCES.items() if body.get("Type") == "AWS::SQS::Queue"}
    given_up = {
        body["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        for body in queues.values()
        if "RedrivePolicy" in body
    }
    assert all(body["SqsManagedSseEnabled"] for body in queues.values())
    assert {name for name, body in queues.items() if "RedrivePolicy" not in body} == given_up | {"WakeUps"}


def test_no_secret_passes_through_the_template() -> None:
    text = json.dumps(TEMPLATE)
    assert "resolve:" not in text
    for name in ("WHATSAPP_ACCESS_TOKEN", "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN"):
        assert f'"{name}"' not in text


def test_each_function_has_a_role_of_its_own_whose_rights_are_named() -> None:
    roles = {name: body for name, body in RESOURCES.items() if name.endswith("Role")}
    assert len(roles) == 8
    for name, body in roles.items():
        [policy] = body["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]:
            # X-Ray's, where it is switched on, knows no resources. What denies may deny everything.
            if "Fn::If" in statement or statement["Effect"] == "Deny":
                continue
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                assert re.fullmatch("[a-z0-9]+:[A-Za-z]+", action), f"{name}: {action}"
            assert statement["Resource"] != "*", name


@pytest.mark.parametrize("name", ALARMS)
def test_each_alarm_notifies_somebody_and_has_an_entry_that_says_what_to_do(name: str) -> None:
    alarm = properties(name)
    assert alarm["AlarmActions"] == [{"Ref": "Alarms"}]
    assert f"### {name}\n" in RECOVER
    anchor = re.search(r"docs/recover\.md#([\w-]+)$", alarm["AlarmDescription"])
    assert anchor and anchor[1] == name.lower()


@pytest.mark.parametrize("path", ["/api/docs", "/api/openapi.json"])
def test_o8_a_page_that_is_open_to_everybody_has_a_throttle_of_its_own(path: str) -> None:
    limits = {one["ResourcePath"]: one for one in properties("RestAPI")["MethodSettings"]}
    assert ("GET", path) in {(route.method, route.path) for route in ROUTES}
    own = limits[path.replace("/", "~1").join(("/", ""))]
    assert own["HttpMethod"] == "GET"
    assert own["ThrottlingRateLimit"] <= 2 and own["ThrottlingBurstLimit"] <= 10
    assert own["ThrottlingRateLimit"] < limits["/*"]["ThrottlingRateLimit"]


def test_o13_guessing_sign_in_links_has_a_throttle_of_its_own() -> None:
    limits = {one["ResourcePath"]: one for one in properties("RestAPI")["MethodSettings"]}
    own = limits["/~1api~1sign-in"]
    assert own["HttpMethod"] == "POST" and own["ThrottlingRateLimit"] <= 5 and own["ThrottlingBurstLimit"] <= 20


def test_the_files_of_the_console_take_nothing_from_organisers() -> None:
    own = {(one["HttpMethod"], one["ResourcePath"]) for one in properties("RestAPI")["MethodSettings"]}
    assert {(method, "/" + path.replace("/", "~1")) for method in console.METHODS for path in console.PATHS} <= own


def test_the_rate_limits_that_answers_tell_are_those_of_the_gateway() -> None:
    """Of the webhook nobody is told anything: WhatsApp does not ask."""
    limits = {
        (one["HttpMethod"], one["ResourcePath"].removeprefix("/").replace("~1", "/")): one["ThrottlingRateLimit"]
        for one in properties("RestAPI")["MethodSettings"]
    }
    del limits["POST", "/whatsapp/webhook"]
    told = {("*", "*"): headers.ORGANISERS, **headers.OWN_POLICIES}
    names, rates = zip(*(re.findall(r'^"([a-z-]+)";q=(\d+);w=1$', policy)[0] for policy in told.values()), strict=True)
    assert len(set(names)) == len(names)
    assert dict(zip(told, map(int, rates), strict=True)) == limits


def test_o8_the_api_compresses_its_answers() -> None:
    assert properties("RestAPI")["MinimumCompressionSize"] == 1000


def test_o8_the_chat_has_concurrency_of_its_own() -> None:
    """Whatever floods the API takes none of it. As many as the queue hands over at once, else it would be throttled."""
    queue = properties("Converse")["Events"]["ConverseSqsEventSource"]["Properties"]
    _, reserved, otherwise = properties("Converse")["ReservedConcurrentExecutions"]["Fn::If"]
    assert reserved == queue["ScalingConfig"]["MaximumConcurrency"]
    assert otherwise == {"Ref": "AWS::NoValue"}


def test_a_first_deployment_asks_whether_the_account_has_as_many_as_are_reserved() -> None:
    functions = [body.get("Properties", {}).get("ReservedConcurrentExecutions") for body in RESOURCES.values()]
    assert sum(reserved["Fn::If"][1] for reserved in functions if reserved) == RESERVED


def test_throttled_indexes_raise_the_same_alarm_as_the_table() -> None:
    watched = [one["MetricStat"]["Metric"] for one in properties("TableThrottled")["Metrics"] if "MetricStat" in one]
    dimensions = [(metric["MetricName"], *(one["Value"] for one in metric["Dimensions"][1:])) for metric in watched]
    indexes = [index["IndexName"] for index in properties("Table")["GlobalSecondaryIndexes"]]
    assert {("WriteThrottleEvents",), ("ReadThrottleEvents",), ("ReadThrottleEvents", "by_queue")} <= set(dimensions)
    assert {("WriteThrottleEvents", index) for index in indexes} <= set(dimensions)
    assert len(watched) <= 10  # as many as AWS lets an alarm add up


def test_the_page_says_to_subscribe_to_each_notice_that_we_handle() -> None:
    [step] = [block for block in DEPLOY.split("\n\n") if "Also subscribe to" in block]
    assert set(re.findall(r"`([a-z_]+)`", step)) >= {*RULES, "messages"}


def test_spending_has_an_entry_too() -> None:
    told = {told["Notification"]["NotificationType"] for told in properties("Spending")["NotificationsWithSubscribers"]}
    assert told == {"ACTUAL", "FORECASTED"}
    assert "### Spending\n" in RECOVER


def test_another_console_is_another_deployment_of_the_api() -> None:
    """Whether it is one, SAM makes out by the definition alone, with no parameter put in."""
    origins = ("", "https://a.example.org", "https://b.example.org")
    made = {origin: json.dumps(for_console(deepcopy(TEMPLATE), origin)) for origin in origins}
    assert len(set(made.values())) == len(origins)
    assert made[""] == json.dumps(TEMPLATE)


def test_the_dashboard_shows_every_alarm() -> None:
    dashboard = json.loads((ROOT / "infra" / "dashboard.json").read_text(encoding="utf-8"))
    [shown] = [widget["properties"]["alarms"] for widget in dashboard["widgets"] if widget["type"] == "alarm"]
    assert sorted(shown) == [f"${{{name}.Arn}}" for name in ALARMS]


def test_each_watched_metric_is_written_by_the_product() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "chalicelib").rglob("*.py"))
    watched = {properties(name)["MetricName"] for name in ALARMS if properties(name).get("Namespace") == "Tombola"}
    dashboard = json.loads((ROOT / "infra" / "dashboard.json").read_text(encoding="utf-8"))
    for widget in dashboard["widgets"]:
        watched |= {row[1] for row in widget["properties"].get("metrics", []) if row[0] == "Tombola"}
    written = set(re.findall(r'(?:count|measure|metrics\.append|_log)\((?:\s*"[a-z ]+",)?\s*"(\w+)"', code))
    written |= set(re.findall(r'\bmetric="(\w+)"', code))
    written.add(EXPIRED)
    written |= {f"Messages{state.title()}" for state in ("DELIVERED", "READ", "SENT")}  # statuses from WhatsApp
    assert watched - written == set()
