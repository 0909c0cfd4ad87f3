"""The Lambda functions, and nothing else."""

import gc

gc.disable()  # nothing that an import makes is garbage: to look for it takes a tenth of a cold start

from chalice.app import AuthRequest, AuthResponse, Chalice, CloudWatchEvent, SQSEvent  # noqa: E402

from chalicelib import lambdas  # noqa: E402
from chalicelib.http.routes import expose  # noqa: E402

app = Chalice(app_name="tombola")


@app.authorizer(ttl_seconds=60)
def admin_token(request: AuthRequest) -> AuthResponse:
    found = lambdas.admitted(request.token)
    if found is None:
        return AuthResponse(routes=[], principal_id="nobody")
    return AuthResponse(
        routes=["*"], principal_id=found.name, context={"role": found.role.value, "token": found.token_id or ""}
    )


# The queue's real name is put into the template by infra/: what stands here is only a place for it.
@app.on_sqs_message(queue="Inbox", batch_size=1, name="converse")
def converse(event: SQSEvent) -> None:
    for record in event:
        lambdas.handle_update(record.body, int(record.to_dict()["attributes"].get("ApproximateReceiveCount", 1)))


@app.on_sqs_message(queue="Exports", batch_size=1, name="export")
def export(event: SQSEvent) -> None:
    for record in event:
        lambdas.make_export(record.body, int(record.to_dict()["attributes"].get("ApproximateReceiveCount", 1)))


@app.schedule("rate(1 minute)", name="expire_reservations")
def expire_reservations(event: CloudWatchEvent) -> None:
    lambdas.expire_reservations()


@app.schedule("rate(1 minute)", name="deliver_messages")
def deliver_messages(event: CloudWatchEvent) -> None:
    lambdas.deliver_messages()


expose(app, admin_token)
gc.freeze()  # nor will it ever be: requests do not look through it again
gc.enable()
