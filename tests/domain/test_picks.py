"""What a person types, and which numbers that is (N1, H5, H6). Nothing is ever held on a doubt."""

import re
import time
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chalicelib.domain.picks import Random, Specific, Unclarity, Unclear, fold, padded, read_pick

SPECIFIC: dict[str, tuple[int, ...]] = {
    # separators
    **dict.fromkeys(
        ("5,12,99", "5 12 99", "5;12;99", "5, 12, 99", "5\n12\n99", "5\r\n12\t99", ",5,,12,99,", "5、12، 99"),
        (5, 12, 99),
    ),
    **dict.fromkeys(("5;12", "5 and 12", "5 y 12", "5 e 12", "5 & 12", "5&12", "5+12", "5 + 12", "5, y 12"), (5, 12)),
    "5,50": (5, 50),
    "99 5 99 12 5": (99, 5, 12),
    # ranges, either way round
    **dict.fromkeys(
        (
            *("5-10", "10-5", "5 - 10", "5–10", "5—10", "5−10", "10 to 5", "5 to 10", "5 through 10", "5 thru 10"),
            *("del 5 al 10", "de 5 a 10", "do 5 ao 10", "5 al 10", "5 a 10", "5 ao 10", "from 5 to 10", "5 hasta 10"),
            *("desde el 5 hasta el 10", "do 5 até o 10", "del número 5 al número 10", "los números del 5 al 10"),
            *("del #5 al #10", "del cinco al diez", "five to ten"),
        ),
        (5, 6, 7, 8, 9, 10),
    ),
    "1-3, 12 and 7 to 8": (1, 2, 3, 12, 7, 8),
    "5-7 6-8": (5, 6, 7, 8),
    # as printed on the ticket
    **dict.fromkeys(("#007", "007", "nº 7", "n° 7", "Nº7", "n.º 7", "№ 7", "no. 7", "No.7", "num. 7", "7."), (7,)),
    "005": (5,),
    "005 012": (5, 12),
    "#5 #12": (5, 12),
    "no. 5, no. 12": (5, 12),
    "no. 5 and no. 12": (5, 12),
    "0": (0,),
    "999": (999,),
    # digits of other scripts, and what is not to be seen
    **dict.fromkeys(
        ("５，１２　９９", "٥ ١٢ ٩٩", "٥،١٢،٩٩", "۵ ۱۲ ۹۹", "५ १२ ९९", "𝟓 𝟏𝟐 𝟗𝟗", "⁵ ¹² ⁹⁹", "⑤ ⑫ 99"), (5, 12, 99)
    ),
    "7️⃣": (7,),
    "7⃣": (7,),
    "🔟": (10,),
    "Quiero el 7️⃣ y el 🔟!": (7, 10),
    "1️⃣2️⃣": (12,),
    "1\u200b2\u200c \u200d5\ufeff y\u20609": (12, 5, 9),
    "\x00el 5\x00\x01 y el \x7f12\u200f": (5, 12),
    "1\x002": (12,),
    # words
    **dict.fromkeys(("cinco", "five", "FIVE", "Cinco"), (5,)),
    **dict.fromkeys(("noventa y nueve", "ninety-nine", "ninety nine", "noventa e nove", "NOVENTA Y NUEVE"), (99,)),
    **dict.fromkeys(("vinte e um", "twenty-one", "twenty one", "veintiuno"), (21,)),
    **dict.fromkeys(("cien", "cem", "hundred", "one hundred", "a hundred"), (100,)),
    **dict.fromkeys(("zero", "cero"), (0,)),
    **dict.fromkeys(("one", "uno"), (1,)),
    **dict.fromkeys(("dieciséis", "dezesseis", "dezasseis", "sixteen"), (16,)),
    "quiero el doce y el noventa y nueve": (12, 99),
    "vinte e cinco e seis": (25, 6),
    "vinte e o cinco": (20, 5),
    "vinte e doze": (20, 12),
    "noventa, nueve": (90, 9),
    "cinco y treinta y uno y 12": (5, 31, 12),
    "diez y cinco": (10, 5),
    # politeness
    "I want 5 and 12 please": (5, 12),
    "quiero el 5": (5,),
    "quero o 5": (5,),
    "oi, quero o 5": (5,),
    "quero o 5, o 12 e o 20": (5, 12, 20),
    "hi, can I get number 5?": (5,),
    "I’d like the 5, please!": (5,),
    "¡Hola! Quiero el 5 y el 12, por favor 🙏🏽": (5, 12),
    "me das el 5, el 12 y también el 20": (5, 12, 20),
    "Buenas tardes, los números: 5, 12 y 20. Gracias": (5, 12, 20),
    "ese mismo, el 12": (12,),
    "may I have 5 and 6": (5, 6),
    "quiero 005": (5,),
    "quiero 357": (357,),  # an order has at most 40, so it is no quantity
    "357 please": (357,),
    # the length of a list is announced
    **dict.fromkeys(("3 numeros: 5, 12, 99", "quiero 3 boletos, 5, 12 y 99", "3 tickets: 5, 12 and 99"), (5, 12, 99)),
    **dict.fromkeys(("2 tickets, 5 and 6", "quero dois: 5 e 6", "quiero dos: 5 y 6", "2 números, 5 e 6"), (5, 6)),
    # as people begin to ask for numbers
    **dict.fromkeys(
        (
            *("apúntame con el 22 y 23", "anota aí 22 e 23", "reserva o 22 e o 23 pra mim"),
            "ponme el 22 y el 23 porfis",
            *("put me down for 22 and 23", "book 22 and 23 please", "me ve o 22 e o 23", "quisiero el 22 y el 23"),
        ),
        (22, 23),
    ),
    "my lucky number 7": (7,),
    "lucky number 7": (7,),
    "7 and 32 then": (7, 32),
    "el 24 jajaja": (24,),
    "7 8 9 a nombre de Wilmer": (7, 8, 9),
    # one language's words are not another's
    "um, 5 and 7": (5, 7),
    "10 20 30 40 50": (10, 20, 30, 40, 50),
    "y el 12": (12,),
}

