"""Secrets from the Parameter Store of AWS Systems Manager, as used on Lambda."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from botocore.config import Config
from botocore.exceptions import ClientError

from chalicelib.domain.refusals import TryAgain
from chalicelib.settings import EnvironmentSecrets, Secrets, SettingsInvalid, usable_secret
from chalicelib.telemetry import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SSMProvider

FRESH_SECONDS = 300  # within this time every process uses a rotated secret
PAUSE_SECONDS = 30  # after a failed read, during which the last known value is used
# A buyer is waiting: at most three attempts of four seconds.
CLIENT_CONFIG = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 3, "mode": "standard"})
OPTIONAL = {name for name, field in EnvironmentSecrets.model_fields.items() if not field.is_required()}


class CachedSecret(NamedTuple):
    value: str
    until: float  # seconds of the clock


@dataclass
class ParameterStore(Secrets):
    """Read secrets under a path such as `/tombola-prod/`: one SecureString for each, with the setting's name.

    Each is read on first use and again after five minutes, so that it can be rotated without a restart. If it can't be
    read again, the last known value is used.
    """

    path: str
    region: str
    clock: Callable[[], float]  # seconds
    cached: dict[str, CachedSecret] = field(default_factory=dict, repr=False)

    def secret(self, name: str) -> str:
        """Return a secret. Raises TryAgain if the store does not answer, SettingsInvalid if the secret is missing."""
        cached = self.cached.get(name)
        if cached is None or self.clock() >= cached.until:
            cached = self._renew(name, cached)
            self.cached[name] = cached
        return cached.value

    def _renew(self, name: str, cached: CachedSecret | None) -> CachedSecret:
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError  # noqa: PLC0415 - see _provider

        try:
            value = self._read(name)
        except (GetParameterError, SettingsInvalid) as failure:
            reason = _code(failure)
            logger.error("a secret could not be read", extra={"secret": name, "reason": reason})
            if cached is not None:
                return CachedSecret(cached.value, self.clock() + PAUSE_SECONDS)
            if isinstance(failure, SettingsInvalid):
                raise
            raise TryAgain from None
        return CachedSecret(value, self.clock() + FRESH_SECONDS)

    def _read(self, name: str) -> str:
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError  # noqa: PLC0415 - see _provider

        parameter = f"{self.path}{name}"
        try:
            return usable_secret(name, str(self._provider().get(parameter, max_age=0, decrypt=True)))
        except GetParameterError as failure:
            if _code(failure) != "ParameterNotFound":
                raise
        if name in OPTIONAL:
            return ""
        raise SettingsInvalid(f"{name} is missing; expected in the Parameter Store as {parameter}")

    def _provider(self) -> "SSMProvider":
        # Imported on first use: functions that need no secret, or have them in the environment, do not wait for it.
        import boto3  # noqa: PLC0415 - see above
        from aws_lambda_powertools.utilities.parameters import SSMProvider  # noqa: PLC0415 - see above

        return SSMProvider(boto3_client=boto3.client("ssm", region_name=self.region, config=CLIENT_CONFIG))


def _code(failure: Exception) -> str:
    """Return AWS's own error code, which Powertools wraps in its exception."""
    cause = failure.__cause__ or failure.__context__
    return str(cause.response["Error"]["Code"]) if isinstance(cause, ClientError) else type(cause or failure).__name__
