"""How money, counts and times are written for a person: as in their country, or else as in their language."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from iso4217 import Currency

from chalicelib.domain.country_table import COUNTRIES, DAYS, MONTHS, SEPARATORS, WITHOUT_CENTS
from chalicelib.domain.languages import DEFAULT_LANGUAGE, LanguageCode


@dataclass(frozen=True, kw_only=True)
class Formats:
    """Formats for one reader.

    Attributes:
        country: the reader's (ISO 3166); None if it is unknown.
    """

    language: LanguageCode = DEFAULT_LANGUAGE
    country: str | None = None

    def money(self, amount: int, currency: str) -> str:
        """Format an amount in minor units: "Q 25.00" for somebody in Guatemala, "GTQ 25.00" for everybody else.

        "$" means another currency in each country. So only who lives where the currency is used reads its sign; all
        others read the ISO code. The number is written as in the reader's country.

        There are as many decimals as ISO 4217 says; none if nobody uses the minor units any more and there are none:
        "$ 120.000" in Colombia.
        """
        exponent = Currency(currency).exponent or 0
        value = Decimal(amount).scaleb(-exponent)
        is_whole = currency in WITHOUT_CENTS and value == value.to_integral_value()
        number = self._with_separators(f"{value:,.{0 if is_whole else exponent}f}")
        form = COUNTRIES[self.country][4].get(currency) if self.country else None
        return form.format(number) if form else f"{currency} {number}"

    def count(self, number: int) -> str:
        """Format a count: "10,000" or "10.000"."""
        return self._with_separators(f"{number:,}")

    def moment(self, moment: datetime, time_zone: str, now: datetime) -> str:
        """Format a time by the clock of a time zone: "14:30", and "mar 2 dic, 09:10" if that is not today."""
        zone = ZoneInfo(time_zone)
        local = moment.astimezone(zone)
        return f"{local:%H:%M}" if local.date() == now.astimezone(zone).date() else self.day(moment, time_zone)

    def day(self, moment: datetime, time_zone: str, *, with_year: bool = False) -> str:
        """Format a time by the clock of a time zone, with its day: "mar 2 dic, 09:10", or "mar 2 dic 2026, 09:10"."""
        local = moment.astimezone(ZoneInfo(time_zone))
        day, month = DAYS[self.language][local.weekday()], MONTHS[self.language][local.month - 1]
        year = f" {local.year}" if with_year else ""
        return f"{day} {local.day} {month}{year}, {local:%H:%M}"

    def _with_separators(self, number: str) -> str:
        decimal, group = COUNTRIES[self.country][2:4] if self.country else SEPARATORS[self.language]
        return number.translate({ord("."): decimal, ord(","): group})
