"""Make moto several times faster, with the same answers. tests/test_quick_moto.py compares them.

Without this, moto spends most of the tests' time on copying tables and on parsing the same few expressions again.
"""

import inspect
import sys
from base64 import b64decode
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy, deepcopy
from functools import cache
from typing import Any, NamedTuple

import moto.core.responses
import moto.sqs.models
import pytest
from botocore import xform_name
from botocore.client import BaseClient
from botocore.useragent import UserAgentString
from moto.core.exceptions import ServiceException
from moto.core.models import DEFAULT_ACCOUNT_ID, botocore_stubber
from moto.core.parse import PROTOCOL_PARSERS, BaseJSONParser
from moto.core.serialize import BaseJSONSerializer, ResponseSerializer
from moto.core.utils import camelcase_to_underscores
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DDBType, DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node  # type: ignore[attr-defined]
from moto.dynamodb.parsing.expressions import UpdateExpressionParser  # type: ignore[attr-defined]
from moto.dynamodb.responses import DynamoHandler
from moto.sqs.responses import SQSResponse
from werkzeug.exceptions import HTTPException

from chalicelib.store import report_reads

Json = dict[str, Any]
# The requests that are answered directly, by moto's class that answers them.
DIRECT: dict[str, type] = {
    **dict.fromkeys(
        ("GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem",
         "TransactWriteItems"),
        DynamoHandler,
    ),
    **dict.fromkeys(("SendMessageBatch", "ReceiveMessage", "DeleteMessage"), SQSResponse),
}  # fmt: skip
MAX_PARSED = 1000  # conditions that are remembered, with their values
MAX_ITEM_BYTES = 405_000  # moto's limit


def quicken_moto(patch: pytest.MonkeyPatch) -> None:
    # jsonschema, which moto imports with its CloudFormation, would make 38 parsers of addresses that are not ASCII.
    patch.setitem(sys.modules, "rfc3987_syntax", None)
    _copy_on_write(patch)
    _compare_text_as_it_is(patch)
    _look_in_one_partition(patch)
    _read_expressions_once(patch)
    _walk_through_updates_quickly(patch)
    _weigh_an_item_once(patch)
    _take_values_as_they_are(patch)
    _answer_directly(patch)
    _describe_itself_once(patch)


def shelves(items: Mapping[Any, Mapping[Any, Any]]) -> dict[Any, dict[Any, Any]]:
    """Return a copy of a table's partitions that shares its items."""
    return defaultdict(dict, {partition: dict(shelf) for partition, shelf in items.items() if shelf})


def _copy_on_write(patch: pytest.MonkeyPatch) -> None:
    """Replace items instead of changing them, so that a copy of the table can share them.

    In a transaction, moto copies the table once for each item, to be able to go back.
    """
    update_item: Callable[..., Any] = DynamoDBBackend.update_item

    def update(self: Any, table_name: str, key: Json, *arguments: Any, **named: Any) -> Any:
        table = self.tables[table_name]
        if table.range_key_attr:
            shelf, at = table.items[DynamoType(key[table.hash_key_attr])], DynamoType(key[table.range_key_attr])
            if at in shelf:
                shelf[at] = deepcopy(shelf[at])
        return update_item(self, table_name, key, *arguments, **named)

    def copied(self: Any, memo: Any) -> Any:
        other = copy(self)
        other.items = shelves(self.items)
        return other

    patch.setattr(DynamoDBBackend, "update_item", update)
    patch.setattr(Table, "__deepcopy__", copied, raising=False)


def _compare_text_as_it_is(patch: pytest.MonkeyPatch) -> None:
    """Compare keys as the texts that they are. A query compares thousands, and moto goes through several properties."""
    cast: Callable[[Any], Any] = vars(DynamoType)["cast_value"].fget

    def cast_value(self: Any) -> Any:
        return self.value if self.type == DDBType.STRING else cast(self)

    def equal(self: Any, other: Any) -> bool:
        if self.type != other.type:
            return False
        return bool(self.value == other.value if self.type == DDBType.STRING else cast(self) == cast(other))

    patch.setattr(DynamoType, "cast_value", property(cast_value))
    patch.setattr(DynamoType, "__eq__", equal)
    patch.setattr(DynamoType, "__ne__", lambda self, other: not equal(self, other))
    patch.setattr(DynamoType, "__hash__", lambda self: hash((self.type, self.cast_value)))


def _look_in_one_partition(patch: pytest.MonkeyPatch) -> None:
    """Look only at the partition that a query of the table asks for. moto sorts all the others first."""
    query: Callable[..., Any] = Table.query

    def query_one(self: Any, hash_key: Any, *arguments: Any, **named: Any) -> Any:
        table, index_name = self, arguments[6]
        if not index_name and self.range_key_attr:
            table = copy(self)
            table.items = {hash_key: self.items[hash_key]} if hash_key in self.items else {}
        return query(table, hash_key, *arguments, **named)

    def all_items(self: Any) -> list[Any]:
        if not self.range_key_attr:
            return sorted(self.items.values(), key=lambda item: item.hash_key)
        items = [item for shelf in self.items.values() for item in shelf.values()]
        return sorted(items, key=lambda item: (item.hash_key.cast_value, item.range_key.cast_value))

    patch.setattr(Table, "query", query_one)
    patch.setattr(Table, "all_items", all_items)


