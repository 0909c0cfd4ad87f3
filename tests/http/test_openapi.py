"""The API's description is true to the routes, and stands as OpenAPI 3.1."""

import json
import re
from typing import Any

from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator

from chalicelib.http import openapi
from chalicelib.http.routes import ROUTES
from chalicelib.http.schemas import Problem
from tests.support.world import World

Json = dict[str, Any]


def test_the_description_is_valid_openapi(world: World) -> None:
    answer = world.api("GET", "/api/openapi.json", token=None)
    assert answer.status == 200
    OpenAPIV31SpecValidator(answer.body).validate()


def test_the_description_has_exactly_the_routes_of_the_api() -> None:
    found = openapi.whole(ROUTES)["paths"]
    described = {(method.upper(), path) for path, methods in found.items() for method in methods}
    assert described == {(route.method, route.path) for route in ROUTES if route.path.startswith("/api/")}


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    document = openapi.whole(ROUTES)
    for part in ("schemas", "examples", "responses"):
        refs = set(re.findall(rf'"\$ref": "#/components/{part}/([\w-]+)"', json.dumps(document)))
        assert refs == set(document["components"][part])


def test_schemas_come_in_the_order_of_their_names_so_that_two_builds_give_the_same_file() -> None:
    names = list(openapi.whole(ROUTES)["components"]["schemas"])
    assert names == sorted(names)


def test_every_form_and_operation_has_a_name_of_its_own() -> None:
    document = openapi.whole(ROUTES)
    for name, schema in document["components"]["schemas"].items():
        assert schema["title"] == name
    named = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(named)) == len(named)


def test_every_operation_says_in_words_what_it_does() -> None:
    for path, methods in openapi.whole(ROUTES)["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)


def test_a_page_shows_it_to_people_and_fetches_nothing_from_elsewhere(world: World) -> None:
    answer = world.api("GET", "/api/docs", token=None)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Tombola API" in answer.body and "<script src" not in answer.body and "<link" not in answer.body


def test_every_tag_says_what_it_is_about() -> None:
    document = openapi.whole(ROUTES)
    assert all(tag["description"] for tag in document["tags"])
    used = {tag for methods in document["paths"].values() for one in methods.values() for tag in one["tags"]}
    assert used == {tag["name"] for tag in document["tags"]}


def test_every_example_is_valid() -> None:
    document = openapi.whole(ROUTES)
    for name, schema in document["components"]["schemas"].items():
        for example in schema.get("examples", ()):
            within = {**schema, "components": document["components"]}
            assert not list(OAS31Validator(within, format_checker=oas31_format_checker).iter_errors(example)), name
    for name, example in document["components"]["examples"].items():
        assert Problem.model_validate(example["value"]).code in name


def test_every_example_of_a_body_is_accepted(world: World) -> None:
    """A rule may still say no: an example can't know what there is."""
    document, refused = openapi.whole(ROUTES), {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for schema in (one["schema"] for one in operation.get("requestBody", {}).get("content", {}).values()):
                if "$ref" in schema:
                    body = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["examples"][0]
                    answer = world.api(method.upper(), re.sub(r"{\w+}", "22222222", path), body)
                    if answer.status not in (200, 201, 202, 404, 409):
                        refused[operation["operationId"]] = answer
    assert refused == {}


def test_every_summary_is_short_and_every_parameter_is_described() -> None:
    for path, methods in openapi.whole(ROUTES)["paths"].items():
        for method, operation in methods.items():
            assert len(operation["summary"]) <= 60, (method, path)
            for parameter in operation["parameters"]:
                assert parameter["description"].endswith("."), (method, path, parameter["name"])


def test_every_schema_of_a_body_or_an_answer_says_what_it_is() -> None:
    for name, schema in openapi.whole(ROUTES)["components"]["schemas"].items():
        if name.endswith(("View", "Body", "Patch")):
            assert schema["description"], name


def test_parameters_with_several_values_say_how_many() -> None:
    parameters = openapi.whole(ROUTES)["paths"]["/api/orders"]["get"]["parameters"]
    limits = {one["name"]: one["schema"].get("maxItems") for one in parameters if one["schema"].get("type") == "array"}
    assert limits == {"status": 8, "expand": 2}
