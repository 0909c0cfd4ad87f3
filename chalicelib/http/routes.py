"""Every route of the API, and how it is registered with Chalice."""

from typing import Any

from chalice.app import Authorizer, Chalice, Response

from chalicelib.domain import refusals
from chalicelib.domain.organisers import Role
from chalicelib.http import console
from chalicelib.http.dispatch import Route, handler_for
from chalicelib.http.headers import with_security_headers
from chalicelib.http.problems import problem, speaks_problems
from chalicelib.http.uploads import FORM

RAFFLE = "/api/raffles/{raffle_id}"
ORDER = "/api/orders/{order_id}"
CONTACT = "/api/contacts/{contact_id}"
LETTER = "/api/dead-letters/{letter_id}"
EXPORT = "/api/exports/{export_id}"
MERGE_PATCH = ("application/merge-patch+json", "application/json")
SHEETS = ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
# What browsers and curl call a bank's file. Its real format is detected from its content.
BANK_FILES = ("application/octet-stream", "text/csv", "application/xml", "text/xml", "text/plain", FORM)
PICTURE_FILES = ("application/octet-stream", "image/jpeg", "image/png", FORM)
FILE_LIMIT = 4_000_000  # bytes: API Gateway hands over at most 6 MB in base64
RAFFLE_CHANGES = (
    refusals.RaffleOutOfTurn,
    refusals.RaffleHasSales,
    refusals.RaffleHasOrders,
    refusals.NumbersInvalid,
    refusals.CodeTaken,
    refusals.SecondManagerNeeded,
)
PICTURES = (refusals.RaffleOutOfTurn, refusals.UploadNotFound, refusals.PictureUnusable)
PAYMENT_CHANGES = (refusals.RaffleOutOfTurn, refusals.SecondManagerNeeded, refusals.TokenTooNew)
RAFFLE_MOVES = (refusals.RaffleOutOfTurn,)
RAFFLE_ENDS = (refusals.RaffleOutOfTurn, refusals.RaffleHasSales, refusals.RaffleHasLateOrders)
ORDER_MOVES = (refusals.OrderOutOfTurn,)
REASSIGNING = (
    *ORDER_MOVES,
    refusals.RaffleOutOfTurn,
    refusals.ContactErased,
    refusals.NumbersInvalid,
    refusals.NumbersTaken,
    refusals.TooFewFree,
    refusals.TooManyForContact,
)
WRITING = (refusals.ContactErased, refusals.ContactOptedOut, refusals.WindowClosed, refusals.SendingStopped)
STATEMENTS = (refusals.StatementUnreadable, refusals.StatementTooLarge, refusals.RaffleNotFound)

SIGNING_IN = (
    refusals.SignInLinkNotFound,
    refusals.SignInLinkUsed,
    refusals.SignInLinkOver,
    refusals.TokenNameTaken,
)

