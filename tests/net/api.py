"""The API as another maker's program would use it: urllib over the CA file, a bearer token, and
every JSON answer checked against the server's own OpenAPI document."""
import functools
import http.client
import json
import socket
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import jsonschema

PREFIX = "/api/v1"
OPEN_PATHS = ("/metrics", "/health")
KEEP = object()


class ApiError(AssertionError):
    """The API said no; .status and .body tell how."""

    def __init__(self, method, path, status, body):
        super().__init__(f"{method} {path}: HTTP {status}: {body}")
        self.status, self.body = status, body


def full(path):
    return path if path.split("?")[0] in OPEN_PATHS or path.startswith(PREFIX) else PREFIX + path


class Api:
    def __init__(self, url, token_file=None, ca_file=None, token=None):
        self.url = url.rstrip("/")
        self._token, self._token_file = token, token_file
        self._ca_file = ca_file
        self._document = None

    # The files may be made after this object.
    @property
    def token(self):
        if self._token is None and self._token_file:
            with open(self._token_file, encoding="ascii") as file:
                self._token = file.read().strip()
        return self._token

    @functools.cached_property
    def tls(self):
        context = ssl.create_default_context(cafile=self._ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    @property
    def document(self):
        if self._document is None:
            status, _, body = self._send("GET", "/openapi.json", None, {})
            assert status == 200, body
            self._document = json.loads(body)
        return self._document

    def _send(self, method, path, body, headers, timeout_s=60):
        return self.send(method, full(path), body, headers, timeout_s)

    def send(self, method, path, body, headers, timeout_s=60):
        """(status, headers, bytes); the path as it is."""
        request = urllib.request.Request(self.url + path, data=body, headers=headers,
                                         method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                             urllib.request.HTTPSHandler(context=self.tls))
        try:
            try:
                with opener.open(request, timeout=timeout_s) as answer:
                    return answer.status, answer.headers, answer.read()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.headers, error.read()
        except http.client.HTTPException as error:  # who answers was ended within the answer: as before it
            raise ConnectionError(repr(error)) from error

    def _headers(self, token):
        token = self.token if token is KEEP else token
        return {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method, path, body=None, token=KEEP, validate=True, timeout_s=60):
        """(status, media, bytes); a JSON answer is checked against the document."""
        headers = self._headers(token)
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        status, told, answer = self._send(method, path, data, headers, timeout_s)
        media = told.get("Content-Type", "")
        if validate:
            self.check(method, path, status, media, answer)
        return status, media, answer

    def operation(self, method, path):
        """What the document says about that path; None: it does not know it."""
        wanted = urllib.parse.urlsplit(full(path)).path.split("/")
        found = None
        for pattern, methods in self.document["paths"].items():
            parts = pattern.split("/")
            if len(parts) == len(wanted) and all(p == w or (p.startswith("{") and w)
                                                 for p, w in zip(parts, wanted)):
                found = found or methods.get(method.lower())
        return found

    def check(self, method, path, status, media, answer):
        operation = self.operation(method, path)
        if operation is None:
            assert status in (404, 405), f"{method} {path}: undocumented, but HTTP {status}"
            schema = {"$ref": "#/components/schemas/Problem"}
        else:
            said = operation["responses"].get(str(status))
            assert said, f"{method} {path}: HTTP {status} is not in the document: {answer[:500]}"
            content = said["content"]
            assert media in content, f"{method} {path}: {media} is not in the document"
            schema = content[media]["schema"]
        if media.split(";")[0] in ("application/json", "application/problem+json"):
            self.validator(json.dumps(schema)).validate(json.loads(answer))

    @functools.lru_cache(maxsize=256)
    def validator(self, schema_text):
        schema = json.loads(schema_text)
        schema["components"] = self.document["components"]
        return jsonschema.Draft202012Validator(schema,
                                               format_checker=jsonschema.FormatChecker())

    # ---------------------------------------------------------------- in short

    def is_up(self):
        """Does web answer, with core behind it?  (Web alone, a moment before, says 503.)"""
        try:
            return self.raw("GET", "/health", validate=False)[0] == 200
        except (OSError, ValueError, http.client.HTTPException):
            return False

    def raw(self, method, path, body=None, token=KEEP, validate=True):
        """(status, parsed JSON or bytes), whatever the status."""
        status, media, answer = self.ask(method, path, body, token, validate)
        return status, json.loads(answer) if media.split(";")[0] in ("application/json", "application/problem+json") else answer

    def post_raw(self, path, body):
        return self.raw("POST", path, body)

    def get(self, path, validate=True):
        status, answer = self.raw("GET", path, validate=validate)
        if status != 200:
            raise ApiError("GET", path, status, answer)
        return answer

    def post(self, path, body):
        status, answer = self.raw("POST", path, body)
        if status not in (200, 201):
            raise ApiError("POST", path, status, answer)
        return answer

    def items(self, path):
        """All items of a list, page by page."""
        found, cursor = [], None
        while True:
            mark = "&" if "?" in path else "?"
            page = self.get(path if cursor is None else f"{path}{mark}cursor={cursor}")
            found += page["items"]
            cursor = page.get("next")
            if cursor is None:
                return found

    def text(self, path):
        status, _, answer = self.ask("GET", path)
        if status != 200:
            raise ApiError("GET", path, status, answer)
        return answer.decode()

    def get_bytes(self, path):
        status, _, answer = self.ask("GET", path)
        return status, answer

    def events(self, last_id=None):
        return Events(self, last_id)


class Events:
    """Server-sent events since the object was made; poll() gives those not given yet."""

    def __init__(self, api, last_id=None):
        address = urllib.parse.urlsplit(api.url)
        # Waits for the connection's next line in a thread of its own; close() ends it.
        self._connection = http.client.HTTPSConnection(address.hostname, address.port,
                                                       context=api.tls, timeout=60)
        headers = dict(api._headers(KEEP), Accept="text/event-stream")
        if last_id:
            headers["Last-Event-ID"] = last_id
        self._connection.request("GET", PREFIX + "/events", headers=headers)
        self._socket = self._connection.sock
        self._answer = self._connection.getresponse()
        self.status = self._answer.status
        if self.status != 200:
            raise ApiError("GET", "/events", self.status, self._answer.read())
        assert self._answer.headers["Content-Type"] == "text/event-stream"
        self._lock, self._events = threading.Lock(), []
        self.last_id = last_id
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        event = {}
        try:
            while True:
                line = self._answer.readline().decode()
                if not line:
                    return
                line = line.rstrip("\n")
                name, _, value = line.partition(": ")
                if line == "" and "topic" in event:
                    with self._lock:
                        self._events.append(event)
                    event = {}
                elif name == "id":
                    event["id"] = self.last_id = value
                elif name == "event":
                    event["topic"] = value
                elif name == "data":
                    event["body"] = json.loads(value)
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            return  # closed

    def poll(self):
        with self._lock:
            given, self._events = self._events, []
        return given

    def wait(self, wanted, timeout_s=60):
        """The first event for which 'wanted' is true; fails after the time-out."""
        end, seen = time.monotonic() + timeout_s, []
        while time.monotonic() < end:
            for event in self.poll():
                seen.append(event)
                if wanted(event):
                    return event
            time.sleep(0.02)
        raise AssertionError(f"no such event within {timeout_s} s; there were {seen}")

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._thread.join(5)
        self._connection.close()
