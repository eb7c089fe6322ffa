"""An OpenID provider that signs whatever it is told to, for tests of what must not be taken."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import threading
import time
import urllib.parse

import api as client
import receivers
from netns import wait_for
from people import Browser

LIES = ("alg none", "alg none, signed", "mac with the public key", "another key",
        "the claims of another token", "another audience", "another issuer", "expired", "to come",
        "another nonce", "no nonce", "no signature", "not a token", "no token", "endless answer",
        "redirect", "not JSON", "name of a local account", "group as an object")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    def __init__(self, path):
        self.path = str(path)
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt",
                        "rsa_keygen_bits:2048", "-out", self.path], check=True,
                       capture_output=True)
        text = subprocess.run(["openssl", "rsa", "-in", self.path, "-noout", "-modulus"],
                              check=True, capture_output=True, text=True).stdout
        self.modulus = bytes.fromhex(text.strip().split("=")[1])
        self.public = subprocess.run(["openssl", "rsa", "-in", self.path, "-pubout"], check=True,
                                     capture_output=True).stdout

    def sign(self, data):
        return subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.path], input=data,
                              check=True, capture_output=True).stdout

    def jwk(self):
        return {"kty": "RSA", "kid": "k", "use": "sig", "alg": "RS256", "n": b64(self.modulus),
                "e": "AQAB"}


class Bench:
    def __init__(self, folder, build):
        self.folder, self.lie = pathlib.Path(folder), None
        os.chmod(self.folder, 0o755)
        self.ca = receivers.Authority(self.folder / "authority")
        self.key, self.other = Key(self.folder / "key.pem"), Key(self.folder / "other.pem")
        self.port = receivers.free_port()
        self.issuer = f"https://localhost:{self.port}"
        self.nonce = ""
        self.cordon = receivers.Controller(str(build / "cordond"), self.folder)
        (self.folder / "secret").write_text("secret\n")
        os.chmod(self.folder / "secret", 0o400)
        with open(self.cordon.config, "a", encoding="ascii") as config:
            config.write(f"openid:\n  issuer: {self.issuer}\n  ca: {self.ca.file}\n"
                         f"  client_id: cordon\n  client_secret_file: {self.folder}/secret\n"
                         f"  redirect_url: https://127.0.0.1:{self.cordon.port}/\n"
                         "  roles: [{group: staff, role: operator}]\n")
        self.api = client.Api(f"https://127.0.0.1:{self.cordon.port}",
                              str(self.cordon.state / "admin.token"),
                              str(self.cordon.state / "pki" / "ca.pem"))

    def start(self):
        bench = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                if self.path.startswith("/.well-known/"):
                    self.give({"issuer": bench.issuer, "jwks_uri": f"{bench.issuer}/keys",
                               "authorization_endpoint": f"{bench.issuer}/authorize",
                               "token_endpoint": f"{bench.issuer}/token"})
                elif self.path == "/keys":
                    self.give({"keys": [bench.key.jwk()]})
                else:
                    self.give({"id_token": bench.token()})  # where a redirect led

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                if bench.lie == "endless answer":
                    self.send_response(200)
                    self.end_headers()
                    try:
                        for _ in range(3000):
                            self.wfile.write(b" " * 4096)
                    except OSError:
                        pass
                elif bench.lie == "redirect":
                    self.send_response(307)
                    self.send_header("Location", f"{bench.issuer}/elsewhere")
                    self.end_headers()
                elif bench.lie == "not JSON":
                    self.give(b"<html>id_token</html>")
                elif bench.lie == "no token":
                    self.give({"access_token": "x"})
                else:
                    self.give({"id_token": bench.token()})

            def give(self, body):
                text = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        cert, key = self.ca.issue("localhost")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(cert, key)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.cordon.start()
        wait_for(self.is_there, "cordond", 60)
        return self

    def is_there(self):
        return self.api.is_up()

    def stop(self):
        self.cordon.stop()
        self.server.shutdown()
        self.server.server_close()

    def token(self):
        now = int(time.time())
        lie, header = self.lie, {"alg": "RS256", "kid": "k"}
        claims = {"iss": self.issuer, "aud": "cordon", "sub": "1", "iat": now, "exp": now + 300,
                  "nonce": self.nonce, "preferred_username": "kara", "groups": ["staff"]}
        if lie in ("alg none", "alg none, signed"):
            header["alg"] = "none"
        elif lie == "mac with the public key":
            header["alg"] = "HS256"
        claims.update({"another audience": {"aud": "other"},
                       "another issuer": {"iss": "https://evil.example"},
                       "expired": {"iat": now - 400, "exp": now - 100},
                       "to come": {"iat": now + 300, "exp": now + 900},
                       "another nonce": {"nonce": "A" * 43},
                       "name of a local account": {"preferred_username": "admin"},
                       "group as an object": {"groups": {"staff": True}}}.get(lie, {}))
        if lie == "no nonce":
            del claims["nonce"]
        text = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
        if lie == "not a token":
            return "eyJ"
        if lie in ("alg none", "no signature"):
            return text + "."
        if lie == "mac with the public key":
            return f"{text}.{b64(hmac.new(self.key.public, text.encode(), hashlib.sha256).digest())}"
        signature = (self.other if lie == "another key" else self.key).sign(text.encode())
        if lie == "the claims of another token":
            text = text.split(".")[0] + "." + b64(json.dumps({**claims, "sub": "2"}).encode())
        return f"{text}.{b64(signature)}"

    def sign_in(self, lie=None, meanwhile=lambda: None, browsers=None):
        """The status with which cordond answers the browser that comes back from us; 'meanwhile' is
        called while it is away.  'browsers' gets that browser, of whom cordond may know nothing yet."""
        self.lie = lie
        browser = Browser(self.api)
        (browsers if browsers is not None else []).append(browser)
        status, begun = browser.send("POST", "/session/openid/begin", {})
        if status == 503 and browsers is not None:
            return status
        assert status == 200, begun
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(begun["url"]).query))
        self.nonce = query["nonce"]
        meanwhile()
        status, answer = browser.send("POST", "/session/openid",
                                      {"code": "any", "state": query["state"]})
        if status == 409:  # somebody else's name
            return 401
        if status == 403 and "no group" in answer["detail"]:
            return 401
        return status
