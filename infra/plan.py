"""The plan of a deployment, read from the environment: the stage's name, the stack's parameters, the secrets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.settings import EnvironmentSecrets, Settings, SettingsInvalid, load, load_secrets

# Which environment variable sets which parameter of the template.
PARAMETERS = {
    "WHATSAPP_PHONE_NUMBER_ID": "WhatsAppPhoneNumberId",
    "WHATSAPP_ACCOUNT_ID": "WhatsAppAccountId",
    "WHATSAPP_ORGANISERS": "WhatsAppOrganisers",
    "WHATSAPP_GRAPH_URL": "WhatsAppGraphUrl",
    "WHATSAPP_MEDIA_HOSTS": "WhatsAppMediaHosts",
    "TOMBOLA_CONSOLE_ORIGIN": "ConsoleOrigin",
    "LOG_LEVEL": "LogLevel",
    "ALARM_EMAIL": "AlarmEmail",
    "MONTHLY_BUDGET": "MonthlyBudget",
    "PROOF_RETENTION_DAYS": "ProofRetentionDays",
    "AUDIT_LOCK_DAYS": "AuditLockDays",
    "RESERVE_CONCURRENCY": "ReserveConcurrency",
    "TRACING": "Tracing",
    "USE_TABLE": "UseTable",
    "USE_BUCKET": "UseBucket",
}
REQUIRED = ("WHATSAPP_PHONE_NUMBER_ID",)
SECRETS = tuple(EnvironmentSecrets.model_fields)
GENERATED = "WHATSAPP_VERIFY_TOKEN"  # any word will do, so a missing one is generated
AUDIT_KEY = "TOMBOLA_AUDIT_KEY"  # so is this one
STAGE = re.compile("[a-z][a-z0-9-]{0,29}")
EMPTY = "-"  # in the environment: clear the value. An unset variable keeps the current value
NUMBERS = ("MONTHLY_BUDGET", "PROOF_RETENTION_DAYS", "AUDIT_LOCK_DAYS")
CHOICES = {"RESERVE_CONCURRENCY": ("yes", "no"), "TRACING": ("on", "off")}
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class PlanInvalid(Exception):
    """The plan cannot be deployed. The message names each variable and what was expected."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The parameters to set. All others keep their current values."""

    stage: str
    parameters: Mapping[str, str]  # of the template

    def settings(self, known: Mapping[str, str]) -> Settings:
        """Return the settings that the functions will read. `known`: the stack's current parameters."""
        parameters = {**known, **self.parameters}
        values = {variable: parameters[name] for variable, name in PARAMETERS.items() if parameters.get(name)}
        return load({**_PLACEHOLDERS, **values})[0]

    @property
    def stack(self) -> str:
        return stack_of(self.stage)


def stack_of(stage: str) -> str:
    """Return the name of the stage's stack. Raises PlanInvalid."""
    if not STAGE.fullmatch(stage):
        raise PlanInvalid(
            f"STAGE={stage} is not a valid name: use up to 30 lower-case letters, digits and hyphens, a letter first."
        )
    return f"tombola-{stage}"


def plan(stage: str, environment: Mapping[str, str], *, new: bool) -> Plan:
    """Read the plan from the environment. Raises PlanInvalid, which lists everything that is wrong.

    Args:
        new: there is no stack yet, so all required variables must be set.
    """
    stack_of(stage)
    variables = {name: environment[name].strip() for name in PARAMETERS if environment.get(name, "").strip()}
    values = {name: "" if value == EMPTY else value for name, value in variables.items()}
    if problems := _problems(values, new=new):
        raise PlanInvalid("\n".join(problems))
    return Plan(stage=stage, parameters={PARAMETERS[name]: value for name, value in values.items()})


def _problems(values: Mapping[str, str], *, new: bool) -> list[str]:
    problems = [f"{name} is missing (see .env.example)" for name in REQUIRED if new and not values.get(name)]
    problems += [
        f"{name}={EMPTY} would start with no data: expected a name"
        for name in ("USE_TABLE", "USE_BUCKET")
        if values.get(name) == ""
    ]
    problems += [
        f"{name} is malformed: expected a whole number"
        for name in NUMBERS
        if name in values and not (values[name].isascii() and values[name].isdigit())
    ]
    problems += [
        f"{name} is malformed: expected {' or '.join(choices)}"
        for name, choices in CHOICES.items()
        if name in values and values[name] not in choices
    ]
    if values.get("ALARM_EMAIL") and not EMAIL.fullmatch(values["ALARM_EMAIL"]):
        problems.append("ALARM_EMAIL is malformed: expected an e-mail address")
    try:  # everything else that the functions would refuse
        load({**_PLACEHOLDERS, **{name: value for name, value in values.items() if value}})
    except SettingsInvalid as failure:
        problems += str(failure).split("; ")
    return problems


# Settings that the functions get from the template itself.
_PLACEHOLDERS = {
    "TOMBOLA_TABLE": "table",
    "TOMBOLA_BUCKET": "bucket",
    "TOMBOLA_INBOX_QUEUE": "https://queue",
    "TOMBOLA_EXPORTS_QUEUE": "https://queue",
    "TOMBOLA_SECRETS": "/secrets/",
    "WHATSAPP_PHONE_NUMBER_ID": "00000",
}


def check_secrets(secrets: Mapping[str, str]) -> None:
    """Check the secrets. Raises PlanInvalid, which names those that are missing or malformed, never their values."""
    try:
        load_secrets(secrets)
    except SettingsInvalid as failure:
        raise PlanInvalid("\n".join(str(failure).split("; "))) from None
