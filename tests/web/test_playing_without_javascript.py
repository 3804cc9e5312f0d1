"""A whole quiz through forms and links alone."""

from __future__ import annotations

from sqlalchemy.orm import Session

from tests.client import Client
from tests.factories import add_user, published_quiz


def test_a_quiz_is_played_with_forms_and_links_alone(client: Client, committed: Session) -> None:
    quiz = published_quiz(committed, questions=2)
    player = add_user(committed)
    committed.commit()
    client.sign_in(player.id)

    page = client.page(f"/quiz/{quiz.id}")
    page = client.submit(page, "form[action$='/play']")
    for number in (1, 2):
        assert page.words("#question-text") == f"Question {number}?"
        right = page.all("#play input[type=radio]")[0].attrs["value"]
        page = client.submit(page, "#play form", answer=right)
        assert "Right" in page.words("#verdict")
        if number == 1:
            page = client.submit(page, "#play form")
    link = page.one("#play-go").attrs["href"]
    page = client.page(link)
    assert "2/2" in page.words().replace(" ", "")
