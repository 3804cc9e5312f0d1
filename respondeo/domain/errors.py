"""What can go wrong by the rules, in words for the person who asked.

Services raise these; `respondeo.errors` turns each into a page, a fragment or JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


class DomainError(Exception):
    """A rule refused what was asked; `str(error)` is a sentence for the person."""


class NotFound(DomainError):
    """There is no such thing, or not for this person: the two look the same on purpose."""

    def __init__(self, sentence: str = "There is nothing here.") -> None:
        super().__init__(sentence)


class NotAllowed(DomainError):
    """The person is known and may see the thing, but may not do this to it."""


class SignInRequired(NotAllowed):
    """Somebody signed out asked for what only a signed-in person may do."""

    def __init__(self, sentence: str = "Please sign in first.") -> None:
        super().__init__(sentence)


class KeyRefused(SignInRequired):
    """The API key is none of ours, has ended, or its owner may not come in."""

    def __init__(self) -> None:
        super().__init__("This API key is not valid: it may be revoked or have ended.")


class SignInFailed(DomainError):
    """Signing in at an identity provider came to nothing.

    reason: the cause, for the log; never a secret. target: the page that was wanted.
    """

    target: str | None = None

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class SignInStopped(SignInFailed):
    """The person, or the provider on their behalf, went no further."""


class SignInStale(SignInFailed):
    """What came back belongs to no sign-in that this browser has begun."""

    def __init__(self, reason: str) -> None:
        super().__init__("This sign-in was used already or is too old. Sign in again.", reason)


class SignInRefused(SignInFailed):
    """The provider vouches for somebody who cannot be let in."""


class ProviderWrong(SignInFailed):
    """The identity provider gave an answer that cannot be used."""


class ProviderAway(SignInFailed):
    """The identity provider gave no answer in time."""


class NoAttemptsLeft(DomainError):
    """The player has started as many attempts as the quiz allows."""

    def __init__(self, maximum: int) -> None:
        used = "your one attempt" if maximum == 1 else f"all {maximum} attempts"
        super().__init__(f"You have used {used} at this quiz.")


class AttemptOver(DomainError):
    """The attempt has ended; nothing can be added to it."""

    def __init__(self, attempt_id: UUID) -> None:
        super().__init__("This attempt is over. What you answered is saved.")
        self.attempt_id = attempt_id


class NotThisQuestion(DomainError):
    """The question is neither the current one nor an answered one of this attempt."""

    def __init__(self) -> None:
        super().__init__("That question is not open in this attempt.")


class AttemptOpen(DomainError):
    """A whole attempt cannot be recorded while another one is being played, or recorded."""

    def __init__(
        self, sentence: str = "You have an open attempt at this quiz. Finish it first."
    ) -> None:
        super().__init__(sentence)


class NotOfThisQuiz(DomainError):
    """A question or an answer is named that is not this quiz's, or named twice."""


class UnpublishedChanges(DomainError):
    """The draft says more than what is published, and who sends a quiz has not said they know."""

    def __init__(self) -> None:
        super().__init__(
            "This quiz has changes that are not published. Read it again and send its `revision`."
        )


class CannotGoOn(DomainError):
    """A preview cannot be continued; it can be begun anew."""

    def __init__(
        self, sentence: str = "It is too old, or was begun for another quiz or by somebody else."
    ) -> None:
        super().__init__(sentence)


class NewerRevision(DomainError):
    """The draft was saved by somebody else, or in another tab, since it was read."""

    def __init__(self) -> None:
        super().__init__("This quiz was saved elsewhere after you opened it.")


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in what was sent: where (dotted path, as in `questions.0.text`) and what to do."""

    path: str
    message: str


class Invalid(DomainError):
    """What was sent cannot be used; `problems` names each field and what to do."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(p.message for p in problems) or "The request is not valid.")
        self.problems = problems


class NotThisAnswer(Invalid):
    """The answer is not one of the question's."""

    def __init__(self) -> None:
        super().__init__(Problem("answer", "Choose one of the answers."))


class TooMany(DomainError):
    """The person, or their address, asks too often."""

    def __init__(self, sentence: str, retry_after: int) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after  # seconds