def _read_expressions_once(patch: pytest.MonkeyPatch) -> None:
    """Parse each expression once. moto parses those of a request several times, and the same ones come again and again,
    because PynamoDB numbers its placeholders.
    """
    lex: Callable[[Any], Any] = ConditionExpressionParser._lex_condition_expression
    parse: Callable[[Any], Any] = ConditionExpressionParser.parse
    parsed: dict[tuple[str, ...], tuple[Any, list[str], list[str]]] = {}

    @cache
    def lexed(expression: str) -> tuple[Any, ...]:
        return tuple(lex(ConditionExpressionParser(expression, {}, {})))

    def parse_once(self: Any) -> Any:
        names, values = self.expression_attribute_names, self.expression_attribute_values
        key = (str(self.condition_expression), repr(names), repr(values))
        if key not in parsed:
            if len(parsed) > MAX_PARSED:
                parsed.clear()
            operation = parse(self)
            parsed[key] = operation, [*self.expr_attr_names_found], [*self.expr_attr_values_found]
        operation, names_found, values_found = parsed[key]
        self.expr_attr_names_found, self.expr_attr_values_found = [*names_found], [*values_found]
        return operation

    patch.setattr(
        ConditionExpressionParser, "_lex_condition_expression", lambda self: deque(lexed(self.condition_expression))
    )
    patch.setattr(ConditionExpressionParser, "parse", parse_once)


def _walk_through_updates_quickly(patch: pytest.MonkeyPatch) -> None:
    """Parse each update once, copy its nodes plainly, and ask once for each class of node whether it is wanted.

    moto walks through the nodes of each update eight times, and asks of each node what is wanted.
    """
    parse: Callable[[str], Any] = UpdateExpressionParser.make
    walkers: dict[type, dict[type, bool]] = defaultdict(dict)

    def copied(self: Any, memo: Any) -> Any:
        other = copy(self)
        if self.children is not None:
            other.children = [deepcopy(child, memo) if isinstance(child, Node) else child for child in self.children]
            for child in other.children:
                if isinstance(child, Node):
                    child.parent = other
        return other

    def walk(self: Any, node: Any, child_id: int = -1) -> Any:
        if not isinstance(node, Node):
            return node
        parent, wanted = node.parent, walkers[type(self)]
        for position, child in enumerate(node.children or ()):
            self.pre_processing_of_child(node, position)
            walk(self, child, position)
        if type(node) not in wanted:
            wanted[type(node)] = isinstance(node, self.nodes_to_be_processed())
        if wanted[type(node)]:
            node = self.process(node)
            node.parent = parent
            if parent:
                parent.children[child_id] = node
        return node

    # What is parsed is copied before it is changed.
    patch.setattr(UpdateExpressionParser, "make", staticmethod(cache(parse)))
    patch.setattr(Node, "__deepcopy__", copied, raising=False)
    patch.setattr(DepthFirstTraverser, "traverse_node_recursively", walk)


def _weigh_an_item_once(patch: pytest.MonkeyPatch) -> None:
    """Compute a new item's size once, and share what is never changed in place. moto computes it for each attribute."""
    make: Callable[..., None] = Item.__init__
    copy_value: Callable[..., Any] = DynamoType.__deepcopy__
    changeable = {DDBType.LIST, DDBType.MAP, DDBType.STRING_SET, DDBType.NUMBER_SET, DDBType.BINARY_SET}

    def make_once(self: Any, hash_key: Any, range_key: Any, attrs: Json) -> None:
        make(self, hash_key, range_key, {})
        for name, value in attrs.items():
            dict.__setitem__(self.attrs, name, DynamoType(value))
        if self.size() > MAX_ITEM_BYTES:
            raise ItemSizeTooLarge

    def copied(self: Any, memo: Any) -> Any:
        return copy_value(self, memo) if self.type in changeable else self

    patch.setattr(Item, "__init__", make_once)
    patch.setattr(DynamoType, "__deepcopy__", copied)


