# SPDX-License-Identifier: Apache-2.0
"""How Arklet speaks HTTP: hardly."""
import socket

import basekit
import pytest

HELP = b"POST /help HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\n{}"


def test_answer_has_no_header_and_ends_with_the_connection(base):
    raw = base.exchange(HELP)
    assert raw.startswith(b'HTTP/1.1 200 OK\r\n\r\n{"')


def test_a_second_request_on_the_connection_is_lost(base):
    raw = base.exchange(HELP + HELP)
    assert raw.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "post"])
def test_only_post_is_served(base, method):
    raw = base.exchange(HELP.replace(b"POST", method.encode()))
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head == b"HTTP/1.1 500 Internal Server Error\r\nContent_Length: 42"
    assert body == b"POST http request only supported by arklet"


def test_http_1_0_is_answered_as_1_1(base):
    assert base.exchange(HELP.replace(b"HTTP/1.1", b"HTTP/1.0")).startswith(b"HTTP/1.1 200 OK\r\n\r\n{")


def test_a_chunked_body_is_read(base):
    request = (b"POST /health HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n"
               b'7\r\n{"type"\r\n7\r\n:"zzz"}\r\n0\r\n\r\n')
    assert b"type: zzz can not be found" in base.exchange(request)


def test_expect_continue_is_answered(base):
    head = b"POST /help HTTP/1.1\r\nHost: b\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    with base.connect() as conn:
        conn.sendall(head)
        assert conn.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        conn.sendall(b"{}")
        assert basekit.read_to_end(conn).startswith(b"HTTP/1.1 200 OK\r\n\r\n")


def test_a_body_over_one_mebibyte_is_refused_and_the_connection_stays(base):
    size = 1048577
    with base.connect() as conn:
        conn.sendall(b"POST /help HTTP/1.1\r\nHost: b\r\nContent-Length: %d\r\n\r\n" % size)
        conn.sendall(b" " * size)
        answer = conn.recv(1000)
        assert answer == (b"HTTP/1.1 413 Request Entity Too Large\r\ncontent-length: 0\r\n\r\n")
        conn.sendall(HELP)
        assert basekit.read_to_end(conn).startswith(b"HTTP/1.1 200 OK\r\n\r\n")


@pytest.mark.parametrize("body", ["", "{}"])
def test_an_empty_body_is_no_input(base, body):
    assert base.call("help", body).code == "SUCCESS"


@pytest.mark.parametrize("body", ['{"a":', "[1]", "1", " "])
def test_what_is_no_json_object_is_never_answered(base, body):
    request = f"POST /help HTTP/1.1\r\nHost: b\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    with base.connect() as conn:
        conn.sendall(request.encode())
        # Later connections are answered, this one is left: silence is what there is to see.
        for _ in range(8):
            assert base.call("help").code == "SUCCESS"
        conn.settimeout(0.2)
        with pytest.raises(socket.timeout):
            conn.recv(1)


@pytest.mark.parametrize("path", ["nothing", "help/", "", "HELP"])
def test_unknown_commands(base, path):
    answer = base.call(path, {})
    assert answer.head == b"HTTP/1.1 200 OK"
    assert answer.json == {"code": "CMD_NOT_FOUND", "message": "please follow the doc"}


def test_the_query_of_a_path_is_ignored(base):
    assert base.call("help?a=b", {}).code == "SUCCESS"


def test_help_lists_the_commands(base):
    data = base.call("help", {}).data
    assert {one["id"] for one in data} == {
        "help", "installBiz", "uninstallBiz", "switchBiz", "queryAllBiz", "health", "queryBizOps",
        "queryBizRequests"}
    assert {"desc": "query ark biz ops", "id": "queryBizOps"} in data


def test_an_idle_connection_stays_open(base):
    with base.connect() as conn:
        for _ in range(8):
            base.call("help")
        conn.sendall(HELP)
        assert basekit.read_to_end(conn).startswith(b"HTTP/1.1 200 OK")


def test_keys_match_loosely_and_numbers_are_text(base):
    answer = base.call("uninstallBiz", {"biz_name": "nobody", "BizVersion": 7})
    assert answer.data["message"] == "Uninstall biz: nobody:7 not found."


def test_envelope_keys_are_in_alphabetical_order(base):
    for command in ("help", "installBiz", "queryBizOps"):
        keys = list(base.call(command, {}).json)
        assert keys == sorted(keys)