ROUTES: tuple[Route, ...] = (
    Route("GET", "/whatsapp/webhook", "webhook.verify_webhook", role=None),
    Route("POST", "/whatsapp/webhook", "webhook.receive_webhook", role=None),
    Route("GET", "/api/health", "meta.health", role=None, optional_token=True),
    Route("GET", "/api/openapi.json", "meta.openapi", role=None),
    Route("GET", "/api/docs", "meta.docs", role=None, answers=("text/html",)),
    Route("GET", "/api/raffles", "raffles.list_raffles"),
    Route(
        "POST",
        "/api/raffles",
        "raffles.create_raffle",
        Role.MANAGER,
        201,
        refuses=(refusals.CodeTaken, refusals.DeletedSince),
        once=True,
        tagged=True,
    ),
    Route("POST", "/api/raffles/preview", "raffle_drafts.preview_raffle"),
    Route("GET", RAFFLE, "raffles.read_raffle", tagged=True),
    Route("PUT", RAFFLE, "raffles.replace_raffle", Role.MANAGER, refuses=RAFFLE_CHANGES, tagged=True),
    Route(
        "PATCH", RAFFLE, "raffles.patch_raffle", Role.MANAGER, refuses=RAFFLE_CHANGES, tagged=True, media=MERGE_PATCH
    ),
    Route("DELETE", RAFFLE, "raffles.delete_raffle", Role.MANAGER, 204, refuses=RAFFLE_MOVES, tagged=True),
    Route(
        "POST",
        f"{RAFFLE}/duplicate",
        "raffle_drafts.duplicate_raffle",
        Role.MANAGER,
        201,
        refuses=(refusals.CodeTaken, refusals.DeletedSince),
        once=True,
        tagged=True,
    ),
    Route("GET", f"{RAFFLE}/checklist", "raffle_drafts.read_checklist"),
    Route("POST", f"{RAFFLE}/picture", "raffle_pictures.offer_picture", Role.MANAGER),
    Route("GET", f"{RAFFLE}/picture", "raffle_pictures.read_picture", refuses=(refusals.PictureNotFound,)),
    Route("PUT", f"{RAFFLE}/picture", "raffle_pictures.take_picture", Role.MANAGER, refuses=PICTURES, tagged=True),
    Route(
        "PUT",
        f"{RAFFLE}/picture/file",
        "raffle_pictures.upload_picture",
        Role.MANAGER,
        refuses=(refusals.RaffleOutOfTurn,),
        tagged=True,
        limit=FILE_LIMIT,
        media=PICTURE_FILES,
    ),
    Route(
        "DELETE",
        f"{RAFFLE}/picture",
        "raffle_pictures.remove_picture",
        Role.MANAGER,
        refuses=(refusals.RaffleOutOfTurn,),
        tagged=True,
    ),
    Route("POST", f"{RAFFLE}/activate", "raffles.activate_raffle", Role.MANAGER, refuses=RAFFLE_MOVES, tagged=True),
    Route("POST", f"{RAFFLE}/deactivate", "raffles.deactivate_raffle", Role.MANAGER, refuses=RAFFLE_MOVES, tagged=True),
    Route("POST", f"{RAFFLE}/close", "raffles.close_raffle", Role.MANAGER, refuses=RAFFLE_MOVES, tagged=True),
    Route("POST", f"{RAFFLE}/cancel", "raffles.cancel_raffle", Role.MANAGER, refuses=RAFFLE_ENDS, tagged=True),
    Route(
        "POST",
        f"{RAFFLE}/generate-tickets",
        "raffles.generate_tickets",
        Role.MANAGER,
        refuses=(refusals.RaffleHasSales,),
    ),
    Route(
        "GET",
        f"{RAFFLE}/payment-change",
        "payment_changes.read_payment_change",
        refuses=(refusals.PaymentChangeNotFound,),
    ),
    Route(
        "POST",
        f"{RAFFLE}/payment-change",
        "payment_changes.agree_on_payment_change",
        Role.MANAGER,
        refuses=PAYMENT_CHANGES,
    ),
    Route("GET", f"{RAFFLE}/availability", "raffles.raffle_availability"),
    Route("GET", f"{RAFFLE}/tickets", "raffles.raffle_tickets"),
    Route("GET", f"{RAFFLE}/board", "boards.read_board", refuses=(refusals.NumbersInvalid,), polled=True),
    Route("GET", "/api/orders", "orders.list_orders"),
    Route("GET", "/api/orders/pending-payment", "orders.list_pending_payment"),
    Route("GET", ORDER, "orders.read_order", tagged=True),
    Route("POST", f"{ORDER}/confirm-payment", "orders.confirm_payment", Role.CASHIER, refuses=ORDER_MOVES, tagged=True),
    Route("POST", f"{ORDER}/cancel", "orders.cancel_order", Role.CASHIER, refuses=ORDER_MOVES, tagged=True),
    Route(
        "POST",
        f"{ORDER}/reject-proof",
        "orders.reject_proof",
        Role.CASHIER,
        refuses=(*ORDER_MOVES, refusals.ProofNotSeen),
        tagged=True,
    ),
    Route("POST", f"{ORDER}/refund", "orders.refund_order", Role.CASHIER, refuses=ORDER_MOVES, tagged=True),
    Route("POST", f"{ORDER}/reassign", "orders.reassign_order", Role.CASHIER, refuses=REASSIGNING, tagged=True),
    Route("GET", f"{ORDER}/timeline", "order_timeline.order_timeline"),
    Route("PUT", f"{ORDER}/review", "order_reviews.open_review", Role.CASHIER),
    Route("DELETE", f"{ORDER}/review", "order_reviews.close_review", Role.CASHIER, 204),
    Route("GET", f"{ORDER}/proof", "proofs.read_proof", refuses=(refusals.ProofNotFound,)),
    Route("POST", "/api/orders/bulk", "bulk.bulk_orders", Role.CASHIER),
    Route("POST", "/api/raffles/bulk", "bulk.bulk_raffles", Role.MANAGER),
    Route("GET", "/api/contacts", "contacts.list_contacts"),
    Route("GET", CONTACT, "contacts.read_contact", tagged=True),
    Route(
        "PATCH",
        CONTACT,
        "contacts.patch_contact",
        Role.CASHIER,
        refuses=(refusals.ContactErased,),
        tagged=True,
        media=MERGE_PATCH,
    ),
    Route("GET", f"{CONTACT}/messages", "contacts.list_contact_messages"),
    Route("GET", f"{CONTACT}/messages/{{message_id}}/file", "contacts.read_message_file"),
    Route("POST", f"{CONTACT}/messages", "contacts.write_to_contact", Role.CASHIER, 201, refuses=WRITING, once=True),
    Route("GET", f"{CONTACT}/export", "contacts.export_contact", Role.MANAGER, refuses=(refusals.ContactErased,)),
    Route("GET", f"{CONTACT}/erasure", "contacts.preview_erasure", Role.MANAGER),
    Route("POST", f"{CONTACT}/erase", "contacts.erase_contact", Role.MANAGER, refuses=(refusals.ContactHasOrders,)),
    Route(
        "POST",
        "/api/statements",
        "statements.read_statement",
        Role.CASHIER,
        refuses=STATEMENTS,
        limit=FILE_LIMIT,
        media=BANK_FILES,
    ),
    Route("GET", f"{RAFFLE}/report", "reports.raffle_report", refuses=(refusals.ReportTooLarge,)),
    Route("GET", "/api/stats", "reports.stats"),
    Route("GET", f"{RAFFLE}/export", "exports.export_raffle", answers=SHEETS, later="exports.ExportView"),
    Route("GET", f"{RAFFLE}/exports", "exports.list_exports"),
    Route("POST", f"{RAFFLE}/exports", "exports.start_export", status=202, later="exports.ExportView", once=True),
    Route("GET", EXPORT, "exports.read_export"),
    Route("GET", "/api/setup", "setup.read_set_up"),
    Route("GET", "/api/me", "tokens.read_me", refuses=(refusals.TokenNotFound,)),
    Route("GET", "/api/tokens", "tokens.list_tokens", Role.MANAGER),
    Route(
        "POST",
        "/api/tokens",
        "tokens.create_token",
        Role.MANAGER,
        201,
        refuses=(refusals.TokenShownBefore, refusals.TokenNameTaken),
        once=True,
    ),
    Route(
        "POST",
        "/api/sign-in-links",
        "sign_in_links.create_sign_in_link",
        Role.MANAGER,
        201,
        refuses=(refusals.TokenNameTaken,),
    ),
    Route("POST", "/api/sign-in", "sign_in_links.sign_in", None, 201, refuses=SIGNING_IN),
    Route("DELETE", "/api/tokens/{token_id}", "tokens.revoke_token", Role.MANAGER, refuses=(refusals.LastManager,)),
    Route("GET", "/api/audit", "audit.list_audit"),
    Route("GET", "/api/dead-letters", "delivery_failures.list_letters"),
    Route("GET", LETTER, "delivery_failures.read_letter", Role.MANAGER),
    Route("POST", f"{LETTER}/replay", "delivery_failures.replay_letter", Role.MANAGER),
    Route("GET", "/api/undelivered", "delivery_failures.list_undelivered"),
    Route("GET", "/api/number", "sending.read_number"),
    Route("GET", "/api/sending", "sending.read_sending"),
    Route("POST", "/api/sending/stop", "sending.stop_sending", Role.MANAGER),
    Route("POST", "/api/sending/resume", "sending.resume_sending", Role.MANAGER),
    Route("POST", "/api/undelivered/send-again", "delivery_failures.send_again", Role.CASHIER),
)
# Clients label JSON bodies in many ways. A body that is not JSON is refused when it is parsed.
CONTENT_TYPES = ("application/json", "application/merge-patch+json", "application/x-www-form-urlencoded", "text/plain")
METHODS = frozenset(("DELETE", "GET", "PATCH", "POST", "PUT"))


