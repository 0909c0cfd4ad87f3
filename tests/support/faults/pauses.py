"""The pauses between retries, without waiting."""


class Pauses(list[float]):
    """The seconds that the product would have paused for. Its clock knows of these, and of those that are added."""

    waited = 0.0  # seconds, for answers

    def now(self) -> float:
        return sum(self) + self.waited
