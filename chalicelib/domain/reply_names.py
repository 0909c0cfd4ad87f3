"""The names of what the bot says: the history of a contact shows them, and tests compare them.

They are part of the API. A name keeps its meaning; new ones may come (`docs/api.md`, "What the bot said").
"""

from enum import StrEnum


class ReplyName(StrEnum):
    MENU = "menu"
    NOT_UNDERSTOOD = "not_understood"
    CANNOT_READ = "cannot_read"
    HELP = "help"
    WELCOME = "welcome"

    RAFFLE_LIST = "raffle_list"
    RAFFLE = "raffle"
    ASK_RAFFLE = "ask_raffle"
    NOT_ON_SALE = "not_on_sale"
    SOLD_OUT = "sold_out"
    FREE_NUMBERS = "free_numbers"
    NUMBER_FREE = "number_free"
    HOW_TO_PAY = "how_to_pay"
    DRAW_DATE = "draw_date"
    ANSWER = "answer"
    DRAW_RESULT = "draw_result"

    ASK_AGE = "ask_age"
    HELD = "held"
    ASK_NUMBERS = "ask_numbers"
    ASK_QUANTITY = "ask_quantity"
    TAKEN = "taken"
    OUT_OF_RANGE = "out_of_range"
    TOO_MANY = "too_many"
    TOO_FEW_FREE = "too_few_free"
    HOLD_LIMITED = "hold_limited"
    BLOCKED = "blocked"

    ASK_CONFIRMATION = "ask_confirmation"
    ASK_CHANGE = "ask_change"
    ASK_CANCEL = "ask_cancel"
    CANCELLED = "cancelled"
    CANNOT_CANCEL = "cannot_cancel"
    REMINDER = "reminder"
    EXPIRED = "expired"
    MORE_TIME = "more_time"
    NO_ORDER = "no_order"
    ORDERS = "orders"

    PAYMENT_INSTRUCTIONS = "payment_instructions"
    PAYMENT_PENDING = "payment_pending"
    PAYMENT_ACCOUNT = "payment_account"
    IN_REVIEW = "in_review"
    PROOF_KEPT = "proof_kept"
    PROOF_LATE = "proof_late"
    PROOF_REJECTED = "proof_rejected"
    NOT_CHECKED = "not_checked"
    FILE_REFUSED = "file_refused"
    FILE_LOST = "file_lost"
    FILE_KEPT = "file_kept"
    PAID = "paid"
    REASSIGNED = "reassigned"
    REFUNDED = "refunded"
    TICKET = "ticket"

    PERSON_CALLED = "person_called"
    ASK_LEAVE = "ask_leave"
    ASK_LANGUAGE = "ask_language"
    LANGUAGE_CHOSEN = "language_chosen"
    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"
    NOTICE = "notice"
    PROOF_OPENED = "proof_opened"
    ASK_DECISION = "ask_decision"
    ASK_REASON = "ask_reason"
    DECIDED = "decided"