def expose(app: Chalice, token: Authorizer) -> None:
    """Register every route with the application."""
    app.register_middleware(with_security_headers, "http")
    app.register_middleware(speaks_problems, "http")
    for route in ROUTES:
        options: dict[str, Any] = {} if route.role is None else {"authorizer": token}
        if route.method in ("POST", "PUT", "PATCH"):
            options["content_types"] = list(dict.fromkeys((*CONTENT_TYPES, *route.media)))
        app.route(route.path, methods=[route.method], name=route.name, **options)(handler_for(app, route, ROUTES))
    for path in sorted({route.path for route in ROUTES}):
        if path.startswith("/api/"):
            app.route(path, methods=["OPTIONS"], name="preflight")(
                handler_for(app, Route("OPTIONS", path, "headers.preflight", role=None))
            )
        _refuse_other_methods(app, path, sorted(route.method for route in ROUTES if route.path == path))
    console.expose(app)
    for path in console.PATHS:
        _refuse_other_methods(app, path, list(console.METHODS))


def _refuse_other_methods(app: Chalice, path: str, allowed: list[str]) -> None:
    """Answer 405 to a path's other methods: API Gateway would answer as if the path did not exist."""

    def method_not_allowed(**_: str) -> Response:
        methods = ", ".join(allowed)
        answer = problem(405, "method_not_allowed", f"This path allows only {methods}.")
        answer.headers["Allow"] = methods
        return answer

    for method in sorted(METHODS.difference(allowed)):
        app.route(path, methods=[method], name="method_not_allowed", content_types=[])(method_not_allowed)
