"""Every route says who may use it; what each does about it is tested in tests/web."""

from __future__ import annotations

from flask import Flask

from respondeo.domain.access import PERMISSIONS
from respondeo.domain.scopes import SCOPES

# What each route demands. A new route is added here, and somebody thinks about it.
DEMANDS = {
    "api.answer_question": "attempts:write",
    "api.create_quiz": "quizzes:write and quiz:create",
    "api.delete_quiz": "quizzes:write",
    "api.get_attempt": "attempts:read",
    "api.get_quiz": "quizzes:read and quiz:view",
    "api.get_session": "everybody",
    "api.leaderboard": "quizzes:read and leaderboard:view",
    "api.list_attempts": "attempts:read and quiz:view",
    "api.list_quizzes": "quizzes:read and quiz:browse",
    "api.next_question": "attempts:write",
    "api.quiz_leaderboard": "quizzes:read and leaderboard:view",
    "api.replace_quiz": "quizzes:write",
    "api.start_attempt": "attempts:write and quiz:play",
    "api.submit_attempt": "attempts:write and quiz:play",
    "api_docs.openapi": "everybody",
    "auth.callback": "everybody",
    "auth.sign_in": "everybody",
    "auth.sign_in_as": "everybody",
    "auth.sign_in_at": "everybody",
    "auth.sign_in_local": "everybody",
    "auth.sign_in_local_again": "everybody",
    "auth.sign_out": "everybody",
    "authoring.create": "quiz:create",
    "authoring.edit": "may edit",
    "authoring.new": "quiz:create",
    "authoring.save": "may edit",
    "authoring.delete": "may delete",
    "authoring.deletion": "may delete",
    "authoring.duplicate": "may edit",
    "authoring.export": "may edit",
    "authoring.import_file": "quiz:create",
    "authoring.import_quiz": "quiz:create",
    "authoring.mine": "may write",
    "authoring.publication": "may edit",
    "authoring.publish": "may edit",
    "authoring.schema": "everybody",
    "authoring.play_preview": "may edit",
    "authoring.preview": "may edit",
    "authoring.statistics": "may edit",
    "authoring.statistics_csv": "may edit",
    "authoring.upload_picture": "may edit",
    "leaderboards.overall": "leaderboard:view",
    "leaderboards.quiz": "leaderboard:view",
    "media.picture": "everybody",
    "operating.metrics": "everybody",
    "pages.cover": "everybody",
    "pages.healthz": "everybody",
    "pages.home": "quiz:browse",
    "pages.readyz": "everybody",
    "pages.theme": "everybody",
    "reference.reference": "everybody",
    "settings.access_rules": "admin:*",
    "settings.change_password": "signed in",
    "settings.end_other_sessions": "signed in",
    "settings.end_session": "signed in",
    "settings.people": "admin:*",
    "settings.change_name": "signed in",
    "settings.change_picture": "signed in",
    "settings.change_shown": "signed in",
    "settings.disable_person": "admin:*",
    "settings.enable_person": "admin:*",
    "settings.keys": "api-key:manage",
    "settings.make_key": "api-key:manage",
    "settings.revoke_key": "api-key:manage",
    "settings.profile": "signed in",
    "settings.providers": "admin:*",
    "settings.security": "signed in",
    "settings.sign_out_person": "admin:*",
    "taking.answer": "everybody",
    "taking.next_question": "everybody",
    "taking.play": "everybody",
    "taking.quiz": "quiz:view",
    "taking.result": "everybody",
    "taking.start": "quiz:play",
}


def test_every_route_declares_who_may_use_it(app: Flask) -> None:
    declared = {
        rule.endpoint: getattr(app.view_functions[rule.endpoint], "allowed", None)
        for rule in app.url_map.iter_rules()
    }
    assert declared == DEMANDS
    special = {"everybody", "may delete", "may edit", "may write", "signed in"}
    named = {part for demand in DEMANDS.values() for part in demand.split(" and ")}
    assert named <= PERMISSIONS | special | set(SCOPES)


def test_no_route_that_reads_changes_and_none_that_changes_reads(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        changing = ({"POST"}, {"PUT"}, {"DELETE"}) if rule.rule.startswith("/api/") else ({"POST"},)
        assert methods in ({"GET"}, *changing), rule