RANDOM: dict[str, int] = {
    **dict.fromkeys(
        (
            *("random 3", "3 random", "any 3", "3 any", "al azar 3", "3 al azar", "aleatorio 3"),
            *("3 aleatorios", "3 aleatórios", "aleatórios 3", "random three", "tres al azar", "RANDOM 3!", "random3"),
            *("give me 3 random numbers please", "dame 3 números al azar", "quero 3 números aleatórios", "random ٣"),
            *("random: 3", "hi, 3 random tickets, thanks", "surprise me with 3", "números al azar 3", "3 cualquiera"),
        ),
        3,
    ),
    **dict.fromkeys(
        (
            *("random", "surprise me", "Surprise me!", "cualquiera", "aleatórios", "al azar", "any", "a random number"),
            *("uno al azar", "un número cualquiera", "qualquer um", "one random", "quero uma aleatória", "surpresa"),
        ),
        1,
    ),
    "random 40": 40,
}

DOUBTFUL = (
    # decimals, negatives, dates, prices, phones, links, times, percentages
    *("5.12", ".5", "5. 12", "1. 5", "٥٫١٢", "½", "1½", "-5", "−5", "5 -10", "5- 10", "random -3", "random 2.5"),
    *("el 12 de octubre", "el 12 de 10", "12/10/2026", "12/10", "12.10.2026", "12-10-2026", "12 october", "may 5"),
    *("$5", "Q25", "Q 25", "Q.25", "25 usd", "5 euros", "€5", "R$ 5", "5 mil", "5k", "1,000", "5 y 12 por 25"),
    *("5551234567", "+50255551234", "+502 5555 1234", "00050255", "(502) 555", "555-123-456", "call 5"),
    *("https://example.invalid/?n=5", "https://example.invalid/?n=5 mira", "a5@example.invalid", "5:30", "a las 5"),
    *("5h30", "5 pm", "50%", "5 %", "5°", "5º", "5th", "1e3", "5x", "x5", "5e12", "0x5", "5*3", "5/12", "5=5", "5~10"),
    # what the words around it may make of it
    *("my son is 5 years old", "not 5", "no 5", "no quiero el 5", "5 o 12", "5, o 12"),
    *("quiero el 5 o el 12", "5 or 12"),
    *("el 12, no. 5", "No. quiero el 5", "5 al 10 menos el 7", "all but 5"),
    *("3 numeros: 5, 12", "2 tickets, 5", "3: 5", "dos: 5"),
    # those that were spoken of
    *("quiero los 2", "los dos", "os dois", "the two please", "the one", "son 50?", "sería 50", "con 50", "com 20"),
    # one language's words are not another's
    *("ten el 5", "ten el 8", "um", "um 5", "once", "5 and doce y 7"),
    # three numbers, or two?
    *("son dos, 5 y 12", "quiero 2, 5 y 12", "dos, 5, 12"),
    # phone numbers in pairs
    *("55 12 34 56 78", "21-98-76-54-32", "22.33.11.44"),
    *("is 5 free?", "entre 5 y 10", "random 007", "random 3 and 7", "random, 3"),
    *("random 5-10", "any of 5"),
    *("del 5", "5 a", "5 to", "5-", "a 5", "5 y", "5 +", "5#", "5-10-15", "5 to 10 to 15"),
    *("5 please 12", "12 numeros 5"),
    *("5\n- 12", "- 5\n- 12", "*5*", "~5~", "5 💵", "quiero la 5 y 💣"),
    # one number or two
    *("five twelve", "twenty 5", "5 twenty", "two hundred", "hundred and five", "cien y cinco", "noventa y 9"),
    *("veinte y uno", "diez y seis", "noventa e nueve", "twenty - one", "five-ten"),
    # text that we cannot read, and signs that look other than they are
    *(
        "أريد الرقم ٥ و ١٢ من فضلك",
        "אני רוצה 5, 12 ו-99 \u200fבבקשה",
        "五 5",
        "5٥",
        "5５",
        "5²",
        "①②",
        "57️⃣",
        "1🔟",
        "5🔟",
    ),
    *("5\u0336", "5\u20e0", "5\u0301", "5´12", "5\u00ad10", "5\u206312", "\u202e12", "\ud8005"),
    *("el 5\x1b[31m y el 12", "❶ 5"),
)

