"""The settings: environment variables, checked when they are first needed, each problem with the variable's name."""

from collections.abc import Mapping
from hmac import new as hmac
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

M = TypeVar("M", bound=BaseModel)


class SettingsInvalid(Exception):
    """A variable is missing or malformed. The message names each one and what was expected, never its value."""


def _words(value: Any) -> Any:
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


CommaSeparated = Annotated[tuple[str, ...], BeforeValidator(_words)]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9]{7,15}$")]
# A notice to each is part of the transaction with the proof, which has room for so many beside 40 numbers.
Phones = Annotated[tuple[Phone, ...], BeforeValidator(_words), Field(max_length=10)]
# Printable ASCII without blanks: what a header can carry. The HTTP client's own error would show the secret.
Secret = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[\x21-\x7e]+$")]


# Built when it is first needed: few functions do, and a cold start waits for what is built at import.
_SECRET: TypeAdapter[str] = TypeAdapter(Secret, config=ConfigDict(defer_build=True))


class Secrets:
    """The settings that nobody may see, asked for whenever one is needed: they are rotated while all runs."""

    def secret(self, name: str) -> str:
        """One, by the setting's name; empty where it is optional and not set. Raises SettingsInvalid, TryAgain."""
        raise NotImplementedError

    @property
    def access_token(self) -> str:
        return self.secret("WHATSAPP_ACCESS_TOKEN")

    @property
    def verify_token(self) -> str:
        return self.secret("WHATSAPP_VERIFY_TOKEN")

    @property
    def app_secret(self) -> str:
        return self.secret("WHATSAPP_APP_SECRET")

    @property
    def app_secrets(self) -> tuple[str, ...]:
        """The secrets that a webhook may be signed with: two while they are rotated."""
        return tuple(one for one in (self.app_secret, self.secret("WHATSAPP_APP_SECRET_PREVIOUS")) if one)

    @property
    def cursor_key(self) -> bytes:
        """What the cursors of lists are sealed with: derived from a secret that there is anyway."""
        return hmac(self.app_secret.encode(), b"cursors of lists", "sha256").digest()


class Given(BaseModel, Secrets):
    """Secrets of the environment. `.env.example` explains them."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, defer_build=True)

    WHATSAPP_ACCESS_TOKEN: Annotated[Secret, Field(repr=False)]
    WHATSAPP_APP_SECRET: Annotated[Secret, Field(repr=False)]
    WHATSAPP_APP_SECRET_PREVIOUS: Annotated[Secret | Literal[""], Field(repr=False)] = ""
    WHATSAPP_VERIFY_TOKEN: Annotated[Secret, Field(repr=False)]

    def secret(self, name: str) -> str:
        return str(getattr(self, name))


class Settings(BaseModel):
    """Every other setting. `.env.example` explains them."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, defer_build=True)

    WHATSAPP_PHONE_NUMBER_ID: Annotated[str, Field(pattern="^[0-9]{5,25}$")]
    WHATSAPP_GRAPH_URL: Annotated[str, Field(pattern="^https?://[^/]+/?$")] = "https://graph.facebook.com"
    WHATSAPP_GRAPH_VERSION: Annotated[str, Field(pattern=r"^v[0-9]{1,3}\.[0-9]$")] = "v26.0"
    WHATSAPP_MEDIA_HOSTS: CommaSeparated = ()
    WHATSAPP_ORGANISERS: Phones = ()
    WHATSAPP_ACCOUNT_ID: Annotated[str, Field(pattern="^[0-9]{5,25}$")] | Literal[""] = ""
    WHATSAPP_SENDS_A_SECOND: Annotated[float, Field(gt=0, le=1000)] = 20
    TOMBOLA_TABLE: Annotated[str, Field(pattern="^[a-zA-Z0-9_.-]{3,255}$")]
    TOMBOLA_BUCKET: Annotated[str, Field(min_length=3)]
    TOMBOLA_INBOX_QUEUE: Annotated[str, Field(pattern="^https?://.+")]
    TOMBOLA_EXPORTS_QUEUE: Annotated[str, Field(pattern="^https?://.+")]
    TOMBOLA_SECRETS: Annotated[str, Field(pattern="^/[a-zA-Z0-9_./-]+/$")] | Literal[""] = ""
    AWS_REGION: str = ""
    AWS_DEFAULT_REGION: str = "us-east-1"
    TOMBOLA_CONSOLE_ORIGIN: Annotated[str, Field(pattern="^https?://[^/]+$")] | Literal[""] = ""
    LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"

    @property
    def region(self) -> str:
        return self.AWS_REGION or self.AWS_DEFAULT_REGION


def load(environment: Mapping[str, str]) -> tuple[Settings, Given | None]:
    """Read the settings, and the secrets unless TOMBOLA_SECRETS says that they are elsewhere.

    Raises SettingsInvalid, with all that is wrong at once.
    """
    elsewhere = environment.get("TOMBOLA_SECRETS", "").strip() != ""
    wrong: list[str] = []
    settings = _validated(Settings, environment, wrong)
    secrets = None if elsewhere else _validated(Given, environment, wrong)
    if settings is None or wrong:
        raise SettingsInvalid("; ".join(wrong))
    return settings, secrets


def load_secrets(given: Mapping[str, str]) -> Given:
    """Raises SettingsInvalid, with all that is wrong at once."""
    wrong: list[str] = []
    secrets = _validated(Given, given, wrong)
    if secrets is None:
        raise SettingsInvalid("; ".join(wrong))
    return secrets


def usable_secret(name: str, value: str) -> str:
    """The value, without blanks around it. Raises SettingsInvalid."""
    try:
        return _SECRET.validate_python(value)
    except ValidationError as failure:
        [error] = failure.errors(include_input=False)
        raise SettingsInvalid(_explained({**error, "loc": (name,)})) from None


def _validated(form: type[M], environment: Mapping[str, str], wrong: list[str]) -> M | None:
    given = {name: value for name, value in environment.items() if name in form.model_fields and value.strip()}
    try:
        return form.model_validate(given)
    except ValidationError as failure:
        wrong += dict.fromkeys(_explained(error) for error in failure.errors(include_input=False))
        return None


def _explained(error: Any) -> str:
    name = str(error["loc"][0])
    if error["type"] == "missing":
        return f"{name} is missing (see .env.example)"
    return f"{name} is malformed: {error['msg'][0].lower()}{error['msg'][1:]}"
