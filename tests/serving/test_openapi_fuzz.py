"""The API, fuzzed by its own description: no answer that the description does not have, and none of 500."""

import pytest
from hypothesis import HealthCheck, settings
from starlette.testclient import TestClient

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
EXAMPLES = 12
"""Of each address and method."""


def test_every_answer_is_as_described(service, picture):
    import schemathesis
    from hypothesis import strategies

    from hmexp.serving.app import create_app

    schemathesis.openapi.media_type("image/jpeg", strategies.just(picture))
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(service))
    asked = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @schemathesis.python.given(case=operation.as_strategy())
        def ask(case) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(headers={"Host": "127.0.0.1"})

        ask()
    assert asked > 100
