"""What a deployment is asked to be: the stage's name, the stack's parameters, the secrets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.settings import EnvironmentSecrets, Settings, SettingsInvalid, load, load_secrets

# The environment variable that gives each parameter of the template.
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
    "RESERVE_CONCURRENCY": "ReserveConcurrency",
    "TRACING": "Tracing",
    "USE_TABLE": "UseTable",
    "USE_BUCKET": "UseBucket",
}
NEEDED = ("WHATSAPP_PHONE_NUMBER_ID",)
SECRETS = tuple(EnvironmentSecrets.model_fields)
MADE_UP = "WHATSAPP_VERIFY_TOKEN"  # any word will do, so that we choose one where none is given
STAGE = re.compile("[a-z][a-z0-9-]{0,29}")
EMPTY = "-"  # in the environment: no value, where leaving it out would keep the value of before
NUMBERS = ("MONTHLY_BUDGET", "PROOF_RETENTION_DAYS")
CHOICES = {"RESERVE_CONCURRENCY": ("yes", "no"), "TRACING": ("on", "off")}
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class PlanInvalid(Exception):
    """What is asked for can't be deployed. The message names each variable and what was expected."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A deployment as it is asked for. What is not given stays as it is."""

    stage: str
    parameters: Mapping[str, str]  # of the template

    def settings(self, known: Mapping[str, str]) -> Settings:
        """What functions will read. `known`: the stack's parameters of before."""
        given = {**known, **self.parameters}
        values = {variable: given[name] for variable, name in PARAMETERS.items() if given.get(name)}
        return load({**_FITTING, **values})[0]

    @property
    def stack(self) -> str:
        return stack_of(self.stage)


def stack_of(stage: str) -> str:
    """Raises PlanInvalid."""
    if not STAGE.fullmatch(stage):
        raise PlanInvalid(
            f"STAGE={stage} can't name a stage: up to 30 lower-case letters, digits and hyphens, a letter first."
        )
    return f"tombola-{stage}"


def plan(stage: str, environment: Mapping[str, str], *, new: bool) -> Plan:
    """Read from the environment what is to be deployed. Raises PlanInvalid, with all that is wrong at once.

    Args:
        new: whether there is no stack yet, so that what is needed must be given.
    """
    stack_of(stage)
    given = {name: environment[name].strip() for name in PARAMETERS if environment.get(name, "").strip()}
    values = {name: "" if value == EMPTY else value for name, value in given.items()}
    wrong = list(_wrong(values, new=new))
    if wrong:
        raise PlanInvalid("\n".join(wrong))
    return Plan(stage=stage, parameters={PARAMETERS[name]: value for name, value in values.items()})


def _wrong(values: Mapping[str, str], *, new: bool) -> list[str]:
    wrong = [f"{name} is missing (see .env.example)" for name in NEEDED if new and not values.get(name)]
    wrong += [
        f"{name}={EMPTY} would begin with an empty one: expected the name of the one to use"
        for name in ("USE_TABLE", "USE_BUCKET")
        if values.get(name) == ""
    ]
    wrong += [
        f"{name} is malformed: expected a whole number"
        for name in NUMBERS
        if name in values and not (values[name].isascii() and values[name].isdigit())
    ]
    wrong += [
        f"{name} is malformed: expected {' or '.join(choices)}"
        for name, choices in CHOICES.items()
        if name in values and values[name] not in choices
    ]
    if values.get("ALARM_EMAIL") and not EMAIL.fullmatch(values["ALARM_EMAIL"]):
        wrong.append("ALARM_EMAIL is malformed: expected an e-mail address")
    try:  # whatever else the functions would refuse
        load({**_FITTING, **{name: value for name, value in values.items() if value}})
    except SettingsInvalid as failure:
        wrong += str(failure).split("; ")
    return wrong


# What the functions get from the template itself.
_FITTING = {
    "TOMBOLA_TABLE": "table",
    "TOMBOLA_BUCKET": "bucket",
    "TOMBOLA_INBOX_QUEUE": "https://queue",
    "TOMBOLA_EXPORTS_QUEUE": "https://queue",
    "TOMBOLA_SECRETS": "/secrets/",
    "WHATSAPP_PHONE_NUMBER_ID": "00000",
}


def check_secrets(given: Mapping[str, str]) -> None:
    """Raises PlanInvalid, which names those that are missing or can't be used; never their values."""
    try:
        load_secrets(given)
    except SettingsInvalid as failure:
        raise PlanInvalid("\n".join(str(failure).split("; "))) from None
