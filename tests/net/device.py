"""A device of our own making: a certificate of any kind by the lab's authority, and a connection
that speaks the wire protocol (length, JSON), as a rogue switch or sensor would."""
import datetime
import json
import os
import socket
import ssl
import struct
import time

import opened
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def subject(name, role):
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Cordon"),
                      x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role),
                      x509.NameAttribute(NameOID.COMMON_NAME, name)])


def forge(folder, pki, name, role, begins_s=-3600, ends_s=86400, is_ours=True):
    """A certificate as the authority in 'pki' would never issue it; (certificate, key) paths."""
    os.makedirs(folder, exist_ok=True)
    now = datetime.datetime.utcnow()
    key = ec.generate_private_key(ec.SECP256R1())
    with open(os.path.join(pki, "ca.pem"), "rb") as file:
        authority = x509.load_pem_x509_certificate(file.read())
    signer = serialization.load_pem_private_key(
        opened.opened(os.path.dirname(pki), "pki/ca.key.sealed", "authority"), None)
    if not is_ours:
        signer = ec.generate_private_key(ec.SECP256R1())
    made = (x509.CertificateBuilder().subject_name(subject(name, role))
            .issuer_name(authority.subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(seconds=begins_s))
            .not_valid_after(now + datetime.timedelta(seconds=ends_s))
            .add_extension(x509.BasicConstraints(False, None), True)
            .sign(signer, hashes.SHA256()))
    paths = os.path.join(folder, f"{name}.pem"), os.path.join(folder, f"{name}.key")
    with open(paths[0], "wb") as file:
        file.write(made.public_bytes(serialization.Encoding.PEM))
    with open(paths[1], "wb") as file:
        file.write(key.private_bytes(serialization.Encoding.PEM,
                                     serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption()))
    return paths


def shorten(state_dir, life_s):
    """The controller's own certificate ends that soon: for the same key and names, issued now.  Returns it."""
    pki = os.path.join(state_dir, "pki")
    path = os.path.join(pki, "server.pem")
    with open(path, "rb") as file:
        whole = file.read()
    behind = whole.index(b"-----END CERTIFICATE-----") + len(b"-----END CERTIFICATE-----\n")
    own, authority = x509.load_pem_x509_certificate(whole[:behind]), whole[behind:]
    signer = serialization.load_pem_private_key(
        opened.opened(state_dir, "pki/ca.key.sealed", "authority"), None)
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(own.subject).issuer_name(own.issuer)
               .public_key(own.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(now - datetime.timedelta(hours=1))  # as PKI_BACKDATE_S has it
               .not_valid_after(now + datetime.timedelta(seconds=life_s)))
    for extension in own.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    made = builder.sign(signer, hashes.SHA256())
    with open(path, "wb") as file:  # in place: its owner and mode stay
        file.write(made.public_bytes(serialization.Encoding.PEM) + authority)
    return made


def shown(address, ca):
    """The certificate that a server shows to whoever comes now."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(ca)
    with context.wrap_socket(socket.create_connection(address, timeout=20)) as line:
        return x509.load_der_x509_certificate(line.getpeercert(binary_form=True))


class Line:
    """One connection to cordond with that certificate."""

    def __init__(self, address, certificate, key, ca, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(ca)
        context.load_cert_chain(certificate, key)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.name, self.sequence = name, 0
        self.socket = context.wrap_socket(socket.create_connection(address, timeout=20))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, message):
        data = json.dumps(message).encode()
        self.socket.sendall(struct.pack("!I", len(data)) + data)

    def hello(self):
        self.send({"type": "hello", "name": self.name, "version": "0", "run_id": "x", "epoch": 0,
                   "wall_us": int(time.time() * 1e6),
                   "tells_held": True})
        return self

    def facts(self, facts, switch=None, is_full=False):
        self.sequence += 1
        now = int(time.time() * 1e6)
        self.send({"type": "facts", "switch_name": switch or self.name, "sequence": self.sequence,
                   **({"is_full": True} if is_full else {}), "is_last": True,
                   "facts": [dict({"seen_us": now}, **fact) for fact in facts]})

    def receive(self, timeout_s=20):
        """The next message; None: the other end closed the line."""
        self.socket.settimeout(timeout_s)
        head = self._read(4)
        data = head and self._read(struct.unpack("!I", head)[0])
        return json.loads(data) if data else None

    def _read(self, size):
        data = b""
        while len(data) < size:
            try:
                part = self.socket.recv(size - len(data))
            except (ConnectionError, ssl.SSLError):
                return None
            if not part:
                return None
            data += part
        return data

    def ends(self, timeout_s=20):
        """Reads until the other end closes; raises where it does not in time."""
        while self.receive(timeout_s) is not None:
            pass
        return True


def alert_of(address, certificate, key, ca, patience_s=20):
    """How cordond refuses a handshake: OpenSSL's word for its alert, "closed", or "" (let in: nothing came
    within 'patience_s')."""
    try:
        with Line(address, certificate, key, ca, "x") as line:
            line.socket.settimeout(patience_s)
            try:
                return "" if line.socket.recv(1) else "closed"
            except (socket.timeout, TimeoutError):
                return ""
    except ssl.SSLError as error:
        return error.reason or str(error)
    except ConnectionError:
        return "closed"
