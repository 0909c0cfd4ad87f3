"""Clear what earlier tests left in moto."""

from moto.backends import get_backend

from local.stack import Stack


def empty(stack: Stack) -> None:
    """Take away what an earlier test has left in moto."""
    account = "123456789012"
    get_backend("dynamodb")[account]["us-east-1"].tables[stack.table].items.clear()
    for url in (stack.queue_url, stack.exports_url, stack.wake_ups_url, stack.decisions_url):
        queue = get_backend("sqs")[account]["us-east-1"].get_queue(url.rpartition("/")[2])
        queue._messages, queue._pending_messages = [], set()
    for name in (stack.bucket, stack.audit_bucket):
        bucket = get_backend("s3")[account]["aws"].buckets[name]
        bucket.keys.clear()
        bucket.multiparts.clear()
