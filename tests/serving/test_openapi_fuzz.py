"""The API, fuzzed by its own description: no answer that the description does not have, and none of 500."""

import pytest
from hostile_pictures import GOOD
from hypothesis import HealthCheck, given, settings

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
HOST = {"Host": "127.0.0.1"}
EXAMPLES = 12
"""Of each address and method."""
SETTINGS = settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def test_every_answer_is_as_described(service):
    import schemathesis
    from hypothesis import strategies

    from hmexp.serving.app import create_app

    for kind in ("jpeg", "png", "webp"):
        schemathesis.openapi.media_type(f"image/{kind}", strategies.sampled_from([GOOD[kind]]))
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(service), headers=HOST)
    asked = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(headers=HOST)

        ask()
    assert asked > 100
