"""The races: how large the raffles are, and who comes."""

from collections import Counter
from dataclasses import dataclass

from chalicelib.domain.raffles import Availability
from chalicelib.store import raffles
from tests.support.races.findings import evidence, findings, outcomes
from tests.support.races.hall import Hall, Profile, Run

# Larger boards are bought in larger orders, and most of the largest in blocks, so that they sell out in bearable time.
SIZES = {
    10: Profile(numbers=10, quantities=(1, 2, 3), most=2, haste=0.2, taps=True, least=160),
    100: Profile(numbers=100, quantities=(1, 2, 3, 5), most=6, haste=0.3, taps=True, least=320),
    2_000: Profile(numbers=2_000, quantities=(1, 2, 4, 8), most=15, haste=0.85, taps=True, least=1_200),
    10_000: Profile(numbers=10_000, quantities=(5, 10, 10, 20), most=None, haste=0.85, taps=False, least=700, blocks=6),
}
RUSH = Profile(numbers=4, quantities=(1,), most=None, haste=1, taps=True, least=128)


@dataclass(frozen=True)
class Result:
    outcomes: Counter[str]  # of the requests for numbers: "held", or the code of a refusal
    refused: Counter[str]  # by code, whatever was asked
    repeated: int  # deliveries of a message beyond its first
    availability: Availability
    wrong: list[str]

    @property
    def attempts(self) -> int:
        return self.outcomes.total()


def hold_race(hall: Hall, profile: Profile, run: Run, *, guarded: bool = True) -> Result:
    with hall.raffle(profile) as stage:
        tale = stage.race(run, guarded=guarded)
        found = evidence(stage.raffle)
        return Result(
            outcomes=outcomes(tale, found),
            refused=Counter(tale.refused),
            repeated=len(tale.deliveries) - len(set(tale.deliveries)),
            availability=raffles.board(stage.raffle.id).availability,
            wrong=findings(tale, found),
        )
