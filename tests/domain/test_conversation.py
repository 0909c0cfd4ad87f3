"""The conversation: what the bot does about each message, in each of its five stages."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.chat_actions import (
    Action,
    AskAboutOrder,
    AskChange,
    AskForFileAgain,
    AskLeave,
    AskRaffle,
    AskToCancel,
    AskWhatToCancel,
    CallPerson,
    CancelOrder,
    CannotListen,
    ConfirmByReaction,
    ConfirmOrder,
    Greet,
    HoldNumbers,
    IsFree,
    LeaveToPerson,
    ListRaffles,
    MoreTime,
    NotUnderstood,
    OpenByTitle,
    OpenRaffle,
    OptIn,
    OptOut,
    PaidClaim,
    SayTooLarge,
    SayWelcome,
    ShowFree,
    ShowHelp,
    ShowMenu,
    ShowOrders,
    StayQuiet,
    TakeProof,
    TellDrawDate,
    TellHowToPay,
    TellPrice,
    TellPrize,
    TellResult,
    TellWho,
    TryCode,
    TryCodes,
)
from chalicelib.domain.choices import (
    CONFIRM,
    cancel_order_choice,
    confirm_order_choice,
    more_raffles_choice,
    open_raffle_choice,
    pick_number_choice,
    pick_random_choice,
)
from chalicelib.domain.conversation import Conversation, Stage, commands, is_raffle_code, is_reserved, step
from chalicelib.domain.intents import read_meaning
from chalicelib.domain.messages import IncomingMessage, Media, MessageKind
from chalicelib.domain.orders import check_character
from chalicelib.domain.picks import fold
from chalicelib.domain.vocabulary import command_words, vocabularies

ORDER = "234678" + "9" + check_character("2346789")
OTHERS = "XYWVTRQ" + check_character("XYWVTRQ")
NOT_UNDERSTOOD = NotUnderstood(ShowMenu(not_understood=True))
LIST_AGAIN = NotUnderstood(ListRaffles())
ASK_AGAIN = NotUnderstood(AskAboutOrder(ORDER))
FILE = Media(id="77")

IDLE = Conversation()
BROWSING = Conversation(stage=Stage.BROWSING, shown=("first", "second"))
SELECTING = Conversation(stage=Stage.SELECTING, raffle_id="first")
CONFIRMING = Conversation(stage=Stage.CONFIRMING, raffle_id="first", order_id=ORDER, asks=CONFIRM)
PAYMENT = Conversation(stage=Stage.PAYMENT, raffle_id="first", order_id=ORDER)


def stage_and_order(conversation: Conversation) -> str:
    return f"{conversation.stage}{conversation.order_id or ''}"


TALKS = (IDLE, BROWSING, SELECTING, CONFIRMING, PAYMENT)
LOOKING_AROUND = tuple(replace(conversation, order_id=ORDER) for conversation in TALKS[:3])  # while an order waits


def typed(text: str) -> IncomingMessage:
    return IncomingMessage(kind=MessageKind.TEXT, text=text)


def tapped(choice: str, title: str = "Tap") -> IncomingMessage:
    return IncomingMessage(kind=MessageKind.CHOICE, choice=choice, text=title)


def a_code(word: str, otherwise: Action) -> TryCode:
    return TryCode(word, otherwise)


TYPED: list[tuple[Conversation, str, Action]] = [
    (IDLE, "1", AskRaffle()),
    (IDLE, "5,12,99", AskRaffle()),
    (IDLE, "random 3", AskRaffle()),
    (IDLE, "hmm?", a_code("HMM", NOT_UNDERSTOOD)),
    (IDLE, "Hola, buenas tardes, quiero participar", ListRaffles()),
    (IDLE, "¿cuánto cuesta el boleto?", ListRaffles()),
    (IDLE, "CANASTA 5 y 12", TryCodes(("CANASTA",), "CANASTA 5 y 12", AskRaffle())),
    (IDLE, "MOTO-2 5,12", TryCodes(("MOTO-2",), "MOTO-2 5,12", AskRaffle())),
    (
        IDLE,
        "quiero la canasta",
        TryCodes(("CANASTA",), "quiero la canasta", OpenByTitle(("canasta",), ListRaffles(), text="quiero la canasta")),
    ),
    (IDLE, "cuándo es el sorteo?", TellDrawDate(None)),
    (IDLE, "quién ganó?", TellResult()),
    (IDLE, "es confiable? no es estafa?", TellWho()),
    (IDLE, "como funciona?", ShowHelp()),
    (IDLE, "já paguei", PaidClaim(None)),
    (IDLE, "quero falar com uma pessoa", CallPerson()),
    (IDLE, "salir", AskLeave(None)),
    (PAYMENT, "Sair!", AskLeave(ORDER)),
    (IDLE, "no quiero mensajes", OptOut()),
    (IDLE, "what?", a_code("WHAT", NOT_UNDERSTOOD)),
    (IDLE, "BIKE", a_code("BIKE", NOT_UNDERSTOOD)),
    (IDLE, "yes", a_code("YES", NOT_UNDERSTOOD)),
    (IDLE, "", NOT_UNDERSTOOD),
    (IDLE, "cancelar", AskWhatToCancel(None)),
    (PAYMENT, "Cancelar!", AskWhatToCancel(ORDER)),
    (BROWSING, "1", OpenRaffle("first")),
    (BROWSING, " 2. ", OpenRaffle("second")),
    (BROWSING, "２", OpenRaffle("second")),
    (BROWSING, "0", LIST_AGAIN),
    (BROWSING, "3", LIST_AGAIN),
    (BROWSING, "99", LIST_AGAIN),
    (BROWSING, "-1", LIST_AGAIN),
    (BROWSING, "more", ListRaffles(2)),
    (replace(BROWSING, page=2), "More raffles…", ListRaffles(3)),
    (BROWSING, "bike", a_code("BIKE", OpenByTitle(("bike",), LIST_AGAIN, text="bike"))),
    (BROWSING, "la segunda, por favor", OpenRaffle("second")),
    (BROWSING, "the last one", OpenRaffle("second")),
    (BROWSING, "quiero la 2", OpenRaffle("second")),
    (BROWSING, "number 1 please", OpenRaffle("first")),
    (BROWSING, "1.5", LIST_AGAIN),
    (BROWSING, "what's the prize", ListRaffles()),
    (BROWSING, "5, 12", LIST_AGAIN),
    (SELECTING, "5,12,99", HoldNumbers("first", "5,12,99")),
    (SELECTING, "random 3", HoldNumbers("first", "random 3")),
    (SELECTING, "7", HoldNumbers("first", "7")),
    (SELECTING, "moto-2", a_code("MOTO-2", HoldNumbers("first", "moto-2"))),
    (SELECTING, "cinco", a_code("CINCO", HoldNumbers("first", "cinco"))),
    (SELECTING, "¿cuáles?", a_code("CUALES", HoldNumbers("first", "¿cuáles?"))),
    (SELECTING, "está libre el 7?", IsFree("first", "7")),
    (SELECTING, "qué números hay?", ShowFree("first")),
    (SELECTING, "cómo pago?", TellHowToPay("first")),
    (SELECTING, "cuánto cuesta", TellPrice("first")),
    (SELECTING, "cuánto cuestan 3 boletos?", TellPrice("first", 3)),
    (SELECTING, "cuál es el premio?", TellPrize("first")),
    (SELECTING, "cuando es el sorteo", TellDrawDate("first", is_open=True)),
    (SELECTING, "otras rifas", ListRaffles()),
    (SELECTING, "MOTO 5", TryCodes(("MOTO",), "MOTO 5", HoldNumbers("first", "MOTO 5"))),
    (CONFIRMING, "yep", a_code("YEP", ConfirmOrder(ORDER))),
    (CONFIRMING, "sí, confirmo mi orden", ConfirmOrder(ORDER)),
    (CONFIRMING, "👍🏽", ConfirmOrder(ORDER)),
    (CONFIRMING, "confimar", a_code("CONFIMAR", ConfirmOrder(ORDER))),
    (CONFIRMING, "dalle", a_code("DALLE", AskAboutOrder(ORDER))),
    (CONFIRMING, "canselar", a_code("CANSELAR", AskToCancel(ORDER))),
    (CONFIRMING, "no gracias", CancelOrder(ORDER)),
    (CONFIRMING, "no sé", AskAboutOrder(ORDER)),
    (CONFIRMING, "ok but how do I pay", AskAboutOrder(ORDER)),
    (CONFIRMING, "no, no quiero cancelar", AskAboutOrder(ORDER)),
    (CONFIRMING, "yes but swap 44 for 8", AskChange(ORDER, "yes but swap 44 for 8")),
    (CONFIRMING, "agrega el 15", AskChange(ORDER, "agrega el 15")),
    (CONFIRMING, "cómo pago?", TellHowToPay("first", ORDER)),
    (SELECTING, "hola", Greet("first")),
    (SELECTING, "buenas tardes", Greet("first")),
    (BROWSING, "hola", ShowMenu()),
    (CONFIRMING, "how long have I got?", AskAboutOrder(ORDER)),
    (PAYMENT, "¿cuánto tiempo tengo?", AskAboutOrder(ORDER)),
    (IDLE, "please stop sending me messages", OptOut()),
    (IDLE, "ya no me manden mensajes", OptOut()),
    (IDLE, "não quero mais receber mensagens", OptOut()),
    (IDLE, "hay una persona con quien hablar?", CallPerson()),
    (CONFIRMING, "salir", AskLeave(ORDER)),
    (PAYMENT, "agrega el 15", AskChange(ORDER, "agrega el 15")),
    (PAYMENT, "quita el 44", AskChange(ORDER, "quita el 44")),
    (PAYMENT, "another one please", OpenRaffle("first")),
    (PAYMENT, "puedo pagar mañana?", MoreTime(ORDER, only_tell=True)),
    (PAYMENT, "más tiempo por favor", MoreTime(ORDER)),
    (PAYMENT, "ya te transferí", PaidClaim(ORDER)),
    (PAYMENT, "cancel my order", AskToCancel(ORDER)),
    (PAYMENT, "cuál es la clabe", TellHowToPay("first", ORDER)),
    (PAYMENT, "thanks a lot!", SayWelcome()),
    (CONFIRMING, "confirm", ConfirmOrder(ORDER)),
    (CONFIRMING, "Yes!", ConfirmOrder(ORDER)),
    (CONFIRMING, "Sí", ConfirmOrder(ORDER)),
    (CONFIRMING, "sim", ConfirmOrder(ORDER)),
    (CONFIRMING, "no", CancelOrder(ORDER)),
    (CONFIRMING, "Não", CancelOrder(ORDER)),
    (CONFIRMING, "5,12", AskChange(ORDER, "5,12")),
    (CONFIRMING, "yes please", ConfirmOrder(ORDER)),
    (PAYMENT, "I have paid", PaidClaim(ORDER)),
    (PAYMENT, "confirm", ConfirmOrder(ORDER)),
    (CONFIRMING, "bike", a_code("BIKE", ASK_AGAIN)),
    (replace(SELECTING, order_id=ORDER), "yes", AskAboutOrder(ORDER)),
    (replace(CONFIRMING, asks=None), "yes", AskAboutOrder(ORDER)),
    (replace(CONFIRMING, asks=None), "no", AskToCancel(ORDER)),
    (replace(CONFIRMING, asks=None), "confirmo", ConfirmOrder(ORDER)),
    (CONFIRMING, "confirmado?", a_code("CONFIRMADO", AskAboutOrder(ORDER))),
    (PAYMENT, "5", AskChange(ORDER, "5")),
    (PAYMENT, "bike", a_code("BIKE", ASK_AGAIN)),
]


@pytest.mark.parametrize(("conversation", "text", "action"), TYPED)
def test_what_is_typed_means_what_the_stage_asks_for(conversation: Conversation, text: str, action: Action) -> None:
    assert step(conversation, typed(text)) == action


@pytest.mark.parametrize("conversation", TALKS, ids=lambda conversation: str(conversation.stage))
@pytest.mark.parametrize("loud", [str.lower, str.upper, lambda word: f"  {word}. ", lambda word: f"¡{word}!"])
@pytest.mark.parametrize("word", sorted(commands()))
def test_a_command_works_in_every_state_however_it_is_written(
    conversation: Conversation, loud: object, word: str
) -> None:
    assert callable(loud)
    assert step(conversation, typed(loud(word))) == commands()[word](conversation)


@pytest.mark.parametrize("conversation", [*TALKS, *LOOKING_AROUND], ids=stage_and_order)
@pytest.mark.parametrize(
    ("word", "action"),
    [
        ("menu", ShowMenu()),
        ("STOP", OptOut()),
        ("baja", OptOut()),
        ("start", OptIn()),
        ("raffles", ListRaffles()),
        ("my orders", ShowOrders()),
        ("help", ShowHelp()),
    ],
)
def test_my_orders_help_and_the_like_mean_the_same_in_every_state(
    conversation: Conversation, word: str, action: Action
) -> None:
    assert step(conversation, typed(word)) == action


@pytest.mark.parametrize("conversation", [*TALKS, *LOOKING_AROUND], ids=stage_and_order)
def test_cancel_in_every_state_is_about_the_order_at_hand(conversation: Conversation) -> None:
    assert step(conversation, typed("cancel")) == CancelOrder(conversation.order_id)


@pytest.mark.parametrize("conversation", TALKS, ids=lambda conversation: str(conversation.stage))
@pytest.mark.parametrize(
    ("choice", "action"),
    [
        ("menu", ShowMenu()),
        ("raffles", ListRaffles()),
        (more_raffles_choice(2), ListRaffles(2)),
        ("orders", ShowOrders()),
        ("help", ShowHelp()),
        (open_raffle_choice("abc2345"), OpenRaffle("abc2345")),
        (confirm_order_choice(OTHERS), ConfirmOrder(OTHERS)),
        (cancel_order_choice(OTHERS), CancelOrder(OTHERS)),
    ],
)
def test_a_tap_means_the_same_in_every_state(conversation: Conversation, choice: str, action: Action) -> None:
    assert step(conversation, tapped(choice)) == action


@pytest.mark.parametrize("conversation", TALKS, ids=str)
def test_a_tap_on_numbers_means_those_of_the_raffle_it_was_shown_with(conversation: Conversation) -> None:
    """Not of the raffle that is open now: an old button must not buy in another raffle."""
    assert step(conversation, tapped(pick_random_choice("other", 3), "Random 3")) == HoldNumbers("other", "random 3")
    assert step(conversation, tapped(pick_number_choice("other", 5), "Number 5")) == HoldNumbers("other", "#5")


HOSTILE = (
    "", ":", "::", "raffle:", "raffle:../x", "raffle:ABC", "raffle:" + "a" * 33, "raffle:a\nb", "raffles:0",
    "raffles:-1", "raffles:99999", "raffles:1e9", "raffles:２", "random:0", "random:3",
    "random:x:0", "random:x:100", "random:x:3;drop", "random:X:3", "number:x:", "number:x:-5", "confirm:",
    f"confirm:{ORDER.lower()}", f"confirm:{ORDER[:-1]}", f"confirm:{ORDER}\n", f"confirm:{ORDER}:1", "cancel:None",
    "menu:1", "help:x", "orders:all", "\x00", "__proto__", "confirm", "cancel", "random", "${jndi:ldap://x}",
)  # fmt: skip


@pytest.mark.parametrize("conversation", TALKS, ids=lambda conversation: str(conversation.stage))
@pytest.mark.parametrize("choice", HOSTILE)
def test_a_tapped_id_that_we_never_made_is_no_better_than_its_title_typed(
    conversation: Conversation, choice: str
) -> None:
    assert step(conversation, tapped(choice, "Hm…")) == step(conversation, typed("Hm…"))


@pytest.mark.parametrize("conversation", [*TALKS, *LOOKING_AROUND], ids=stage_and_order)
def test_a_file_is_a_proof_in_every_state_whatever_its_caption(conversation: Conversation) -> None:
    message = IncomingMessage(kind=MessageKind.MEDIA, text="cancel", media=FILE)
    assert step(conversation, message) == TakeProof(conversation.order_id, FILE, "cancel")
    assert step(conversation, replace(message, kind=MessageKind.LOST)) == AskForFileAgain()
    assert step(conversation, replace(message, kind=MessageKind.TOO_LARGE)) == SayTooLarge()


@pytest.mark.parametrize(
    ("conversation", "action"),
    [
        (IDLE, NotUnderstood(ShowMenu())),
        (BROWSING, LIST_AGAIN),
        (SELECTING, NotUnderstood(OpenRaffle("first"))),
        (CONFIRMING, ASK_AGAIN),
        (PAYMENT, ASK_AGAIN),
    ],
)
def test_a_sticker_or_a_place_is_answered_with_the_question_again(conversation: Conversation, action: Action) -> None:
    assert step(conversation, IncomingMessage(kind=MessageKind.OTHER, text="confirm")) == action


@pytest.mark.parametrize(
    "word", ["5,12", "confirm", "cancel", "menu", "A", "1A", "TOO-LONG-A-CODE-X", "MO TO", "ÑU", ""]
)
def test_a_word_that_means_something_else_is_not_a_code(word: str) -> None:
    assert not is_raffle_code(word.upper()) or is_reserved(word)


def test_every_word_of_the_bot_is_reserved() -> None:
    assert all(
        is_reserved(word)
        for word in {*commands(), *command_words("yes"), *command_words("no"), "Random", "ANY", "stop"}
    )


@pytest.mark.parametrize("word", ["five", "cinco", "veinte", "azar", "cualquiera", "once", "surprise", "cien"])
def test_a_word_that_names_numbers_is_reserved_too(word: str) -> None:
    """Else a raffle of this code would open in the place of the numbers that were asked for."""
    assert is_reserved(word)


@pytest.mark.parametrize("conversation", TALKS, ids=lambda conversation: str(conversation.stage))
def test_an_edit_is_not_answered_and_a_voice_message_is_not_listened_to(conversation: Conversation) -> None:
    assert step(conversation, IncomingMessage(kind=MessageKind.EVENT, text="confirm")) == StayQuiet()
    assert step(conversation, IncomingMessage(kind=MessageKind.VOICE)) == CannotListen()


def reaction(emoji: str) -> IncomingMessage:
    return IncomingMessage(kind=MessageKind.REACTION, text=emoji, reacts_to="wamid.OUT1")


@pytest.mark.parametrize("emoji", ["👍", "👍🏽", "✅"])
def test_a_thumb_is_a_yes_only_while_a_yes_is_asked_for(emoji: str) -> None:
    assert step(CONFIRMING, reaction(emoji)) == ConfirmByReaction(ORDER, "wamid.OUT1")
    for conversation in (IDLE, BROWSING, SELECTING, PAYMENT, *LOOKING_AROUND):
        assert step(conversation, reaction(emoji)) == StayQuiet()


@pytest.mark.parametrize("emoji", ["❤️", "😂", "👎", "", "confirm cancel"])
def test_any_other_reaction_is_not_answered(emoji: str) -> None:
    assert step(CONFIRMING, reaction(emoji)) == StayQuiet()


PHRASES = [phrase for one in vocabularies().values() for listed in one.intents.values() for phrase in listed]
SAID = [*commands(), *PHRASES, "confirm", "1", "5,12", "7", "random", "CANASTA", "\ud800", "٣", "²", "👍"]
TALK = st.builds(
    Conversation,
    stage=st.sampled_from(Stage),
    raffle_id=st.none() | st.text(),
    order_id=st.none() | st.just(ORDER),
    shown=st.lists(st.text(), max_size=12).map(tuple),
)
HEARD = st.builds(
    IncomingMessage,
    kind=st.sampled_from(MessageKind),
    text=st.text() | st.lists(st.sampled_from(SAID), max_size=6).map(" ".join),
    choice=st.text() | st.sampled_from(HOSTILE) | st.from_regex("(raffles?|random|confirm|cancel):.*"),
    media=st.none() | st.just(FILE),
    reacts_to=st.none() | st.text(),
)


@given(TALK, HEARD)
def test_every_message_in_every_state_leads_to_an_action(conversation: Conversation, message: IncomingMessage) -> None:
    assert isinstance(step(conversation, message), Action)


@given(TALK, st.lists(st.sampled_from(SAID), max_size=6).map(" ".join))
def test_numbers_are_held_only_as_they_are_written(conversation: Conversation, text: str) -> None:
    """An action to hold numbers has the words of the message, or fewer of them."""
    match step(conversation, typed(text)):
        case HoldNumbers(_, words) | TryCode(_, HoldNumbers(_, words)) | TryCodes(_, _, HoldNumbers(_, words)):
            assert set(words.split()) <= set(text.split()) | set(fold(text).split())


LONG = ["hola ", "a ", "quiero el 5 ", "zzzzqqqq ", "xyzk1 ", "no ", "puedo pagar ", "👍", "5,", "is is is ", "cuando "]


@pytest.mark.parametrize("piece", LONG)
@pytest.mark.parametrize("conversation", TALKS, ids=lambda conversation: str(conversation.stage))
def test_4096_characters_take_at_most_50_milliseconds(conversation: Conversation, piece: str) -> None:
    # Five times as much, since a busy machine is slower; only the time that this process computes is counted.
    text = (piece * 4096)[:4096]
    step(conversation, typed("words are loaded"))
    read_meaning.cache_clear()
    began = time.process_time()
    step(conversation, typed(text))
    assert time.process_time() - began < 5 * 0.05


LEFT_ALONE: list[tuple[IncomingMessage, Action]] = [
    (typed("hello"), LeaveToPerson()),
    (typed("yes"), LeaveToPerson()),
    (typed("cancel"), LeaveToPerson()),
    (typed("BIKE"), LeaveToPerson()),
    (typed("5, 12"), LeaveToPerson()),
    (typed("human"), LeaveToPerson()),
    (IncomingMessage(kind=MessageKind.OTHER), LeaveToPerson()),
    (tapped("made up"), LeaveToPerson()),
    (IncomingMessage(kind=MessageKind.EVENT), StayQuiet()),
    (IncomingMessage(kind=MessageKind.LOST), AskForFileAgain()),
    (IncomingMessage(kind=MessageKind.TOO_LARGE), SayTooLarge()),
    (IncomingMessage(kind=MessageKind.MEDIA, media=FILE, text=ORDER), TakeProof(ORDER, FILE, ORDER, quietly=True)),
    (tapped(confirm_order_choice(ORDER)), ConfirmOrder(ORDER)),
    (tapped(pick_number_choice("first", 5)), LeaveToPerson()),
    (typed("STOP"), OptOut()),
    (typed("baja"), OptOut()),
    (typed("salir"), LeaveToPerson()),
    (IncomingMessage(kind=MessageKind.VOICE), LeaveToPerson()),
    (IncomingMessage(kind=MessageKind.REACTION, text="👍", reacts_to="wamid.OUT1"), StayQuiet()),
]


@pytest.mark.parametrize(("message", "action"), LEFT_ALONE)
def test_m6_while_an_organiser_talks_the_bot_does_only_what_nobody_else_can(
    message: IncomingMessage, action: Action
) -> None:
    assert step(PAYMENT, message, paused=True) == action


@given(st.sampled_from([*TALKS, *LOOKING_AROUND]), st.text())
def test_m6_no_text_but_a_stop_moves_the_bot_while_an_organiser_talks(conversation: Conversation, text: str) -> None:
    assert step(conversation, typed(text), paused=True) in (LeaveToPerson(), OptOut())
