"""Our message templates: the only texts that WhatsApp delivers to people who have not written for 24 hours.

WhatsApp must approve each of them in each language. A changed text gets a new name, and the former version stays: it is
used until the new one is approved.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from chalicelib.domain.channel import Channel
from chalicelib.domain.languages import TEMPLATE_CODES, LanguageCode
from chalicelib.domain.messages import Template
from chalicelib.whatsapp.identities import Json
from chalicelib.whatsapp.text import clean_line

VALUE = 400  # characters: forty numbers of seven digits, with room for the rest of the body's 1024
EXAMPLES = {
    "code": "7K2M9QXB", "raffle": "Bicycle", "numbers": "005, 012, 099", "amount": "GTQ 75.00",
    "reason": "the amount cannot be read", "name": "Lucía", "phone": "+50255501234",
    "before": "Bank X, account 123", "after": "Bank Y, account 456", "draw": "Sun 20 Dec 2026, 18:00",
    "until": "Tue 1 Dec, 18:00",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A template: its text in each language, with {{names}} as placeholders for values.

    Attributes:
        former: the version that is used until this one is approved. It has no other values.
    """

    name: str
    values: tuple[str, ...]
    wording: Mapping[LanguageCode, str]
    former: "Definition | None" = None

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """The wording by WhatsApp's language code."""
        return {TEMPLATE_CODES[code]: text for code, text in self.wording.items()}

    def request(self, language: str) -> Json:
        """Build the request for approval.

        Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview
        """
        example = [{"param_name": value, "example": EXAMPLES[value]} for value in self.values]
        body = {"type": "BODY", "text": self.texts[language], "example": {"body_text_named_params": example}}
        return {
            "name": self.name,
            "language": language,
            "category": "UTILITY",
            "parameter_format": "NAMED",
            "components": [body],
        }

    def filled(self, **values: str) -> Template:
        """Return the template with its values, each made one line. Raises KeyError if one is missing."""
        return Template(name=self.name, values={name: clean_line(values[name], VALUE) or "-" for name in self.values})


