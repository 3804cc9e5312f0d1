"""axe finds nothing on any page, in either theme, at either size, in any state."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from playwright.sync_api import Page, Route, expect

from respondeo.domain.draft import Draft
from respondeo.models import QuizDraft
from tests.browser.axe import axe_finds_nothing
from tests.browser.visitor import Visit, Visitor, answer, at, choose, confirm, cookie, go_on
from tests.browser.world import World

Open = Callable[..., Visitor]


@pytest.fixture
def still(visit: Visit) -> Open:
    """Visitors whose pages stand still: a colour in transition is no colour of ours."""

    def still(*args: object, **wishes: object) -> Visitor:
        return visit(*args, still=True, **wishes)

    return still


@contextmanager
def held(page: Page, pattern: str) -> Iterator[None]:
    """Let requests like this wait, so that a passing state stays."""
    waiting: list[Route] = []

    def wait(route: Route) -> None:
        waiting.append(route)

    page.route(pattern, wait)
    yield
    for route in waiting:
        route.abort()


def test_axe_finds_nothing_on_the_list(world: World, still: Open) -> None:
    ada = world.person("Ada Player")
    world.attempt(ada, world.quiz(2, title="Done", max_attempts=2), right=1, wrong=1)
    world.attempt(ada, world.quiz(2, title="Open", time_limit_seconds=300), right=1)
    world.quiz(2, title="星座", language="ja", difficulty="hard")
    page = still(ada).go("/")
    axe_finds_nothing(page, "list")
    page.get_by_role("button", name="Ada Player: menu").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    axe_finds_nothing(page, "open menu")
    page.goto("/?difficulty=hard&q=%E6%98%9F")
    axe_finds_nothing(page, "filtered list")
    page.goto("/?q=volcano")
    axe_finds_nothing(page, "nothing found")


def test_axe_finds_nothing_on_a_list_without_quizzes(world: World, still: Open) -> None:
    axe_finds_nothing(still().go("/"), "no quizzes")


def test_axe_finds_nothing_on_the_second_page_of_the_list(world: World, still: Open) -> None:
    for number in range(31):
        world.quiz(1, title=f"Quiz {number}")
    axe_finds_nothing(still().go("/?page=2"), "page 2")


def test_axe_finds_nothing_on_the_page_of_a_quiz(world: World, still: Open) -> None:
    ada, quiz = world.person("Ada"), world.quiz(2, max_attempts=2, time_limit_seconds=300)
    page = still(ada).go(f"/quiz/{quiz}")
    axe_finds_nothing(page, "start")
    axe_finds_nothing(still().go(f"/quiz/{quiz}"), "start as a guest")
    world.attempt(ada, quiz, right=1)
    page.reload()
    axe_finds_nothing(page, "resume")
    world.pass_time(1000)
    world.attempt(ada, quiz, right=2)
    world.attempt(world.person("Bob"), quiz, right=1, wrong=1)
    page.reload()
    expect(page.get_by_text("You have used all 2 attempts.")).to_be_visible()
    axe_finds_nothing(page, "used up")


def test_axe_finds_nothing_while_a_quiz_is_played(world: World, still: Open) -> None:
    visitor = still(world.person())
    visitor.expects("net::ERR_", "Failed to fetch")
    page = visitor.start(world.quiz(3, reveal="always", time_limit_seconds=3000))
    axe_finds_nothing(page, "question")
    choose(page, "Answer A of 1")
    axe_finds_nothing(page, "chosen")
    confirm(page)
    at(page, "feedback")
    axe_finds_nothing(page, "right")
    go_on(page)
    answer(page, "Answer B of 2")
    axe_finds_nothing(page, "wrong, disclosed")
    go_on(page)
    choose(page, "Answer C of 3")
    visitor.context.set_offline(True)
    confirm(page)
    expect(page.locator("#play-notice")).to_contain_text("Your answer is kept")
    axe_finds_nothing(page, "offline")
    visitor.context.set_offline(False)
    at(page, "feedback", 3)
    axe_finds_nothing(page, "last feedback")


def test_axe_finds_nothing_where_nothing_is_disclosed(world: World, still: Open) -> None:
    page = still(world.person()).start(world.quiz(2, max_attempts=3))
    answer(page, "Answer B of 1")
    axe_finds_nothing(page, "wrong, not disclosed")


def test_axe_finds_nothing_with_feedback_at_the_end(world: World, still: Open) -> None:
    page = still(world.person()).start(world.quiz(2, feedback="end"))
    choose(page, "Answer A of 1")
    confirm(page)
    at(page, "question", 2)
    axe_finds_nothing(page, "second question")


def test_axe_finds_nothing_in_the_last_seconds_and_when_time_is_up(
    world: World, still: Open
) -> None:
    quiz = world.quiz(2, time_limit_seconds=600)
    visitor = still(world.person())
    visitor.expects("net::ERR_FAILED", "Failed to fetch")
    page = visitor.start(quiz)
    world.leave_time(quiz, seconds=50)
    page.reload()
    expect(page.locator("#quiz-clock")).to_have_class(re.compile("is-low"))
    axe_finds_nothing(page, "last tenth")
    world.time_is_up(quiz)
    page.reload()
    expect(page.get_by_role("heading", name="Time is up.")).to_be_visible()
    with held(page, "**/play"):
        axe_finds_nothing(page, "time up")


def test_axe_finds_nothing_on_a_form_that_misses_something(world: World, still: Open) -> None:
    visitor = still(world.person())
    visitor.expects("status of 422")
    page = visitor.start(world.quiz(2))
    page.locator("#play form").evaluate("form => { form.noValidate = true; }")
    confirm(page)
    expect(page.get_by_text("Choose one of the answers.")).to_be_visible()
    expect(page.get_by_role("radio").first).to_be_focused()
    axe_finds_nothing(page, "422")


def test_axe_finds_nothing_on_results(world: World, still: Open) -> None:
    ada, quiz = world.person("Ada"), world.quiz(3, max_attempts=1)
    path = f"/quiz/{quiz}/results/{world.attempt(ada, quiz, right=1, wrong=2)}"
    axe_finds_nothing(still(ada).go(path), "own, disclosed")
    axe_finds_nothing(still(world.person()).go(path), "somebody else's")
    safe = world.quiz(3, max_attempts=3, time_limit_seconds=60)
    attempt = world.attempt(ada, safe, right=1)
    world.pass_time(1000)
    page = still(ada).go(f"/quiz/{safe}/results/{attempt}")
    expect(page.get_by_text("Not reached").first).to_be_visible()
    axe_finds_nothing(page, "own, not disclosed, timed out")
    page.locator("#share-button").click()
    axe_finds_nothing(page, "shared")


def test_axe_finds_nothing_on_a_guests_result(world: World, still: Open) -> None:
    page = still().start(world.quiz(1))
    choose(page, "Answer A of 1")
    confirm(page)
    expect(page.get_by_text("Played as a guest")).to_be_visible()
    axe_finds_nothing(page, "guest")


def test_axe_finds_nothing_on_boards(world: World, still: Open) -> None:
    quiz = world.quiz(1)
    ada = world.person("Ada")
    visitor = still(ada)
    axe_finds_nothing(visitor.go(f"/quiz/{quiz}/results"), "empty")
    for place in range(10):
        world.attempt(world.person(f"Player {place}"), quiz, right=1, seconds=place + 2)
    world.attempt(ada, quiz, wrong=1, seconds=60)
    page = visitor.go(f"/quiz/{quiz}")
    expect(page.locator("#board tr.is-me .rank")).to_have_text("11")
    axe_finds_nothing(page, "own row below the top ten")
    _a_row_moves(world, visitor, quiz)
    axe_finds_nothing(page, "rows that moved")
    axe_finds_nothing(visitor.go("/leaderboard"), "global")


def _a_row_moves(world: World, visitor: Visitor, quiz: UUID) -> None:
    world.attempt(world.person("Newcomer"), quiz, right=1, seconds=1)
    visitor.tab("/sign-in").evaluate(
        "() => new BroadcastChannel('respondeo').postMessage('result')"
    )
    expect(visitor.page.locator("#board .moved").first).to_be_visible()


def test_axe_finds_nothing_on_everybodys_attempts(world: World, still: Open) -> None:
    quiz = world.quiz(2)
    world.attempt(world.person("Ada"), quiz, right=2)
    world.attempt(world.person("Bob"), quiz, right=1)
    page = still(world.person("Admin", groups=["admin"])).go(f"/quiz/{quiz}/results")
    expect(page.get_by_role("heading", name="Everybody’s attempts")).to_be_visible()
    axe_finds_nothing(page, "everybody's attempts")


def test_axe_finds_nothing_on_statistics(world: World, still: Open) -> None:
    quiz = world.quiz(2, time_limit_seconds=600, title="Played")
    visitor = still(world.person("Admin", groups=["admin"]))
    page = visitor.go(f"/quiz/{quiz}/statistics")
    expect(page.get_by_text("Nobody has played this yet.")).to_be_visible()
    axe_finds_nothing(page, "nobody yet")
    world.attempt(world.person("Ada"), quiz, right=1, wrong=1, seconds=90)
    world.reword(quiz)
    world.attempt(world.person("Bob"), quiz, right=2)
    world.attempt(world.person("Cem"), quiz, right=1)
    world.pass_time(1000)
    page.reload()
    page.get_by_text("The earlier wording", exact=True).click()
    page.locator(".histogram summary").first.click()
    expect(page.get_by_role("heading", name="Attempts")).to_be_visible()
    axe_finds_nothing(page, "figures")
    page.goto(f"/quiz/{quiz}/statistics?version=1")
    axe_finds_nothing(page, "figures of one version")


def test_axe_finds_nothing_on_signing_in(world: World, still: Open) -> None:
    axe_finds_nothing(still().go("/sign-in"), "sign in")


def test_axe_finds_nothing_on_a_sign_in_that_was_wrong(world: World, still: Open) -> None:
    visitor = still()
    visitor.expects("status of 422")
    page = visitor.go("/sign-in")
    page.get_by_label("E-mail").fill("nobody@people.example")
    page.get_by_label("Password").fill("a wrong guess")
    page.locator("#local-form button").click()
    expect(page.get_by_text("E-mail or password is wrong.")).to_be_visible()
    axe_finds_nothing(page, "wrong")


def test_axe_finds_nothing_on_sign_in_and_sessions(world: World, still: Open) -> None:
    ada = world.with_password("Ada", "ada@people.example", "correct horse battery")
    visitor = still(ada)
    visitor.expects("status of 422")
    axe_finds_nothing(visitor.go("/settings/security"), "one session")
    other = still().go("/sign-in?next=/settings/security")
    other.get_by_label("E-mail").fill("ada@people.example")
    other.get_by_label("Password").fill("correct horse battery")
    other.locator("#local-form button").click()
    expect(other.locator(".sessions > li")).to_have_count(2)
    axe_finds_nothing(other, "two sessions")
    page = visitor.go("/settings/security?done=session")
    axe_finds_nothing(page, "done")
    page.get_by_label("Current password").fill("a wrong guess")
    page.get_by_label("New password").fill("short")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("This is not your password.")).to_be_visible()
    axe_finds_nothing(page, "wrong")


def test_axe_finds_nothing_on_pages_that_refuse(world: World, still: Open) -> None:
    visitor = still(world.person())
    visitor.expects("status of 4..")
    axe_finds_nothing(visitor.go("/nothing-here"), "404")
    quiz = world.quiz(1, max_attempts=1)
    answer(visitor.start(quiz), "Answer A of 1")
    page = visitor.go("/leaderboard")
    _post(page, f"/quiz/{quiz}/play")
    expect(page.get_by_text("Error 409")).to_be_visible()
    axe_finds_nothing(page, "409")


def test_axe_finds_nothing_on_a_quiz_that_is_still_to_come(world: World, still: Open) -> None:
    quiz = world.quiz(1)
    world.schedule(quiz)
    visitor = still(world.person("Admin", groups=["admin"]))
    visitor.expects("status of 403")
    page = visitor.go(f"/quiz/{quiz}")
    expect(page.locator("#start-button")).to_have_count(0)
    axe_finds_nothing(page, "scheduled")
    _post(page, f"/quiz/{quiz}/play")
    expect(page.get_by_text("Error 403")).to_be_visible()
    axe_finds_nothing(page, "403")


def test_axe_finds_nothing_where_a_request_is_wrong_or_too_much(world: World, still: Open) -> None:
    quiz = world.quiz(1)
    visitor = still(world.person())
    visitor.expects("status of 4..", "asked another host: http://elsewhere.localhost")
    page = visitor.go("/")
    page.goto(world.url.replace("127.0.0.1", "elsewhere.localhost"))
    expect(page.get_by_text("Error 400")).to_be_visible()
    axe_finds_nothing(page, "400")
    page = visitor.go("/")
    _post(page, f"/quiz/{quiz}/play", bytes_sent=2_000_000)
    expect(page.get_by_text("Error 413")).to_be_visible()
    axe_finds_nothing(page, "413")


def test_axe_finds_nothing_on_the_page_of_a_fault_of_ours(world: World, still: Open) -> None:
    quiz = world.quiz(1)
    visitor = still(world.person())
    visitor.expects("status of 500")
    with world.clock_broken():
        page = visitor.go(f"/quiz/{quiz}")
        expect(page.get_by_text("Error 500")).to_be_visible()
        axe_finds_nothing(page, "500")


def _post(
    page: Page, path: str, *, bytes_sent: int = 0, fields: dict[str, str] | None = None
) -> None:
    """Send a form, as a page that is older than what it knows would."""
    page.evaluate(
        """([path, size, fields]) => {
          const form = Object.assign(document.createElement("form"), {
            method: "post", action: path,
          });
          if (size) form.append(Object.assign(document.createElement("textarea"), {
            name: "much", value: "x".repeat(size),
          }));
          for (const [name, value] of Object.entries(fields)) {
            form.append(Object.assign(document.createElement("input"), { name, value }));
          }
          document.body.append(form);
          form.submit();
        }""",
        [path, bytes_sent, fields or {}],
    )


def test_axe_finds_nothing_on_the_page_of_a_database_that_is_away(
    world: World, still: Open
) -> None:
    visitor = still()
    visitor.expects("status of 503", "net::ERR_FAILED")
    with world.database_away():
        page = visitor.go("/leaderboard")
        expect(page.get_by_text("Error 503")).to_be_visible()
        with held(page, "**/leaderboard"):
            axe_finds_nothing(page, "503")


def test_axe_finds_nothing_on_the_profile(world: World, still: Open) -> None:
    visitor = still(world.person("Ada Player"))
    visitor.expects("status of 422")
    page = visitor.go("/settings/")
    axe_finds_nothing(page, "profile")
    page.get_by_role("radio", name="Another name").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Write a name that can be seen.")).to_be_visible()
    expect(page.get_by_role("textbox", name="The other name")).to_be_focused()
    axe_finds_nothing(page, "422")
    page.get_by_role("textbox", name="The other name").fill("Owl")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    axe_finds_nothing(page, "saved")


def test_axe_finds_nothing_on_people(world: World, still: Open) -> None:
    for number in range(31):
        world.person(f"Person {number}", groups=["a", "b"])
    page = still(world.person("Zed", groups=["admin"])).go("/settings/people?done=disabled")
    page.locator(".manage summary").first.click()
    expect(page.get_by_role("button", name="Disable")).to_be_visible()
    axe_finds_nothing(page, "people")
    page.goto("/settings/people?q=volcano")
    axe_finds_nothing(page, "nobody found")


def test_axe_finds_nothing_on_keys(world: World, still: Open) -> None:
    visitor = still(world.person("Zed", groups=["admin"]))
    visitor.expects("status of 422")
    page = visitor.go("/settings/keys")
    axe_finds_nothing(page, "no keys")
    page.get_by_label("Name").fill("An importer")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_label("The key", exact=True)).to_have_value(re.compile("^rsp_"))
    axe_finds_nothing(page, "made")
    page.reload()
    expect(page.locator("#key-was-made")).to_be_visible()
    axe_finds_nothing(page, "was made already")
    page.get_by_label("Name").fill("Nothing at all")
    for box in page.get_by_role("checkbox", checked=True).all()[::-1]:
        box.uncheck()
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#problem-scopes")).to_be_visible()
    expect(page.get_by_role("checkbox").first).to_be_focused()
    axe_finds_nothing(page, "wrong")
    page.get_by_text("Revoke An importer").click()
    expect(page.get_by_role("button", name="Revoke this key")).to_be_visible()
    axe_finds_nothing(page, "about to be revoked")
    page.get_by_role("button", name="Revoke this key").click()
    expect(page.get_by_text("The key is revoked.")).to_be_visible()
    axe_finds_nothing(page, "revoked")


def test_axe_finds_nothing_on_access_rules(world: World, still: Open) -> None:
    page = still(world.person("Zed", groups=["admin"])).go("/settings/access?groups=admin")
    axe_finds_nothing(page, "access")


def test_axe_finds_nothing_in_the_editor(world: World, still: Open) -> None:
    quiz = world.quiz(3)
    visitor = still(world.person("Ada", groups=["admin"]))
    visitor.expects("status of 4(22|09)", "net::ERR_", "Failed to fetch")
    axe_finds_nothing(visitor.go("/quiz/new"), "new quiz")
    page = visitor.go(f"/quiz/{quiz}/edit")
    page.locator(".settings summary").click()
    page.get_by_role("button", name="Picture").last.click()
    page.get_by_text("Keys", exact=True).click()
    page.evaluate("scrollTo(0, 0)")  # a target that has slid below the bar is not a small one
    axe_finds_nothing(page, "everything open")
    page.locator("#time-limit-seconds").fill("five")
    page.locator(".card-text").first.fill("x" * 600)
    page.locator(".option-text").first.fill("")
    page.get_by_role("button", name="Remove question 3").click()
    expect(page.get_by_role("heading", name="3 things missing")).to_be_visible()
    page.locator("#changes summary").click()
    axe_finds_nothing(page, "notes, removed, changes")
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Questions").click()
    axe_finds_nothing(page, "outline on a phone")
    page.keyboard.press("Escape")
    visitor.context.set_offline(True)
    page.locator("#title").fill("Offline")
    expect(page.locator("#editor-notices")).to_contain_text("you are offline")
    axe_finds_nothing(page, "offline")
    page.close()
    visitor.context.set_offline(False)
    page = visitor.tab(f"/quiz/{quiz}/edit")
    page.get_by_text("What differs").click()
    axe_finds_nothing(page, "left behind")
    other = visitor.tab(f"/quiz/{quiz}/edit")
    page.get_by_role("button", name="Restore").click()
    expect(page.locator("#save-state")).to_have_text("Saved")
    other.get_by_role("button", name="Discard").click()
    other.locator("#title").fill("Elsewhere")
    expect(other.locator("#conflict")).to_be_visible()
    axe_finds_nothing(other, "conflict")


def test_axe_finds_nothing_where_the_editor_cannot_save(world: World, still: Open) -> None:
    quiz, author = world.quiz(1), world.person("Ada", groups=["admin"])
    visitor = still(author)
    visitor.expects("status of 4(22|04)")
    page = visitor.go(f"/quiz/{quiz}/edit")
    page.locator("#description").evaluate(
        """field => {
          field.value = "x".repeat(20001);
          field.dispatchEvent(new Event("input", { bubbles: true }));
        }"""
    )
    notice = page.locator("#editor-notices")
    expect(notice.get_by_role("link", name="At most 20000 characters")).to_be_visible()
    axe_finds_nothing(page, "refused")
    visitor.context.clear_cookies()
    page.locator("#description").fill("Shorter.")
    expect(notice).to_contain_text("you are signed out")
    axe_finds_nothing(page, "signed out")
    visitor.context.add_cookies([cookie(author, world.url)])
    world.delete(quiz)
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(notice.get_by_role("button", name="Download a copy")).to_be_visible()
    axe_finds_nothing(page, "deleted meanwhile")


def test_axe_finds_nothing_in_the_editor_without_a_script(world: World, still: Open) -> None:
    quiz = world.quiz(1)
    visitor = still(world.person("Ada", groups=["admin"]))
    visitor.expects("status of 4(22|09)")
    page = visitor.go("/leaderboard")
    fields = {"revision": "1", "title": "Seas"}
    _post(page, f"/quiz/{quiz}/edit", fields=fields)
    expect(page.locator("#title")).to_have_value("Seas")
    page = visitor.go("/leaderboard")
    _post(page, f"/quiz/{quiz}/edit", fields=fields | {"title": "Lakes"})
    expect(page.get_by_text("Nothing is overwritten")).to_be_visible()
    axe_finds_nothing(page, "conflict")
    page = visitor.go("/leaderboard")
    _post(page, f"/quiz/{quiz}/edit", fields={"revision": "2", "language": "xx"})
    expect(page.get_by_text("Not saved: one field")).to_be_visible()
    axe_finds_nothing(page, "422")
    with world.session() as session:
        uid = Draft.model_validate(session.get_one(QuizDraft, quiz).document).questions[0].uid
    page = visitor.go("/leaderboard")
    _post(page, f"/quiz/{quiz}/edit", fields={"revision": "2", "action": f"remove:{uid}"})
    expect(page.get_by_text("Question 1 removed.")).to_be_visible()
    axe_finds_nothing(page, "removed, with an undo")
    page = visitor.go("/leaderboard")
    _post(page, f"/quiz/{quiz}/pictures", fields={"use": "question"})
    expect(page.get_by_role("heading", name="Upload a picture")).to_be_visible()
    axe_finds_nothing(page, "no picture")
    page = visitor.go("/leaderboard")
    _post(page, "/quiz/new", fields={"title": " "})
    expect(page.get_by_text("Write a title.")).to_be_visible()
    axe_finds_nothing(page, "no title")


def test_axe_finds_nothing_on_a_preview(world: World, still: Open) -> None:
    quiz = world.quiz(2, time_limit_seconds=600, reveal="always")
    visitor = still(world.person("Admin", groups=["admin"]))
    visitor.expects("status of 422")
    page = visitor.go(f"/quiz/{quiz}/preview")
    axe_finds_nothing(page, "start of a preview")
    page.locator("#start-button").click()
    at(page, "question", 1)
    axe_finds_nothing(page, "preview")
    answer(page, "Answer B of 1")
    axe_finds_nothing(page, "wrong in a preview")
    go_on(page)
    answer(page, "Answer A of 2")
    page.get_by_role("button", name="See your result").click()
    expect(page.get_by_role("heading", name="Review", exact=True)).to_be_visible()
    axe_finds_nothing(page, "result of a preview")
    page.get_by_role("button", name="Preview again").click()
    at(page, "question", 1)
    page.locator("#play-carries").evaluate("field => { field.value = 'forged'; }")
    choose(page, "Answer A of 1")
    confirm(page)
    expect(page.get_by_role("heading", name="This preview cannot go on")).to_be_focused()
    axe_finds_nothing(page, "refused preview")
    world.unfinish(quiz)
    page.goto(f"/quiz/{quiz}/preview")
    expect(page.get_by_role("heading", name="Not ready to be played")).to_be_visible()
    axe_finds_nothing(page, "nothing to preview")


def test_axe_finds_nothing_on_ones_quizzes(world: World, still: Open) -> None:
    visitor = still(world.person("Zed", groups=["admin"]))
    axe_finds_nothing(visitor.go("/quiz/mine"), "no quizzes")
    for number in range(31):
        world.quiz(1, title=f"Quiz {number}")
    world.schedule(world.quiz(1, title="Soon"))
    draft = world.draft("Half-")
    page = visitor.go("/quiz/mine?whose=all&sort=edited")
    page.locator(".manage summary").first.click()
    expect(page.locator(".manage .btn").first).to_be_visible()
    axe_finds_nothing(page, "everybody's")
    page.goto("/quiz/mine?q=volcano")
    axe_finds_nothing(page, "nothing found")
    page.goto(f"/quiz/{draft}/publish")
    axe_finds_nothing(page, "things missing")


def test_axe_finds_nothing_on_publication(world: World, still: Open) -> None:
    visitor = still(world.person("Zed", groups=["admin"]))
    visitor.expects("status of 4..")
    quiz = world.quiz(3)
    page = visitor.go(f"/quiz/{quiz}/publish")
    axe_finds_nothing(page, "published, nothing changed")
    world.rewrite(quiz)
    page.reload()
    axe_finds_nothing(page, "published, changed")
    page.get_by_text("Or only until a date").click()
    page.locator("#opens-date").fill("2020-01-01")
    page.locator("#opens-time").fill("09:00")
    page.locator("#date-form button").click()
    expect(page.get_by_text("This moment has passed.")).to_be_visible()
    expect(page.locator("#opens-date")).to_be_focused()
    axe_finds_nothing(page, "422")
    world.rewrite(quiz)
    page.locator("#changes-form button").click()
    expect(page.get_by_text("The draft has changed since")).to_be_visible()
    axe_finds_nothing(page, "409")
    page.locator("#unpublish-form button").click()
    axe_finds_nothing(page, "unpublished")
    world.schedule(quiz)
    page.goto(f"/quiz/{quiz}/publish")
    axe_finds_nothing(page, "scheduled")
    world.attempt(world.person("Ada"), world.quiz(2), right=2)
    page.goto(f"/quiz/{quiz}/delete")
    axe_finds_nothing(page, "delete")


def test_axe_finds_nothing_on_importing(world: World, still: Open) -> None:
    visitor = still(world.person("Zed", groups=["admin"]))
    visitor.expects("status of 422")
    page = visitor.go("/quiz/import")
    axe_finds_nothing(page, "empty")
    page.locator("#import-text").fill('{"title": 7, "colour": "red"}')
    page.get_by_role("button", name="Look at it").click()
    expect(page.locator("#import-text")).to_be_focused()
    axe_finds_nothing(page, "wrong")
    page.locator("#import-text").fill(
        '{"title": "Rivers", "questions": [{"text": "Why?", "answers": [{"isCorrect": true}]}]}'
    )
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("button", name="Create this quiz")).to_be_visible()
    axe_finds_nothing(page, "preview")
