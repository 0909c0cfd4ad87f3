"""The webhook that Meta calls."""

from chalice.app import Response

from chalicelib.http.dispatch import Call
from chalicelib.http.problems import problem
from chalicelib.whatsapp.webhook import is_verify_token


def verify_webhook(call: Call) -> Response:
    """Answer Meta's verification request with its challenge, unchanged.

    Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started
    """
    mode = call.query.get("hub.mode", "")
    token = call.query.get("hub.verify_token", "")
    if mode != "subscribe" or not is_verify_token(token, call.container.secrets.verify_token):
        return problem(403, "verify_token_wrong", "hub.verify_token is not the configured WHATSAPP_VERIFY_TOKEN.")
    return Response(call.query.get("hub.challenge", ""), headers={"Content-Type": "text/plain"})


def receive_webhook(call: Call) -> Response:
    """Queue Meta's updates. Answer 200 only when all of them are in the queue."""
    if not call.container.inbox.accept(call.raw, call.request.headers.get("x-hub-signature-256")):
        return problem(401, "signature_wrong", "X-Hub-Signature-256 is missing or does not match the body.")
    return Response("", headers={"Content-Type": "text/plain"})
