"""The Lambda functions, and nothing else."""

import gc

gc.disable()  # imports leave no garbage, and looking for it takes a tenth of a cold start

from chalice.app import AuthRequest, AuthResponse, Chalice, CloudWatchEvent, SQSEvent  # noqa: E402 - after gc.disable()

from chalicelib import lambdas  # noqa: E402 - likewise
from chalicelib.domain.organisers import NOBODY  # noqa: E402 - likewise
from chalicelib.http.routes import expose  # noqa: E402 - likewise

app = Chalice(app_name="tombola")


@app.authorizer(ttl_seconds=60)
def admin_token(request: AuthRequest) -> AuthResponse:
    actor = lambdas.admit(request.token)
    if actor is None:
        return AuthResponse(routes=[], principal_id=NOBODY)
    return AuthResponse(
        routes=["*"], principal_id=actor.name, context={"role": actor.role.value, "token": actor.token_id or ""}
    )


# Queue names are placeholders here: infra/ puts the real ones into the template.
@app.on_sqs_message(queue="Inbox", batch_size=1, name="converse")
def converse(event: SQSEvent) -> None:
    for record in event:
        lambdas.handle_update(record.body, int(record.to_dict()["attributes"].get("ApproximateReceiveCount", 1)))


@app.on_sqs_message(queue="Exports", batch_size=1, name="export")
def export(event: SQSEvent) -> None:
    for record in event:
        lambdas.make_export(record.body, int(record.to_dict()["attributes"].get("ApproximateReceiveCount", 1)))


@app.on_sqs_message(queue="Decisions", batch_size=1, name="decide_on_proof")
def decide_on_proof(event: SQSEvent) -> None:
    for record in event:
        lambdas.decide_on_proof(record.body)


@app.on_sqs_message(queue="WakeUps", batch_size=1, name="deliver_to_person")
def deliver_to_person(event: SQSEvent) -> None:
    for record in event:
        lambdas.deliver_to_person(record.body)


@app.schedule("rate(1 minute)", name="expire_reservations")
def expire_reservations(event: CloudWatchEvent) -> None:
    lambdas.expire_reservations(event.time)


@app.schedule("rate(1 minute)", name="deliver_messages")
def deliver_messages(event: CloudWatchEvent) -> None:
    lambdas.deliver_messages(event.time)


expose(app, admin_token)
gc.freeze()  # what is imported stays, so later collections can skip it
gc.enable()
