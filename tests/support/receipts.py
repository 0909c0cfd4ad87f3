"""Receipts to compare, drawn: what a bank's app shows, a slip of paper on a table, and copies of both."""

from functools import cache
from io import BytesIO
from random import Random
from typing import NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFont

Picture = Image.Image
Colour = tuple[int, int, int]
NAMES = ("Lucía", "Marco", "Ana", "Pedro", "Sofía", "Luis", "Elena", "Jorge", "Rosa", "Iván")
SURNAMES = ("Pérez", "López", "García", "Morales", "Castillo", "Méndez", "Ramos", "Ortiz")
WHITE = (255, 255, 255)
# Background, ink and bar of three banks' apps; the last one is dark.
THEMES: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((255, 255, 255), (30, 30, 30), (0, 90, 160)),
    ((245, 246, 250), (40, 44, 60), (200, 30, 40)),
    ((18, 18, 24), (235, 235, 235), (30, 160, 90)),
)


class Payment(NamedTuple):
    amount: str
    moment: str
    reference: str
    sender: str
    account: str


def payment(random: Random) -> Payment:
    return Payment(
        amount=f"Q {random.choice([25, 50, 75, 100, 125, 150, 175, 200, 250, 300])}.00",
        moment=moment(random),
        reference=reference(random),
        sender=f"{random.choice(NAMES)} {random.choice(SURNAMES)}",
        account=f"****{random.randint(0, 9999):04}",
    )


def moment(random: Random) -> str:
    hour, minute, second = random.randint(6, 22), random.randint(0, 59), random.randint(0, 59)
    return f"{random.randint(1, 28):02}/11/2026  {hour:02}:{minute:02}:{second:02}"


def reference(random: Random) -> str:
    return str(random.randint(10**8, 10**9 - 1))


def screenshot(paid: Payment, theme: int = 0) -> Picture:
    """1080 × 1920, as a phone shows it."""
    background, ink, bar = THEMES[theme]
    width, height = 1080, 1920
    made = Image.new("RGB", (width, height), background)
    draw = ImageDraw.Draw(made)
    draw.rectangle((0, 0, width, 220), fill=bar)
    draw.text((60, 90), "Banco Ejemplo", font=_font(64), fill=WHITE)
    draw.ellipse((width // 2 - 90, 280, width // 2 + 90, 460), fill=(40, 170, 90))
    draw.text((200, 500), "Transferencia exitosa", font=_font(64), fill=ink)
    draw.text((330, 610), paid.amount, font=_font(96), fill=ink)
    lines = (
        ("Fecha y hora", paid.moment), ("Referencia", paid.reference), ("De", paid.sender),
        ("Cuenta origen", paid.account), ("Para", "Rifas Tombola"), ("Cuenta destino", "****4411"),
        ("Concepto", "Rifa"),
    )  # fmt: skip
    for row, (label, value) in enumerate(lines):
        y = 800 + 140 * row
        draw.text((80, y), label, font=_font(38), fill=(128, 128, 128))
        draw.text((80, y + 48), value, font=_font(46), fill=ink)
        draw.line((80, y + 118, width - 80, y + 118), fill=(200, 200, 200), width=2)
    draw.rounded_rectangle((80, 1800, width - 80, 1880), 30, fill=bar)
    draw.text((420, 1815), "Compartir", font=_font(44), fill=WHITE)
    return made


def photo(paid: Payment, random: Random) -> Picture:
    """A slip on a table, never held twice in the same way: uneven light, grain, a little askew."""
    slip = Image.new("RGB", (900, 1300), (238, 236, 228))
    draw = ImageDraw.Draw(slip)
    draw.text((180, 60), "BANCO EJEMPLO, S.A.", font=_font(48), fill=(60, 60, 70))
    draw.text((200, 130), "Comprobante de deposito", font=_font(40), fill=(60, 60, 70))
    for row, (label, value) in enumerate(zip(("MONTO", "FECHA", "DOCUMENTO", "NOMBRE", "CUENTA"), paid, strict=True)):
        draw.text((80, 260 + 110 * row), label, font=_font(42), fill=(70, 70, 80))
        draw.text((380, 260 + 110 * row), value, font=_font(42), fill=(50, 50, 60))
    size = (1200, 1600)
    light = Image.linear_gradient("L").resize(size)
    table = Image.merge("RGB", [light.point([level // 4 + shade for level in range(256)]) for shade in (110, 80, 60)])
    askew = slip.rotate(random.uniform(-4, 4), Image.Resampling.BICUBIC, expand=True, fillcolor=(120, 90, 70))
    askew.thumbnail((1000, 1450))
    table.paste(askew, (random.randint(60, 180), random.randint(60, 140)))
    grain = Image.frombytes("L", (300, 400), random.randbytes(120_000)).point(
        [112 + level // 8 for level in range(256)]
    )
    return ImageChops.add(table, grain.resize(size).convert("RGB"), scale=1, offset=-128)


def jpeg(picture: Picture, quality: int = 80) -> bytes:
    return _saved(picture, "JPEG", quality=quality)


def webp(picture: Picture, quality: int = 60) -> bytes:
    return _saved(picture, "WEBP", quality=quality)


def png(picture: Picture) -> bytes:
    return _saved(picture, "PNG")


def resized(picture: Picture, factor: float) -> Picture:
    return picture.resize((round(picture.width * factor), round(picture.height * factor)), Image.Resampling.LANCZOS)


def cropped(picture: Picture, share: float) -> Picture:
    """Without `share` of it on each side."""
    x, y = round(picture.width * share), round(picture.height * share)
    return picture.crop((x, y, picture.width - x, picture.height - y))


def _saved(picture: Picture, form: str, **options: int) -> bytes:
    file = BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


@cache
def receipt(seed: int = 1) -> Picture:
    return screenshot(payment(Random(seed)))


@cache
def picture(seed: int = 1, quality: int = 85) -> bytes:
    return jpeg(receipt(seed), quality)
