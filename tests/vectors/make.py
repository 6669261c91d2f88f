"""Writes sealing.json: sealed values made by another implementation of the format that
shared/sealing/src/lib.rs describes. Run with Python's `cryptography` (checked with 48.0.0):

    python3 tests/vectors/make.py > tests/vectors/sealing.json

All keys, salts and values are fixed, so the output is always the same.
"""

import hashlib
import json
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

BRANCH_KEY_INFO = b"connect-sessions/sealing/1/branch-key"
TOKEN_INFO = {
    "session-defaults": b"connect-sessions/sealing/2/session-defaults",
    "oauth-flow": b"connect-sessions/sealing/2/oauth-flow",
}
ZERO_NONCE = bytes(12)


def fixed_bytes(name: str, length: int = 32) -> bytes:
    return hashlib.shake_256(name.encode()).digest(length)


def seal(secret, info, header, location, salt, plaintext):
    derived = HKDF(algorithm=SHA256(), length=64, salt=salt, info=info).derive(secret)
    key, commitment = derived[:32], derived[32:]
    parts = [
        location["table"].encode(),
        bytes.fromhex(location["partition_key"]),
        bytes.fromhex(location["sort_key"]),
        location["attribute"].encode(),
    ]
    additional_data = header + b"".join(struct.pack(">I", len(part)) + part for part in parts)
    return header + salt + commitment + AESGCM(key).encrypt(ZERO_NONCE, plaintext, additional_data)


CONNECTION = {
    "table": "connections",
    "partition_key": b"ENV#0192d3a4-5b6c-7d8e-9f00-112233445566".hex(),
    "sort_key": "my integration#conn-ä".encode().hex(),
    "attribute": "credentials",
}
SESSION = {
    "table": "sessions",
    "partition_key": fixed_bytes("token hash").hex(),
    "sort_key": "",
    "attribute": "secrets",
}


def branch_key_vector(name, version, location, plaintext):
    key = fixed_bytes(name + " key")
    header = struct.pack(">BI", 1, version)
    sealed = seal(key, BRANCH_KEY_INFO, header, location, fixed_bytes(name + " salt"), plaintext)
    return {
        "name": name,
        "branch_key": key.hex(),
        "version": version,
        "location": location,
        "plaintext": plaintext.hex(),
        "sealed": sealed.hex(),
    }


def token_vector(name, bearer, purpose, location, plaintext):
    sealed = seal(
        bearer.encode(), TOKEN_INFO[purpose], b"\x02", location, fixed_bytes(name + " salt"), plaintext
    )
    return {
        "name": name,
        "bearer": bearer,
        "purpose": purpose,
        "location": location,
        "plaintext": plaintext.hex(),
        "sealed": sealed.hex(),
    }


TOKEN = "nango_connect_session_" + fixed_bytes("token").hex()

VECTORS = {
    "branch_key": [
        branch_key_vector("credentials", 1, CONNECTION, b'{"type":"API_KEY","apiKey":"key-1"}'),
        branch_key_vector("an empty value", 2, CONNECTION, b""),
        branch_key_vector("the highest version", 2**32 - 1, CONNECTION, b"\x00"),
        branch_key_vector("no sort key", 1, SESSION, bytes(range(256))),
    ],
    "token": [
        token_vector("secrets of a session", TOKEN, "session-defaults", SESSION, b"client secret"),
        token_vector("secrets of a flow", fixed_bytes("cookie").hex(), "oauth-flow", SESSION, b"verifier"),
    ],
}

if __name__ == "__main__":
    print(json.dumps(VECTORS, indent=2, ensure_ascii=False))
