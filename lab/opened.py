"""Opens what cordond seals (src/base/seal.h), by libsodium itself: for tests that stand in for a
controller or an authority, and that look whether the format is what its header says."""
import ctypes
import os
import pathlib

PURPOSES = ["notify", "accounts", "login", "devices", "pki", "authority", "audit"]
HEAD, NONCE, MAC = 8 + 8 + 24, 24, 16
SODIUM = ctypes.CDLL("libsodium.so.23")


def derive(master, number, size):
    out = ctypes.create_string_buffer(size)
    SODIUM.crypto_kdf_derive_from_key(out, ctypes.c_size_t(size), ctypes.c_uint64(number),
                                      b"cordseal", master)
    return out.raw


def opened(state, name, purpose, master=None):
    """The bytes of STATE/name; None: this purpose (or name, or master key) does not open it."""
    state = pathlib.Path(state)
    keys = (master or (state / "secret.key").read_bytes())
    sealed = (state / name).read_bytes()
    assert sealed[:8] == b"CORDSEAL"
    for at in range(0, len(keys), 32):
        key = keys[at:at + 32]
        if derive(key, 0, 16)[:8] != sealed[8:16]:
            continue
        about = f"{purpose}/{os.path.basename(name)}".encode()
        plain = ctypes.create_string_buffer(len(sealed) - HEAD - MAC + 1)
        failed = SODIUM.crypto_aead_xchacha20poly1305_ietf_decrypt(
            plain, None, None, sealed[HEAD:], ctypes.c_ulonglong(len(sealed) - HEAD), about,
            ctypes.c_ulonglong(len(about)), sealed[16:HEAD],
            derive(key, PURPOSES.index(purpose) + 1, 32))
        return None if failed else plain.raw[:-1]
    return None


def key_written(pki, name, to):
    """The private key NAME of 'pki' as PEM, for programs that know no seal."""
    pki = pathlib.Path(pki)
    pem = opened(pki.parent, f"pki/{name}.key.sealed", "authority" if name == "ca" else "pki")
    with open(to, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(pem)
    return str(to)
