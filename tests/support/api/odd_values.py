"""Odd values: each has broken somebody's server."""

from typing import Any

from tests.support.api.scene import CONSOLE

INJECTIONS = (
    "' OR '1'='1", "'; DROP TABLE raffles; --", '" OR ""="', "1 UNION SELECT * FROM tokens", "attribute_exists(pk)",
    ":v", "#n", "SET #n = :v", '{"S": "x"}', "RAFFLE#1", "TOKEN#x", "BOARD#*", "{{7*7}}", "${7*7}",
    "${jndi:ldap://127.0.0.1/a}", "#{7*7}", "<%= 7*7 %>", "{% debug %}", "%s%s%n", '=HYPERLINK("http://127.0.0.1")',
    "+1+cmd|' /C calc'!A0", "@SUM(1)", "-2+3", "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "`id`",
    "$(id)", "| cat /etc/passwd", "../../../etc/passwd", "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data/", "__class__", "__proto__", "constructor", "() { :; };",
)  # fmt: skip
TEXTS = (
    "", " ", "\u0000", "a\u0000b", "\u0007", "\u001b[31m", "\u202e", "\u200b", "\ufeff", "\ufffd", "\uffff",
    "e\u0301" * 300, "\U0001f468\u200d\U0001f469\u200d\U0001f467", "x" * 101, "x" * 2_001, "x" * 70_000, "null",
    "NaN", "true", "0", "-1", "1e400", "٥", "ß", "ǅ", "\ud83d\ude00", "a\r\nSet-Cookie: a=b", "a\nb", "\t",
    *INJECTIONS,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2.0, -0.0, 10**15, 10**18, 2**63, 10**30, 10**400, -(10**400), 1e308, [], {}, [[]],
    [None], [0] * 1000, {"": ""}, {"S": "x"}, {"__class__": "x"}, [{"a": [{}]}], "2026-02-30T00:00:00Z",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-23T00:00:00", 1_700_000_000, "DROP", "active",
    "ACTIVE", *TEXTS,
)  # fmt: skip
NUMBERS = (
    "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1" + "0" * 400, "9" * 5000, "00", "+1", "0x10", "1_000", ".5",
    "1.", "-",
)  # fmt: skip
MEDIA = (
    "", "application/xml", "text/html", "multipart/form-data; boundary=x", "application/json; charset=utf-16",
    "APPLICATION/JSON", "application/json, text/plain", "application/x-www-form-urlencoded", "text/plain", "x",
    "application/octet-stream", "image/png", "application/json\r\nX-Evil: 1", "a" * 3000,
    "application/merge-patch+json", "application/json;", "*/*",
)  # fmt: skip
METHODS = (
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "", "GET /x",
)  # fmt: skip
SEGMENTS = (
    "", ".", "..", "%2e%2e", "%2F", "a%2Fb", "%5C", "%00", "%0d%0aX-Evil:1", "%ff", "%c0%af", "%ed%a0%80", "%", "%zz",
    "*", "~", "{}", "{raffle_id}", "a" * 5000, "%20", "é", "%F0%9F%98%80", ";a=b", "x;y", "null", "-1", "0",
    "null%00", "@", "a:b", "%23", "%3F",
)  # fmt: skip
AUTHORIZATIONS = (
    "Token", "Token ", "Bearer", "Basic YTpi", "Token \u0000", "token é", "Token " + "x" * 9000, "Bearer a b c",
    "Token null", "Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoibWFuYWdlciJ9.", "Token local-token\r\nX-Evil: 1", "Token *",
    "Digest x", ",", "Token {}",
)  # fmt: skip
ORIGINS = (
    "https://evil.example", "null", "https://console.example.evil.example", "http://console.example", CONSOLE,
)  # fmt: skip
QUERIES = (
    "%", "%zz=1", "&&&", "=", "a=%ff", "page_size=%00", "page_size=10&page_size=0", "?", "a;b", "cursor=%ED%A0%80",
)  # fmt: skip
