"""Where the secrets are: in the environment or, on Lambda, in the Parameter Store of AWS Systems Manager."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.config import Config

from chalicelib.domain.refusals import TryAgain
from chalicelib.logs import logger
from chalicelib.settings import Secrets, SettingsInvalid, load_secrets

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SSMProvider

FRESH_SECONDS = 300  # so soon a rotated secret is used by every process
PAUSE_SECONDS = 30  # after a failure, while the last known ones are used
# A buyer waits for the first answer: no more than three tries of four seconds.
PATIENCE = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 3, "mode": "standard"})


@dataclass
class Vault:
    """The secrets under a path, `/tombola/prod/` for example, one SecureString each, by the setting's name.

    They are read when they are first needed, and again after five minutes, so that each can be changed while all runs.
    When they can't be read then, those that are known go on being used.
    """

    path: str
    region: str
    clock: Callable[[], float]  # seconds
    known: Secrets | None = field(default=None, repr=False)
    until: float = 0.0

    def read(self) -> Secrets:
        """Raises TryAgain when the store does not answer, and SettingsInvalid for secrets that are missing."""
        if self.known is None or self.clock() >= self.until:
            self.known = self._renewed()
        return self.known

    def _renewed(self) -> Secrets:
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError  # noqa: PLC0415 - see below

        try:
            found = load_secrets(self._provider().get_multiple(self.path, max_age=0, decrypt=True))
        except (GetParameterError, SettingsInvalid) as failure:
            self.until = self.clock() + PAUSE_SECONDS
            if self.known is not None:
                logger.error("secrets could not be read again", extra={"reason": type(failure).__name__})
                return self.known
            if isinstance(failure, SettingsInvalid):
                raise SettingsInvalid(f"{failure}; expected in the Parameter Store under {self.path}") from None
            logger.error("secrets could not be read", extra={"reason": type(failure.__cause__ or failure).__name__})
            raise TryAgain from None
        self.until = self.clock() + FRESH_SECONDS
        return found

    def _provider(self) -> "SSMProvider":
        # Not at the top: whoever has the secrets in the environment, or needs none, does not wait for the import.
        import boto3  # noqa: PLC0415
        from aws_lambda_powertools.utilities.parameters import SSMProvider  # noqa: PLC0415

        return SSMProvider(boto3_client=boto3.client("ssm", region_name=self.region, config=PATIENCE))
