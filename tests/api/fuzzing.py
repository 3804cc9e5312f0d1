"""schemathesis against the whole document of a served application: how it asks, what it found."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import schemathesis
from schemathesis import Case, HookContext
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.generation.meta import TestPhase

from tests.api.furnishing import Ids

# What is not valid may be refused by these; 414 is an address that the server does not even read.
REFUSALS = [400, 401, 403, 404, 405, 409, 413, 414, 415, 429]

# Their bodies have so many fields that most of the time goes into them, and are checked alike
# whoever asks: not every role tries each bound of each field.
LARGE = ("create_quiz", "replace_quiz")


@dataclass
class Findings:
    """What a run asked, what it was answered, and what was wrong with that."""

    faults: dict[str, str] = field(default_factory=dict)
    cases: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def served(self) -> set[str]:
        """The operations that had at least one success."""
        return {one for one, told in self.statuses.items() if min(told) < 300}

    def add(self, phase: str, recorder: ScenarioRecorder) -> None:
        """Take in what one scenario recorded."""
        self.cases[phase] += len(recorder.cases)
        for case_id, interaction in recorder.interactions.items():
            case = recorder.cases[case_id].value
            is_its_own = case.method.upper() == case.operation.method.upper()
            if interaction.response is not None and is_its_own:
                self.statuses[case.operation.label][interaction.response.status_code] += 1
        for case_id, checks in recorder.checks.items():
            label = recorder.cases[case_id].value.operation.label
            for check in checks:
                self.checks[check.name] += 1
                if check.failure_info is not None:
                    failure = check.failure_info.failure
                    told = f"{failure.title}\n{failure.message}\n{check.failure_info.code_sample}"
                    self.faults.setdefault(f"{label}, {phase}, {check.name}", told)

    def __str__(self) -> str:
        faults = [f"{name}: {told}" for name, told in self.faults.items()]
        served = [f"{name} {dict(sorted(told.items()))}" for name, told in self.statuses.items()]
        return "\n".join([f"{dict(self.cases)}", f"{dict(self.checks)}", *served, *faults])


def fuzzed(url: str, key: str | None, ids: Ids, examples: int, *, large: bool) -> Findings:
    """Every operation of the document, in every phase and with every check of schemathesis.

    key: None asks without one. examples: of each operation; large: also every bound of LARGE.
    The same seed gives the same questions, as far as the answers are the same.
    """
    config = SchemathesisConfig.from_dict(_config(key, ids, examples, large=large))
    schema = schemathesis.openapi.from_url(f"{url}/docs/openapi.json", config=config)
    schema.hook("map_case")(_naming(ids))
    findings = Findings()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            findings.add(event.phase.value, event.recorder)
        elif isinstance(event, events.NonFatalError):
            findings.faults[f"{event.label}, {event.phase}"] = event.info.format()
        elif isinstance(event, events.FatalError):
            raise event.exception
    return findings


def _naming(ids: Ids) -> Callable[[HookContext, Case[Any]], Case[Any]]:
    """Names what there is, one after the other, in the phases that know no dictionaries."""
    there = {"quiz_id": cycle(ids.quizzes), "attempt_id": cycle(ids.attempts)}

    def map_case(_context: HookContext, case: Case[Any]) -> Case[Any]:
        assert case.meta is not None
        path = case.meta.components.get(ParameterLocation.PATH)
        is_listed = case.meta.phase.name in {TestPhase.COVERAGE, TestPhase.EXAMPLES}
        if is_listed and path is not None and not path.mode.is_negative:
            case.path_parameters.update({name: next(there[name]) for name in case.path_parameters})
        return case

    return map_case


def _config(key: str | None, ids: Ids, examples: int, *, large: bool) -> dict[str, Any]:
    config: dict[str, Any] = {
        "seed": 20260901,
        "continue-on-failure": True,
        "cache": {"enabled": False},
        "checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}},
        "generation": {"max-examples": examples, "database": "none"},
        # Most ids are such as there are; the others show what is said of those that are not.
        "dictionaries": {
            "quizzes": {"values": ids.quizzes},
            "attempts": {"values": ids.attempts},
            "questions": {"values": ids.questions},
            "answers": {"values": ids.answers},
            "unplayed": {"values": [ids.unplayed]},
            "its question": {"values": [ids.its_question]},
            "its answer": {"values": [ids.its_answer]},
        },
        "parameters": {
            "path.quiz_id": {"dictionary": "quizzes", "probability": 0.8},
            "path.attempt_id": {"dictionary": "attempts", "probability": 0.8},
            "body.questionId": {"dictionary": "questions", "probability": 0.5},
            "body.answerId": {"dictionary": "answers", "probability": 0.5},
        },
        # An attempt is only recorded where all three belong together.
        "operations": [
            {
                "include-operation-id": "submit_attempt",
                "parameters": {
                    "path.quiz_id": {"dictionary": "unplayed", "probability": 0.8},
                    "body.answers[*].questionId": {"dictionary": "its question"},
                    "body.answers[*].answerId": {"dictionary": "its answer", "probability": 0.8},
                },
            }
        ],
    }
    if key is not None:
        config["auth"] = {"openapi": {"key": {"api_key": key}}}
    if not large:
        config["operations"].append(
            {"include-operation-id": list(LARGE), "phases": {"coverage": {"enabled": False}}}
        )
    return config