FORMER_PAYMENT_CONFIRMED = Definition(
    name="tombola_payment_confirmed",
    values=("code", "raffle", "numbers"),
    wording={
        "en": "Your payment for order {{code}} in the raffle {{raffle}} is confirmed. Your numbers: {{numbers}}. "
        "Good luck!",
        "es": "El pago de tu pedido {{code}} en la rifa {{raffle}} está confirmado. Tus números: {{numbers}}. "
        "¡Mucha suerte!",
        "pt": "O pagamento do seu pedido {{code}} na rifa {{raffle}} está confirmado. Seus números: {{numbers}}. "
        "Boa sorte!",
    },
)
PAYMENT_CONFIRMED = Definition(
    name="tombola_payment_confirmed_2",
    values=("code", "raffle", "numbers", "draw"),
    wording={
        "en": "Your payment for order {{code}} in the raffle {{raffle}} is confirmed. Your numbers: {{numbers}}. "
        "The draw: {{draw}}. Write the code of your order here, and you get your ticket as a picture. Good luck!",
        "es": "El pago de tu pedido {{code}} en la rifa {{raffle}} está confirmado. Tus números: {{numbers}}. "
        "El sorteo: {{draw}}. Escribe aquí el código de tu pedido y te mandamos tu boleto en una imagen. "
        "¡Mucha suerte!",
        "pt": "O pagamento do seu pedido {{code}} na rifa {{raffle}} está confirmado. Seus números: {{numbers}}. "
        "O sorteio: {{draw}}. Escreva aqui o código do seu pedido e mandamos o seu bilhete em uma imagem. "
        "Boa sorte!",
    },
    former=FORMER_PAYMENT_CONFIRMED,
)
FORMER_PROOF_REJECTED = Definition(
    name="tombola_proof_rejected",
    values=("code", "raffle", "reason"),
    wording={
        "en": "The payment proof for order {{code}} in the raffle {{raffle}} could not be accepted: {{reason}}. "
        "Please send another photo or PDF of the payment here.",
        "es": "No pudimos aceptar el comprobante de tu pedido {{code}} en la rifa {{raffle}}: {{reason}}. "
        "Manda aquí otra foto o PDF del pago, por favor.",
        "pt": "Não pudemos aceitar o comprovante do seu pedido {{code}} na rifa {{raffle}}: {{reason}}. "
        "Mande aqui outra foto ou PDF do pagamento, por favor.",
    },
)
PROOF_REJECTED = Definition(
    name="tombola_proof_rejected_2",
    values=("code", "raffle", "reason", "until"),
    wording={
        "en": "The payment proof for order {{code}} in the raffle {{raffle}} could not be accepted: {{reason}}. "
        "Your numbers are still held for you. Time limit: {{until}}. Please send another photo or PDF of the payment "
        "here.",
        "es": "No pudimos aceptar el comprobante de tu pedido {{code}} en la rifa {{raffle}}: {{reason}}. "
        "Tus números siguen apartados. Plazo: {{until}}. Manda aquí otra foto o PDF del pago, por favor.",
        "pt": "Não pudemos aceitar o comprovante do seu pedido {{code}} na rifa {{raffle}}: {{reason}}. "
        "Seus números continuam reservados. Prazo: {{until}}. Mande aqui outra foto ou PDF do pagamento, por favor.",
    },
    former=FORMER_PROOF_REJECTED,
)
LAST_PROOF_REJECTED = Definition(
    name="tombola_last_proof_rejected",
    values=("code", "raffle", "reason", "numbers"),
    wording={
        "en": "The payment proof for order {{code}} in the raffle {{raffle}} could not be accepted either: {{reason}}. "
        "So the order is over, and its numbers are free again: {{numbers}}. If you have paid, please write here that "
        "you would like to talk to a person.",
        "es": "Tampoco pudimos aceptar este comprobante de tu pedido {{code}} en la rifa {{raffle}}: {{reason}}. "
        "Por eso el pedido terminó y sus números quedaron libres: {{numbers}}. Si ya pagaste, escribe aquí que "
        "quieres hablar con una persona.",
        "pt": "Também não pudemos aceitar este comprovante do seu pedido {{code}} na rifa {{raffle}}: {{reason}}. "
        "Por isso o pedido terminou e os números ficaram livres: {{numbers}}. Se você já pagou, escreva aqui que "
        "quer falar com uma pessoa.",
    },
    former=FORMER_PROOF_REJECTED,
)
HOLD_EXPIRED = Definition(
    name="tombola_hold_expired",
    values=("code", "raffle", "numbers"),
    wording={
        "en": "The time to pay for order {{code}} in the raffle {{raffle}} is over, and its numbers are free again: "
        "{{numbers}}. If you have paid already, please send the proof here.",
        "es": "Se acabó el tiempo para pagar el pedido {{code}} en la rifa {{raffle}} y sus números quedaron libres: "
        "{{numbers}}. Si ya pagaste, manda aquí el comprobante.",
        "pt": "O tempo para pagar o pedido {{code}} na rifa {{raffle}} acabou e os números ficaram livres: "
        "{{numbers}}. Se você já pagou, mande aqui o comprovante.",
    },
)
PAYMENT_LATE = Definition(
    name="tombola_payment_late",
    values=("code", "raffle"),
    wording={
        "en": "Your payment proof for order {{code}} in the raffle {{raffle}} came after the hold had ended. It is "
        "kept: an organiser will offer you other numbers or return your money.",
        "es": "El comprobante de tu pedido {{code}} en la rifa {{raffle}} llegó cuando ya se había acabado el tiempo. "
        "Está guardado: un organizador te ofrecerá otros números o te devolverá el dinero.",
        "pt": "O comprovante do seu pedido {{code}} na rifa {{raffle}} chegou depois que o tempo acabou. Ele está "
        "guardado: um organizador vai oferecer outros números ou devolver o seu dinheiro.",
    },
)
NOT_CHECKED = Definition(
    name="tombola_not_checked",
    values=("code", "raffle"),
    wording={
        "en": "Nobody could check your payment for order {{code}} in the raffle {{raffle}} in time, so its numbers are "
        "free again. Your proof is kept: an organiser will offer you other numbers or return your money.",
        "es": "Nadie pudo revisar a tiempo el pago de tu pedido {{code}} en la rifa {{raffle}} y sus números quedaron "
        "libres. Tu comprobante está guardado: un organizador te ofrecerá otros números o te devolverá el dinero.",
        "pt": "Ninguém conseguiu conferir a tempo o pagamento do seu pedido {{code}} na rifa {{raffle}}, e os números "
        "ficaram livres. Seu comprovante está guardado: um organizador vai oferecer outros números ou devolver o seu "
        "dinheiro.",
    },
)
ORDER_CANCELLED = Definition(
    name="tombola_order_cancelled",
    values=("code", "raffle", "numbers"),
    wording={
        "en": "An organiser has cancelled your order {{code}} in the raffle {{raffle}}, numbers {{numbers}}. "
        "Please write here if you have a question.",
        "es": "Un organizador canceló tu pedido {{code}} en la rifa {{raffle}}, números {{numbers}}. "
        "Escríbenos aquí si tienes alguna pregunta.",
        "pt": "Um organizador cancelou o seu pedido {{code}} na rifa {{raffle}}, números {{numbers}}. "
        "Escreva aqui se tiver alguma pergunta.",
    },
)
ORDER_REFUNDED = Definition(
    name="tombola_order_refunded",
    values=("code", "raffle", "amount", "reason"),
    wording={
        "en": "The money for your order {{code}} in the raffle {{raffle}} goes back to you: {{amount}}. The reason: "
        "{{reason}}. Please write here if it does not arrive.",
        "es": "Te devolvemos el dinero de tu pedido {{code}} en la rifa {{raffle}}: {{amount}}. El motivo: "
        "{{reason}}. Escríbenos aquí si no te llega.",
        "pt": "Vamos devolver o dinheiro do seu pedido {{code}} na rifa {{raffle}}: {{amount}}. O motivo: "
        "{{reason}}. Escreva aqui se ele não chegar.",
    },
)
NUMBERS_CHANGED = Definition(
    name="tombola_numbers_changed",
    values=("code", "raffle", "numbers"),
    wording={
        "en": "Your order {{code}} in the raffle {{raffle}} has other numbers now: {{numbers}}. Your payment is still "
        "being checked, and you will hear from us.",
        "es": "Tu pedido {{code}} en la rifa {{raffle}} tiene ahora otros números: {{numbers}}. Todavía estamos "
        "revisando tu pago y te avisaremos.",
        "pt": "Seu pedido {{code}} na rifa {{raffle}} tem agora outros números: {{numbers}}. Ainda estamos "
        "conferindo o seu pagamento e vamos avisar você.",
    },
)
PROOF_CAME = Definition(
    name="tombola_proof_came",
    values=("code", "raffle", "numbers", "amount", "name"),
    wording={
        "en": "There is a payment proof to check: order {{code}}, raffle {{raffle}}, numbers {{numbers}}, {{amount}} "
        "from {{name}}. Please look at it.",
        "es": "Hay un comprobante por revisar: pedido {{code}}, rifa {{raffle}}, números {{numbers}}, {{amount}} "
        "de {{name}}. Revísalo, por favor.",
        "pt": "Há um comprovante para conferir: pedido {{code}}, rifa {{raffle}}, números {{numbers}}, {{amount}} "
        "de {{name}}. Confira, por favor.",
    },
)
FILE_CAME = Definition(
    name="tombola_file_came",
    values=("code", "raffle", "name"),
    wording={
        "en": "Another file came for order {{code}} in the raffle {{raffle}} from {{name}}, although it is paid or was "
        "paid back. Please look at it.",
        "es": "Llegó otro archivo para el pedido {{code}} en la rifa {{raffle}}, de {{name}}, aunque ya está pagado o "
        "se devolvió el dinero. Revísalo, por favor.",
        "pt": "Chegou outro arquivo para o pedido {{code}} na rifa {{raffle}}, de {{name}}, embora já esteja pago ou "
        "o dinheiro tenha sido devolvido. Confira, por favor.",
    },
)
PERSON_WANTED = Definition(
    name="tombola_person_wanted",
    values=("name", "phone"),
    wording={
        "en": "In the raffle chat {{name}} ({{phone}}) would like to talk to a person. Please write to them.",
        "es": "En el chat de rifas {{name}} ({{phone}}) quiere hablar con una persona. Escríbele, por favor.",
        "pt": "No chat das rifas {{name}} ({{phone}}) quer falar com uma pessoa. Escreva para ela, por favor.",
    },
)
PAYMENT_CHANGE = Definition(
    name="tombola_payment_change",
    values=("raffle", "name", "before", "after"),
    wording={
        "en": "How buyers of the raffle {{raffle}} pay was changed, or is to be changed, by {{name}}. "
        "Before: {{before}}. After: {{after}}. If you did not expect this, please act at once.",
        "es": "La forma de pagar en la rifa {{raffle}} cambió o va a cambiar, por {{name}}. Antes: {{before}}. "
        "Después: {{after}}. Si no te lo esperabas, actúa de inmediato.",
        "pt": "A forma de pagar na rifa {{raffle}} mudou ou vai mudar, por {{name}}. Antes: {{before}}. "
        "Depois: {{after}}. Se você não esperava por isso, aja agora mesmo.",
    },
)
DEFINITIONS = (
    PAYMENT_CONFIRMED,
    PROOF_REJECTED,
    LAST_PROOF_REJECTED,
    HOLD_EXPIRED,
    PAYMENT_LATE,
    NOT_CHECKED,
    ORDER_CANCELLED,
    ORDER_REFUNDED,
    NUMBERS_CHANGED,
    PROOF_CAME,
    FILE_CAME,
    PERSON_WANTED,
    PAYMENT_CHANGE,
)
FORMER_DEFINITIONS = (FORMER_PAYMENT_CONFIRMED, FORMER_PROOF_REJECTED)  # used if they are approved, but not submitted
_FORMER = {definition.name: definition.former for definition in DEFINITIONS}


def approved_version(template: Template, channel: Channel, language: LanguageCode) -> Template:
    """Return a template, or its former version while that alone is approved, in the person's language or in any."""
    former = _FORMER.get(template.name)
    if former is None:
        return template
    versions = (template, former.filled(**template.values))
    languages = [channel.language_for(version.name, language) for version in versions]
    for wanted in (TEMPLATE_CODES[language], *TEMPLATE_CODES.values()):
        if wanted in languages:
            return versions[languages.index(wanted)]
    return template
