"""People at a browser, as the API sees them: cookies, the session's csrf, sign-in in steps."""
import base64
import hashlib
import hmac
import http.client
import http.cookies
import itertools
import json
import time
import urllib.parse

import api as client


def totp(secret, at=None):
    """RFC 6238: the code of base32 'secret' now."""
    step = int(time.time() if at is None else at) // 30
    mac = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    at = mac[19] & 15
    return f"{(int.from_bytes(mac[at:at + 4], 'big') & 0x7fffffff) % 10**6:06}"


class Browser:
    """Each one comes from an address of its own: what one gets wrong does not slow down the next."""
    made = itertools.count(2)

    def __init__(self, api):
        self.api, self.cookies, self.csrf = api, {}, ""
        number = next(Browser.made)
        self.address = f"127.1.{number // 250}.{number % 250 + 1}"

    def send(self, method, path, body=None, **headers):
        """(status, JSON); headers with '_' for '-'."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        own = {"Cookie": cookie, "X-Cordon-Csrf": self.csrf,
               "Content-Type": "application/json" if body is not None else None}
        own.update({name.replace("_", "-"): value for name, value in headers.items()})
        there = urllib.parse.urlsplit(self.api.url)
        line = http.client.HTTPSConnection(there.hostname, there.port, context=self.api.tls,
                                           timeout=60, source_address=(self.address, 0))
        line.request(method, client.full(path),
                     json.dumps(body).encode() if body is not None else None,
                     {name: value for name, value in own.items() if value})
        answer = line.getresponse()
        status, told, text = answer.status, answer.headers, answer.read()
        line.close()
        self.api.check(method, path, status, told.get("Content-Type", ""), text)
        for line in told.get_all("Set-Cookie") or []:
            for name, morsel in http.cookies.SimpleCookie(line).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        self.told = told
        answer = json.loads(text)
        if isinstance(answer, dict) and answer.get("csrf"):
            self.csrf = answer["csrf"]
        return status, answer

    def sign_in(self, name, password):
        return self.send("POST", "/session", {"name": name, "password": password})


class Walker:
    """A browser on its way through the pages of an OpenID provider."""

    def __init__(self, tls):
        self.tls, self.cookies = tls, {}

    def get(self, url):
        """(status, Location)"""
        parts = urllib.parse.urlsplit(url)
        line = http.client.HTTPSConnection(parts.hostname, parts.port, context=self.tls, timeout=30)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        line.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        answer = line.getresponse()
        text = answer.read()
        for header in answer.headers.get_all("Set-Cookie") or []:
            for name, morsel in http.cookies.SimpleCookie(header).items():
                self.cookies[name] = morsel.value
        line.close()
        return answer.status, answer.headers.get("Location"), text

    def walk(self, url, person, until):
        """Signs in there as 'person'; the parameters with which the browser is sent back."""
        for _ in range(12):
            if url.startswith(until):
                return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
            base = url
            status, where, text = self.get(url)
            assert where, (status, url, text[:300])
            url = urllib.parse.urljoin(base, where)
            if "/interaction/" in url:
                url += f"?as={person}"
        raise AssertionError(f"sent around: {url}")
