"""Secrets in the Parameter Store of AWS Systems Manager, where they are on Lambda."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from botocore.config import Config
from botocore.exceptions import ClientError

from chalicelib.domain.refusals import TryAgain
from chalicelib.settings import Given, Secrets, SettingsInvalid, usable_secret
from chalicelib.telemetry import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SSMProvider

FRESH_SECONDS = 300  # so soon a rotated secret is used by every process
PAUSE_SECONDS = 30  # after a failure, while the last known one is used
# A buyer waits for the first answer: no more than three tries of four seconds.
PATIENCE = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 3, "mode": "standard"})
OPTIONAL = {name for name, field in Given.model_fields.items() if not field.is_required()}


class Known(NamedTuple):
    value: str
    until: float  # seconds of the clock


@dataclass
class ParameterStore(Secrets):
    """The secrets under a path, `/tombola-prod/` for example: one SecureString each, by the setting's name.

    Each is read when it is first needed, and again after five minutes, so that it can be changed while all runs. When
    it can't be read then, the one that is known goes on being used.
    """

    path: str
    region: str
    clock: Callable[[], float]  # seconds
    known: dict[str, Known] = field(default_factory=dict, repr=False)

    def secret(self, name: str) -> str:
        """Raises TryAgain when the store does not answer, and SettingsInvalid for a secret that is missing."""
        known = self.known.get(name)
        if known is None or self.clock() >= known.until:
            self.known[name] = known = self._renewed(name, known)
        return known.value

    def _renewed(self, name: str, known: Known | None) -> Known:
        # Not at the top: whoever has the secrets in the environment, or needs none, does not wait for the import.
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError  # noqa: PLC0415

        try:
            value = self._read(name)
        except (GetParameterError, SettingsInvalid) as failure:
            reason = _code(failure)
            logger.error("a secret could not be read", extra={"secret": name, "reason": reason})
            if known is not None:
                return Known(known.value, self.clock() + PAUSE_SECONDS)
            if isinstance(failure, SettingsInvalid):
                raise
            raise TryAgain from None
        return Known(value, self.clock() + FRESH_SECONDS)

    def _read(self, name: str) -> str:
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError  # noqa: PLC0415

        where = f"{self.path}{name}"
        try:
            return usable_secret(name, str(self._provider().get(where, max_age=0, decrypt=True)))
        except GetParameterError as failure:
            if _code(failure) != "ParameterNotFound":
                raise
        if name in OPTIONAL:
            return ""
        raise SettingsInvalid(f"{name} is missing; expected in the Parameter Store as {where}")

    def _provider(self) -> "SSMProvider":
        import boto3  # noqa: PLC0415
        from aws_lambda_powertools.utilities.parameters import SSMProvider  # noqa: PLC0415

        return SSMProvider(boto3_client=boto3.client("ssm", region_name=self.region, config=PATIENCE))


def _code(failure: Exception) -> str:
    """AWS's own code, which Powertools hides behind its error."""
    cause = failure.__cause__ or failure.__context__
    return str(cause.response["Error"]["Code"]) if isinstance(cause, ClientError) else type(cause or failure).__name__
