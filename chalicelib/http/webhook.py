"""Meta's webhook."""

from chalice.app import Response

from chalicelib.http.dispatch import Call
from chalicelib.http.problems import problem
from chalicelib.whatsapp.webhook import is_verify_token


def verify_webhook(call: Call) -> Response:
    """Meta's check when the webhook is set up: the challenge back, verbatim."""
    given = call.given
    mode, token = given.get("hub.mode", ""), given.get("hub.verify_token", "")
    if mode != "subscribe" or not is_verify_token(token, call.container.secrets.verify_token):
        return problem(403, "verify_token_wrong", "hub.verify_token is not the one that was agreed on.")
    return Response(given.get("hub.challenge", ""), headers={"Content-Type": "text/plain"})


def receive_webhook(call: Call) -> Response:
    """Meta's updates: 200 only when all of them are safely queued."""
    if not call.container.inbox.accept(call.raw, call.request.headers.get("x-hub-signature-256")):
        return problem(401, "signature_wrong", "X-Hub-Signature-256 is missing or does not fit the body.")
    return Response("", headers={"Content-Type": "text/plain"})
