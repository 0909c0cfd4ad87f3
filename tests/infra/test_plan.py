"""What is asked to be deployed is looked at before AWS is: each mistake by its name, all at once, no secret shown."""

import subprocess
import sys

import pytest

from infra.plan import PlanInvalid, check_secrets, plan, stack_of

GIVEN = {"WHATSAPP_PHONE_NUMBER_ID": "112233445566778"}


def test_a_stage_names_its_stack() -> None:
    assert stack_of("prod") == "tombola-prod"


@pytest.mark.parametrize("stage", ["", "Prod", "1st", "a_b", "prod;rm", "x" * 31, "-dev"])
def test_a_stage_that_cannot_name_a_stack_is_refused(stage: str) -> None:
    with pytest.raises(PlanInvalid, match="STAGE="):
        stack_of(stage)


def test_the_given_variables_become_parameters_and_nothing_else() -> None:
    new_plan = plan(
        "dev", {**GIVEN, "ALARM_EMAIL": "a@b.org", "MONTHLY_BUDGET": "20", "HOME": "/x", "LOG_LEVEL": ""}, new=True
    )
    assert new_plan.parameters == {
        "WhatsAppPhoneNumberId": "112233445566778", "AlarmEmail": "a@b.org", "MonthlyBudget": "20",
    }  # fmt: skip


def test_known_values_are_kept_and_can_be_cleared() -> None:
    assert plan("dev", {}, new=False).parameters == {}
    assert plan("dev", {"ALARM_EMAIL": "-"}, new=False).parameters == {"AlarmEmail": ""}


def test_a_table_or_bucket_in_use_is_not_replaced_by_an_empty_one() -> None:
    with pytest.raises(PlanInvalid, match=r"USE_TABLE=- .*\nUSE_BUCKET=- "):
        plan("dev", {"USE_TABLE": "-", "USE_BUCKET": "-"}, new=False)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    wrong = {
        "MONTHLY_BUDGET": "lots", "TRACING": "maybe", "ALARM_EMAIL": "nobody", "WHATSAPP_ORGANISERS": "me",
        "WHATSAPP_GRAPH_URL": "ftp://x", "TOMBOLA_CONSOLE_ORIGIN": "console", "LOG_LEVEL": "LOUD",
    }  # fmt: skip
    with pytest.raises(PlanInvalid) as refused:
        plan("dev", wrong, new=True)
    for name in (*wrong, "WHATSAPP_PHONE_NUMBER_ID"):
        assert name in str(refused.value)


def test_missing_or_malformed_secrets_are_named_but_not_shown() -> None:
    with pytest.raises(PlanInvalid) as refused:
        check_secrets({"WHATSAPP_ACCESS_TOKEN": "two words", "WHATSAPP_VERIFY_TOKEN": "word"})
    assert "WHATSAPP_ACCESS_TOKEN is malformed" in str(refused.value)
    assert "WHATSAPP_APP_SECRET is missing" in str(refused.value)
    assert "two words" not in str(refused.value)


@pytest.mark.parametrize("command", [[], ["deploy"], ["destroy"], ["environment"], ["restore"]])
def test_every_command_explains_itself(command: list[str]) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "infra", *command, "--help"], capture_output=True, text=True, timeout=600, check=True
    )
    assert "STAGE" in process.stdout or "COMMAND" in process.stdout


def test_without_a_region_or_credentials_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = {
        "PATH": "/usr/bin",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/none",
        "AWS_SHARED_CREDENTIALS_FILE": "/none",
    }
    for more, expected in (({}, "AWS_REGION"), ({"AWS_REGION": "us-east-1"}, "aws sso login")):
        process = subprocess.run(
            [sys.executable, "-m", "infra", "deploy", "dev"], env={**bare, **more}, capture_output=True, text=True,
            timeout=600, check=False,
        )  # fmt: skip
        assert process.returncode == 1
        assert expected in process.stderr
        assert "Traceback" not in process.stderr