def _take_values_as_they_are(patch: pytest.MonkeyPatch) -> None:
    """Leave texts, numbers and booleans as they are. moto tries ten types and a dozen aliases for each attribute."""
    parse: Callable[..., Any] = BaseJSONParser._parse_structure
    serialize: Callable[..., Any] = BaseJSONSerializer._serialize_type_structure
    look_up: Callable[..., Any] = ResponseSerializer.get_value
    plain = {(DDBType.STRING, str), (DDBType.NUMBER, str), ("BOOL", bool)}

    def is_plain(shape: Any, value: Any) -> bool:
        if shape.name != "AttributeValue" or type(value) is not dict or len(value) != 1:
            return False
        ((kind, content),) = value.items()
        return (kind, type(content)) in plain

    def parse_structure(self: Any, shape: Any, value: Any) -> Any:
        return self.MAP_TYPE(value) if is_plain(shape, value) else parse(self, shape, value)

    def serialize_structure(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if key and is_plain(shape, value):
            self._default_serialize(serialized, dict(value), shape, key)
        else:
            serialize(self, serialized, value, shape, key)

    def get_value(self: Any, value: Any, key: str, shape: Any) -> Any:
        if type(value) is dict and shape.parent.name == "AttributeValue":
            return value.get(key)
        return look_up(self, value, key, shape)

    patch.setattr(BaseJSONParser, "_parse_structure", parse_structure)
    patch.setattr(BaseJSONSerializer, "_serialize_type_structure", serialize_structure)
    patch.setattr(ResponseSerializer, "get_value", get_value)


def _answer_directly(patch: pytest.MonkeyPatch) -> None:
    """Hand a request for items or queued messages to moto's handler, and its result to the client.

    The long way has a signature, HTTP headers and two texts in JSON. What is refused goes the long way as well, and is
    refused once more, so that its error is the real one. So does what a test or the product wants to see on its way.
    """
    make_request: Callable[..., Any] = BaseClient._make_request

    def make_directly(self: Any, model: Any, request: Json, context: Json) -> Any:
        service = self.meta.service_model.service_id.hyphenize()
        found = self.meta.events._emitter._handlers.prefix_search(f"before-parse.{service}.{model.name}")
        # The reports take answers apart themselves, and their handler stays.
        is_taken_apart = any(by != report_reads._parse_plainly or report_reads._plain.get() for by in found)
        direct = model.name in DIRECT and botocore_stubber.enabled and request["url"].endswith(".amazonaws.com/")
        if direct and not is_taken_apart and "_send" not in vars(self._endpoint):
            with suppress(ServiceException, HTTPException):
                return _Success(200), _directly(self.meta.region_name, model, request)
        return make_request(self, model, request, context)

    patch.setattr(BaseClient, "_make_request", make_directly)


class _Success(NamedTuple):
    """As much of an HTTP response as botocore looks at."""

    status_code: int


def _directly(region: str, model: Any, request: Json) -> Json:
    handler = DIRECT[model.name]()
    handler.region, handler.current_account = region, DEFAULT_ACCOUNT_ID
    handler.headers, handler.uri_match = {}, {}
    parser = PROTOCOL_PARSERS["json"](model, map_type=handler.PROTOCOL_PARSER_MAP_TYPE)
    asked = {"headers": request["headers"], "body": request["body"]}
    handler.body = handler.params = parser.parse(asked)  # type: ignore[arg-type] # it reads no more than these
    result = getattr(handler, xform_name(model.name))().result
    metadata = {"RequestId": "direct", "HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}
    parsed = _parsed(model.output_shape, result) if model.output_shape else {}
    return {**parsed, "ResponseMetadata": metadata}


def _parsed(shape: Any, value: Any) -> Any:
    """As botocore would have it after the way."""
    if shape.name == "AttributeValue":
        return _attribute(value)
    match shape.type_name:
        case "structure":
            found = ((name, value.get(name), member) for name, member in shape.members.items())
            return {name: _parsed(member, content) for name, content, member in found if content is not None}
        case "list":
            return [_parsed(shape.member, content) for content in value]
        case "map":
            return {name: _parsed(shape.value, content) for name, content in value.items()}
        case _:
            return value


def _attribute(value: Any) -> Json:
    ((kind, content),) = value.items() if isinstance(value, dict) else ((value.type, value.value),)
    match kind:
        case DDBType.LIST:
            return {kind: [_attribute(element) for element in content]}
        case DDBType.MAP:
            return {kind: {name: _attribute(element) for name, element in content.items()}}
        case DDBType.BINARY:
            return {kind: b64decode(content) if isinstance(content, str) else content}
        case DDBType.BINARY_SET:
            raise NotImplementedError("nothing stored is a set of bytes")
        case DDBType.STRING_SET | DDBType.NUMBER_SET:
            return {kind: list(content)}
        case _:
            return {kind: content}


def _describe_itself_once(patch: pytest.MonkeyPatch) -> None:
    """moto lists the methods of its classes and spells names its own way, and botocore describes this machine, for each
    request."""

    @cache
    def method_names(of: type) -> frozenset[str]:
        return frozenset(name for name, _ in inspect.getmembers(of, predicate=inspect.isfunction))

    @cache
    def underscored(name: str) -> str:
        return str(camelcase_to_underscores(name))

    patch.setattr(moto.core.responses, "method_names_from_class", method_names)
    for module in (moto.core.responses, moto.sqs.models):
        patch.setattr(module, "camelcase_to_underscores", underscored)
    patch.setattr(UserAgentString, "to_string", lambda self: "tests")
