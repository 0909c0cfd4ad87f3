"""Updates from WhatsApp, and the tags of what is sent to it."""

from chalicelib.whatsapp.webhook import Update, split
from tests.support.steps import outbounds
from tests.support.whatsapp_samples import OURS
from tests.support.world import Buyer, Json
from whatsapp_sandbox import webhooks


def update_of(body: Json) -> Update:
    [found] = split(webhooks.encode(body), phone_number_id=OURS).updates
    return found


def a_text(buyer: Buyer, text: str) -> Json:
    return webhooks.text_message(buyer.person, text, message_id=buyer.world.new_id(), at=buyer.world.at)


def tag_of(buyer: Buyer) -> str:
    newest = outbounds(buyer)[-1]
    return f"{newest.contact_id}/{newest.sk.removeprefix('MSG#')}"