OUT_OF_RANGE = {
    "1 99999999999999999999": "99999999999999999999",
    "1000": "1000",
    "5, 1000 y 2000": "1000, 2000",
    "5-1000": "1000",
    "1-99999999999999999999": "99999999999999999999",
}

NOTHING = ("", " \n\t\u00a0\u3000 ", "hola", "sí", "rifa", "quiero hablar", "\u200b\x00", "...", "🙏", "número " * 500)

QUANTITY = {
    **dict.fromkeys(
        ("5 tickets", "I want 5", "I want 5 tickets please", "quiero 5", "quiero 5 números", "just 5"), "5"
    ),
    **dict.fromkeys(("5 please", "five please", "5 porfa", "cinco por favor", "5 por favor obrigada"), "5"),
    **dict.fromkeys(("one please", "uno por favor", "quiero uno", "una", "quero uma rifa", "1 boleto"), "1"),
    "quiero cinco": "5",
    "duas cotas": "2",
}


def read(text: str, first: int = 0, last: int = 999, most: int = 40) -> Specific | Random | Unclear:
    return read_pick(text, first=first, last=last, most=most)


@pytest.mark.parametrize(("text", "numbers"), SPECIFIC.items(), ids=map(ascii, SPECIFIC))
def test_numbers_are_read_as_people_write_them(text: str, numbers: tuple[int, ...]) -> None:
    assert read(text) == Specific(numbers)


@pytest.mark.parametrize(("text", "quantity"), RANDOM.items(), ids=map(ascii, RANDOM))
def test_h5_any_numbers_can_be_asked_for(text: str, quantity: int) -> None:
    assert read(text) == Random(quantity)


@pytest.mark.parametrize("text", DOUBTFUL, ids=map(ascii, DOUBTFUL))
def test_doubtful_text_is_never_read_as_a_number(text: str) -> None:
    answer = read(text)
    assert isinstance(answer, Unclear)
    assert answer.reason == Unclarity.DOUBTFUL
    assert 0 < len(answer.fragment) <= 60 or not fold(text).strip("\ufffd")


