"""Hand over what organisers choose in the chat to the function that may write the audit log."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.decisions import Act, Decision
from chalicelib.settings import SettingsInvalid
from chalicelib.telemetry import logger


@dataclass(frozen=True, kw_only=True)
class DecisionQueue:
    """The queue between `converse` and `decide_on_proof`, in order for each order.

    Attributes:
        sqs: makes a boto3 SQS client.
        queue_url: empty if there is no such queue.
    """

    sqs: Callable[[], Any]
    queue_url: str

    def put(self, decision: Decision) -> None:
        """Queue a decision. Twice has no further effect.

        Raises what boto3 raises: then the message with the tap must be delivered again. What was missed is shown as a
        courtesy, so for that a failure raises nothing: the answer to the message must not wait.
        """
        try:
            self._put(decision)
        except (BotoCoreError, ClientError, SettingsInvalid) as failure:
            if decision.choosing.act is not Act.SHOW_MISSED:
                raise
            logger.warning("what was missed is not shown", extra={"reason": type(failure).__name__})

    def _put(self, decision: Decision) -> None:
        if not self.queue_url:
            raise SettingsInvalid("TOMBOLA_DECISIONS_QUEUE is missing")
        self.sqs().send_message(
            QueueUrl=self.queue_url,
            MessageBody=decision.to_json(),
            MessageGroupId=decision.choosing.order_id or decision.contact_id,
            MessageDeduplicationId=decision.inbound_id,
        )
