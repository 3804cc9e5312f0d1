"""Applications with other settings, and browsers, for tests of pages."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from flask import Flask

from tests.client import Client

AppWith = Callable[..., Flask]
Recorder = Callable[[], AbstractContextManager[list[str]]]
Browser = Callable[..., Client]
