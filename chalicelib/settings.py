"""Settings: environment variables, validated on first use. Problems are reported with the variable's name."""

from collections.abc import Mapping
from hmac import digest
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

M = TypeVar("M", bound=BaseModel)


class SettingsInvalid(Exception):
    """A setting is missing or malformed. The message names each one and what was expected, never its value."""


def _split(value: Any) -> Any:
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


CommaSeparated = Annotated[tuple[str, ...], BeforeValidator(_split)]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9]{7,15}$")]
# Each gets a notice in the transaction that stores a proof. Beside 40 numbers it has room for ten notices.
Phones = Annotated[tuple[Phone, ...], BeforeValidator(_split), Field(max_length=10)]
# Printable ASCII without spaces, since it goes into headers: the HTTP client's own error would show the secret.
Secret = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[\x21-\x7e]+$")]


# Validators are built on first use (`defer_build`): a cold start would wait for them, and few functions need them.
_SECRET: TypeAdapter[str] = TypeAdapter(Secret, config=ConfigDict(defer_build=True))


class Secrets:
    """The secret settings. They are read each time, since they may be rotated while the process runs."""

    def secret(self, name: str) -> str:
        """Return a secret by the setting's name, empty if it is optional and not set.

        Raises SettingsInvalid, TryAgain.
        """
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
        """The secrets that may sign a webhook: two during a rotation."""
        return tuple(secret for secret in (self.app_secret, self.secret("WHATSAPP_APP_SECRET_PREVIOUS")) if secret)

    @property
    def audit_key(self) -> bytes:
        """The key that signs the heads of the audit log; empty if there is none."""
        return self.secret("TOMBOLA_AUDIT_KEY").encode()

    @property
    def cursor_key(self) -> bytes:
        """The key that seals the cursors of lists, derived from the app secret."""
        return digest(self.app_secret.encode(), b"cursors of lists", "sha256")


class EnvironmentSecrets(BaseModel, Secrets):
    """Secrets from environment variables. `.env.example` explains them."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, defer_build=True)

    WHATSAPP_ACCESS_TOKEN: Annotated[Secret, Field(repr=False)]
    WHATSAPP_APP_SECRET: Annotated[Secret, Field(repr=False)]
    WHATSAPP_APP_SECRET_PREVIOUS: Annotated[Secret | Literal[""], Field(repr=False)] = ""
    WHATSAPP_VERIFY_TOKEN: Annotated[Secret, Field(repr=False)]
    TOMBOLA_AUDIT_KEY: Annotated[Secret | Literal[""], Field(repr=False)] = ""

    def secret(self, name: str) -> str:
        return str(getattr(self, name))


class Settings(BaseModel):
    """All other settings. `.env.example` explains them."""

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
    TOMBOLA_AUDIT_BUCKET: Annotated[str, Field(min_length=3)] | Literal[""] = ""
    TOMBOLA_INBOX_QUEUE: Annotated[str, Field(pattern="^https?://.+")]
    TOMBOLA_EXPORTS_QUEUE: Annotated[str, Field(pattern="^https?://.+")]
    TOMBOLA_DECISIONS_QUEUE: Annotated[str, Field(pattern="^https?://.+")] | Literal[""] = ""
    TOMBOLA_WAKE_UPS_QUEUE: Annotated[str, Field(pattern="^https?://.+")] | Literal[""] = ""
    TOMBOLA_SECRETS: Annotated[str, Field(pattern="^/[a-zA-Z0-9_./-]+/$")] | Literal[""] = ""
    AWS_REGION: str = ""
    AWS_DEFAULT_REGION: str = "us-east-1"
    TOMBOLA_CONSOLE_ORIGIN: Annotated[str, Field(pattern="^https?://[^/]+$")] | Literal[""] = ""
    LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"

    @property
    def region(self) -> str:
        return self.AWS_REGION or self.AWS_DEFAULT_REGION


def load(environment: Mapping[str, str]) -> tuple[Settings, EnvironmentSecrets | None]:
    """Read the settings, and the secrets unless TOMBOLA_SECRETS says that they are in the Parameter Store.

    Raises SettingsInvalid, which names everything that is wrong.
    """
    in_parameter_store = environment.get("TOMBOLA_SECRETS", "").strip() != ""
    problems: list[str] = []
    settings = _validated(Settings, environment, problems)
    secrets = None if in_parameter_store else _validated(EnvironmentSecrets, environment, problems)
    if settings is None or problems:
        raise SettingsInvalid("; ".join(problems))
    return settings, secrets


def load_secrets(values: Mapping[str, str]) -> EnvironmentSecrets:
    """Validate secrets. Raises SettingsInvalid, which names everything that is wrong."""
    problems: list[str] = []
    secrets = _validated(EnvironmentSecrets, values, problems)
    if secrets is None:
        raise SettingsInvalid("; ".join(problems))
    return secrets


def usable_secret(name: str, value: str) -> str:
    """Return the value without surrounding spaces. Raises SettingsInvalid."""
    try:
        return _SECRET.validate_python(value)
    except ValidationError as failure:
        [error] = failure.errors(include_input=False)
        raise SettingsInvalid(_explained({**error, "loc": (name,)})) from None


def _validated(model: type[M], environment: Mapping[str, str], problems: list[str]) -> M | None:
    """Return the model, or None and add to the problems. An empty variable counts as not set."""
    values = {name: value for name, value in environment.items() if name in model.model_fields and value.strip()}
    try:
        return model.model_validate(values)
    except ValidationError as failure:
        problems += dict.fromkeys(_explained(error) for error in failure.errors(include_input=False))
        return None


def _explained(error: Any) -> str:
    name = str(error["loc"][0])
    if error["type"] == "missing":
        return f"{name} is missing (see .env.example)"
    return f"{name} is malformed: {error['msg'][0].lower()}{error['msg'][1:]}"
