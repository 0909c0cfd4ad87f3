"""Whether the token may use the number is asked before anything is changed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import boto3
import pytest
from botocore.stub import Stubber

from infra.__main__ import TOKEN, _check_number
from infra.cloud import Cloud
from infra.plan import PlanInvalid, plan
from tests.support.local_server import serving
from whatsapp_sandbox.scripted_answers import RecordedResponse, load_response

NUMBER = "112233445566778"
STACK = {"StackName": "tombola-dev", "CreationTime": "2026-11-24T00:00:00Z", "StackStatus": "UPDATE_COMPLETE"}
KNOWN = [{"ParameterKey": "WhatsAppPhoneNumberId", "ParameterValue": NUMBER}]


@contextmanager
def whatsapp(response: RecordedResponse) -> Iterator[str]:
    class Graph(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(response.http_status)
            self.end_headers()
            self.wfile.write((response.body_text or json.dumps(response.body)).encode())

    with serving(Graph) as url:
        yield url


def check(answer: str, *, number: str = NUMBER, changed: list[str]) -> None:
    """With a stack that has the number already."""
    cloud = Cloud(boto3.Session("none", "none", region_name="us-east-1"), "tombola-dev")
    with whatsapp(load_response(answer)) as url, Stubber(cloud.client("cloudformation")) as answers:
        answers.add_response("describe_stacks", {"Stacks": [{**STACK, "Parameters": KNOWN}]})
        wanted = plan("dev", {"WHATSAPP_PHONE_NUMBER_ID": number, "WHATSAPP_GRAPH_URL": url}, new=False)
        _check_number(cloud, wanted, {TOKEN: "a-token-of-ours"}, changed)


@pytest.mark.parametrize("answer", ["err_190_expired", "err_100_33_missing_object", "err_10_permission"])
@pytest.mark.parametrize(("number", "changed"), [(NUMBER, [TOKEN]), ("5551234", [])])
def test_a_new_value_that_whatsapp_refuses_stops_the_deployment(answer: str, number: str, changed: list[str]) -> None:
    with pytest.raises(PlanInvalid, match=f"WHATSAPP_PHONE_NUMBER_ID={number} .*WHATSAPP_ACCESS_TOKEN") as refused:
        check(answer, number=number, changed=changed)
    assert "a-token-of-ours" not in str(refused.value)


def test_a_value_from_before_does_not_stop_the_deployment(capsys: pytest.CaptureFixture[str]) -> None:
    check("err_190_expired", changed=[])
    assert "the deployment continues" in capsys.readouterr().err


@pytest.mark.parametrize("answer", ["err_html_502", "err_80007_waba_limit", "err_2_transient"])
def test_whatsapp_not_answering_does_not_stop_the_deployment(answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    check(answer, changed=[TOKEN])
    assert "could not be asked" in capsys.readouterr().err