# What each reply says, for the documentation.
MEANINGS = {
    ReplyName.MENU: "the main menu",
    ReplyName.NOT_UNDERSTOOD: "that the bot can make nothing of the message, and the main menu",
    ReplyName.CANNOT_READ: "that the bot can't listen to a voice message, and what to do instead",
    ReplyName.HELP: "how buying works, or who is behind it",
    ReplyName.WELCOME: '"You are welcome!"',
    ReplyName.RAFFLE_LIST: "the raffles on sale",
    ReplyName.RAFFLE: "one raffle: prize, price, numbers; and asks for numbers",
    ReplyName.ASK_RAFFLE: "asks in which raffle the numbers are wanted, with the list",
    ReplyName.NOT_ON_SALE: "that a raffle is not on sale just now",
    ReplyName.SOLD_OUT: "that a raffle is sold out",
    ReplyName.FREE_NUMBERS: "how many numbers are free, and some of them",
    ReplyName.NUMBER_FREE: "that a number is free, with a button to hold it",
    ReplyName.HOW_TO_PAY: "how one pays, before anything is confirmed",
    ReplyName.DRAW_DATE: "when the draw is, as far as the raffle says",
    ReplyName.ANSWER: "the organisers' own answer to a question (`faq` of the raffle)",
    ReplyName.DRAW_RESULT: "where the result of a draw is to be found",
    ReplyName.ASK_AGE: "asks whether they are as old as buyers of the raffle must be",
    ReplyName.HELD: "which numbers are held until when; asks for a yes",
    ReplyName.ASK_NUMBERS: "that the numbers are not clear, and asks again",
    ReplyName.ASK_QUANTITY: "asks whether a number or so many numbers are meant",
    ReplyName.TAKEN: "which numbers are taken, and which are free nearby",
    ReplyName.OUT_OF_RANGE: "that the raffle does not have these numbers",
    ReplyName.TOO_MANY: "that an order, or a person, may have no more than so many numbers",
    ReplyName.TOO_FEW_FREE: "that fewer numbers are free than were asked for",
    ReplyName.HOLD_LIMITED: "why nothing more is held before something is paid",
    ReplyName.BLOCKED: "that nothing is sold to this person",
    ReplyName.ASK_CONFIRMATION: "that an order waits for a yes",
    ReplyName.ASK_CHANGE: "how an order can be changed",
    ReplyName.ASK_CANCEL: "asks what to cancel, or whether to",
    ReplyName.CANCELLED: "that an order is cancelled",
    ReplyName.CANNOT_CANCEL: "why an order can't be cancelled",
    ReplyName.REMINDER: "that a hold ends soon",
    ReplyName.EXPIRED: "that the time of an order is over",
    ReplyName.MORE_TIME: "how long the numbers are held, ten more minutes the first time, and who may give more",
    ReplyName.NO_ORDER: "that there is no order which this could be about; a file is kept for the organisers",
    ReplyName.ORDERS: "the latest orders, or that there are none",
    ReplyName.PAYMENT_INSTRUCTIONS: "how to pay, right after a yes",
    ReplyName.PAYMENT_PENDING: "that an order waits for its payment, and how to pay",
    ReplyName.PAYMENT_ACCOUNT: "the account or key to pay to, alone, so that it can be copied",
    ReplyName.IN_REVIEW: "that a payment is being checked",
    ReplyName.PROOF_KEPT: "that a proof is kept, though another one is being checked",
    ReplyName.PROOF_LATE: "that a proof came too late, and what becomes of it",
    ReplyName.PROOF_REJECTED: "why a proof was not accepted",
    ReplyName.NOT_CHECKED: "that nobody checked a payment in time",
    ReplyName.FILE_REFUSED: "why a file was not taken",
    ReplyName.FILE_LOST: "that a file did not arrive, and asks for it again",
    ReplyName.FILE_KEPT: "that a further file is kept with an order that needs none any more",
    ReplyName.PAID: "that a payment is confirmed",
    ReplyName.REASSIGNED: "which numbers an order has now",
    ReplyName.REFUNDED: "that money goes back",
    ReplyName.TICKET: "whether a ticket is valid, to somebody else than its buyer",
    ReplyName.PERSON_CALLED: "that the organisers were told that a person is wanted",
    ReplyName.ASK_LEAVE: 'asks what "salir" means: the menu, or no more messages',
    ReplyName.ASK_LANGUAGE: "asks in which language to write",
    ReplyName.LANGUAGE_CHOSEN: "that the bot writes in another language from now on",
    ReplyName.OPTED_OUT: "that no more messages come",
    ReplyName.OPTED_IN: "that messages come again",
    ReplyName.NOTICE: "news for organisers",
    ReplyName.PROOF_OPENED: "an order with a link to its proof, for an organiser",
    ReplyName.ASK_DECISION: "asks an organiser to tap what is to be done about a proof",
    ReplyName.ASK_REASON: "asks an organiser why a proof is rejected",
    ReplyName.DECIDED: "what became of an organiser's decision about a proof",
}