@pytest.mark.parametrize(("text", "offending"), OUT_OF_RANGE.items(), ids=map(ascii, OUT_OF_RANGE))
def test_n1_numbers_that_the_raffle_does_not_have_are_named(text: str, offending: str) -> None:
    assert read(text) == Unclear(Unclarity.OUT_OF_RANGE, offending)


@pytest.mark.parametrize("text", NOTHING, ids=lambda text: ascii(text[:20]))
def test_a_message_without_numbers_is_not_a_doubt(text: str) -> None:
    assert read(text) == Unclear(Unclarity.NOTHING)


@pytest.mark.parametrize(("text", "quantity"), QUANTITY.items(), ids=map(ascii, QUANTITY))
def test_a_quantity_is_not_a_number(text: str, quantity: str) -> None:
    assert read(text) == Unclear(Unclarity.QUANTITY, quantity)


@pytest.mark.parametrize(
    "text",
    ["1-41", "41-1", "0-999", "1-30 50-80", " ".join(map(str, range(1, 42))), "random 41", "random 9" + "9" * 30],
)
def test_h6_an_order_has_at_most_40_numbers(text: str) -> None:
    assert read(text) == Unclear(Unclarity.TOO_MANY)


def test_h6_40_numbers_are_not_too_many() -> None:
    assert read("1-40, 1-40, 40") == Specific(tuple(range(1, 41)))


@pytest.mark.parametrize("text", ["random 0", "0 random", "cero al azar"])
def test_random_zero_is_nothing(text: str) -> None:
    answer = read(text)
    assert isinstance(answer, Unclear)
    assert answer.reason == Unclarity.NOTHING


def test_a_range_of_a_million_numbers_is_refused_before_it_is_expanded() -> None:
    assert read("1 to 1000000", first=1, last=1_000_000) == Unclear(Unclarity.TOO_MANY)
    assert read("1000000", first=1, last=1_000_000) == Specific((1_000_000,))


@pytest.mark.parametrize(
    ("text", "last", "expected"),
    [
        ("1,500", 999, Specific((1, 500))),
        ("1,500", 9999, Unclear(Unclarity.DOUBTFUL, "1,500")),
        ("1, 500", 9999, Specific((1, 500))),
        ("001,500", 9999, Specific((1, 500))),
        ("1,000", 999, Unclear(Unclarity.DOUBTFUL, "1,000")),
        ("100,000", 999, Specific((100, 0))),
        ("1,500,2500", 9999, Specific((1, 500, 2500))),
        ("5,120,333", 9999, Specific((5, 120, 333))),
    ],
)
def test_a_comma_between_thousands_is_a_doubt_where_it_could_be_one_number(
    text: str, last: int, expected: Specific | Unclear
) -> None:
    assert read(text, last=last) == expected


def test_a_range_may_begin_anywhere() -> None:
    assert read("0", first=1) == Unclear(Unclarity.OUT_OF_RANGE, "0")
    assert read("quiero el 5", first=10, last=5) == Unclear(Unclarity.OUT_OF_RANGE, "5")


@pytest.mark.parametrize(("number", "last", "shown"), [(7, 999, "007"), (7, 9, "7"), (0, 1_000_000, "0000000")])
def test_n1_numbers_are_padded_to_the_width_of_the_last(number: int, last: int, shown: str) -> None:
    assert padded(number, last) == shown
    assert read(shown, last=last) == Specific((number,))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  SÍ,\u00a0 Señor\n", "si, senor"),
        ("ＢＡＪＡ", "baja"),
        ("ca\u200bn\x00celar", "cancelar"),
        ("Straße İ", "strasse i"),
        ("7️⃣ 🔟 ٥ ⁵", "7 10 5 5"),
        ("각", "각"),
        ("\ud800", "\ufffd"),
    ],
    ids=ascii,
)
def test_folding_keeps_the_meaning(text: str, folded: str) -> None:
    assert fold(text) == folded


# --- For any text at all

