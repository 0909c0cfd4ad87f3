"""The Lambda functions, and nothing else."""

from chalice.app import AuthRequest, AuthResponse, Chalice, CloudWatchEvent, SQSEvent

from chalicelib import functions
from chalicelib.http.routes import expose

app = Chalice(app_name="tombola")


@app.authorizer(ttl_seconds=60)
def admin_token(request: AuthRequest) -> AuthResponse:
    owner = functions.token_owner(request.token)
    return AuthResponse(routes=["*"] if owner else [], principal_id=owner or "nobody")


# The queue's real name is put into the template by infra/: what stands here is only a place for it.
@app.on_sqs_message(queue="Inbox", batch_size=1, name="converse")
def converse(event: SQSEvent) -> None:
    for record in event:
        functions.handle_update(record.body, int(record.to_dict()["attributes"].get("ApproximateReceiveCount", 1)))


@app.schedule("rate(1 minute)", name="expire_reservations")
def expire_reservations(event: CloudWatchEvent) -> None:
    functions.expire_reservations()


@app.schedule("rate(1 minute)", name="deliver_messages")
def deliver_messages(event: CloudWatchEvent) -> None:
    functions.deliver_messages()


expose(app, admin_token)
