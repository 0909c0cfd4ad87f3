"""An inbox queue in memory, for tests with thousands of updates."""

import app
from local.worker import Context, sqs_event


class QuickQueue:
    """In the place of moto's queue, whose time grows with the square of what is in it."""

    def __init__(self) -> None:
        self.waiting: dict[str, str] = {}

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, object]:  # noqa: N803 - boto3's names
        assert 1 <= len(Entries) <= 10
        for entry in Entries:
            self.waiting.setdefault(entry["MessageDeduplicationId"], entry["MessageBody"])
        return {}


def work_off(queue: QuickQueue) -> tuple[int, list[Exception]]:
    """Hand over all that is queued, as Lambda does: what raises would be handed over again."""
    done, raised = 0, []
    while queue.waiting:
        body = queue.waiting.pop(next(iter(queue.waiting)))
        message = {"MessageId": "1", "ReceiptHandle": "1", "Body": body}
        try:
            app.converse(sqs_event(message), Context("converse"))
            done += 1
        except Exception as failure:
            raised.append(failure)
    return done, raised