PIECES = st.sampled_from(
    [
        *SPECIFIC,
        *RANDOM,
        *DOUBTFUL,
        *QUANTITY,
        *"0123456789,;.-+:#&%⁵٥①🔟",
        " ",
        "\n",
        " y ",
        " al ",
        " random ",
        "\u20e3",
    ]
)
ANYTHING = st.one_of(st.text(), st.lists(PIECES, max_size=8).map("".join), st.lists(PIECES, max_size=8).map(" ".join))


@given(ANYTHING, st.integers(0, 1200), st.integers(0, 1200), st.integers(0, 50))
def test_every_answer_can_be_held_whatever_is_written(text: str, first: int, last: int, most: int) -> None:
    match read(text, first, last, most):
        case Specific(numbers):
            assert 0 < len(numbers) <= most
            assert len(set(numbers)) == len(numbers)
            assert all(first <= number <= last for number in numbers)
        case Random(quantity):
            assert 1 <= quantity <= most
        case Unclear(_, fragment):
            assert len(fragment) <= 60


@given(ANYTHING)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    fold(text).encode()


def test_folding_any_character_twice_changes_nothing() -> None:
    # Planes 0 to 2 and the tags: the rest is ideographs, private use and nothing.
    codes = [*range(0x30000), *range(0xE0000, 0xE0200)]
    assert [code for code in codes if fold(fold(chr(code))) != fold(chr(code))] == []


NUMBERS = st.lists(st.integers(0, 999), min_size=1, max_size=40, unique=True)
SEPARATORS = [
    ",",
    ", ",
    " ",
    ";",
    "; ",
    "\n",
    " and ",
    " y ",
    " e ",
    " & ",
    "+",
    " + ",
    ", #",
    " el ",
    " y el ",
    " nº ",
]
ZEROS = ["0", "０", "٠", "۰", "०", "𝟎"]


@given(NUMBERS, st.sampled_from(SEPARATORS), st.sampled_from(ZEROS), st.booleans())
@example([1, 0], ", ", "0", True)
def test_a_list_reads_back_the_same(numbers: list[int], separator: str, zero: str, pad: bool) -> None:
    written = separator.join(padded(number, 999) if pad else str(number) for number in numbers)
    # Four numbers of two digits may be a phone number, unless they ascend.
    assume(separator != " " or pad or numbers == sorted(numbers) or not re.search(r"\b\d\d \d\d \d\d \d\d\b", written))
    assert read(written.translate({48 + digit: chr(ord(zero) + digit) for digit in range(10)})) == Specific(
        tuple(numbers)
    )


@given(st.integers(0, 960), st.integers(0, 39), st.sampled_from(["{}-{}", "{} to {}", "del {} al {}", "do {} ao {}"]))
def test_a_range_reads_back_the_same_either_way(low: int, more: int, form: str) -> None:
    expected = Specific(tuple(range(low, low + more + 1)))
    assert read(form.format(low, low + more)) == read(form.format(low + more, low)) == expected


@given(st.sampled_from([chr(code) for code in range(0x110000) if chr(code).isdigit() or chr(code).isnumeric()]))
def test_a_number_sign_is_read_as_its_value_or_not_at_all(char: str) -> None:
    # '⁵'.isdigit() is true and int('⁵') fails.
    answer = read(char)
    assert isinstance(answer, Unclear) or answer == Specific((int(unicodedata.numeric(char)),))


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "1",
            "1,",
            "5 ",
            "5，",
            "1-40 ",
            "-5",
            "+",
            "#",
            ".",
            "a ",
            "ok ",
            "n.",
            "random ",
            "random ok ",
            "i want to ",
        ),
        *("noventa y ", "5 ok ", "1,000", "ab5", "\ufdfa", "\u0301\u0316", "𝟏2", "١", "\ud800", "7️⃣", "\u202e"),
    ],
    ids=ascii,
)
def test_a_long_message_costs_no_more_than_its_length(piece: str) -> None:
    # 2–15 ms on a laptop; a backtracking expression takes minutes, so that a wide limit tells them apart. Only the time
    # that this process computes is counted, so a busy machine does not fail the test.
    began = time.process_time()
    for tail in ("", "$", " &", " y"):
        read((piece * 4096)[:4094] + tail)
    read(piece * 20_000)
    assert time.process_time() - began < 2
