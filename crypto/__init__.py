"""Bytes and keys, nothing of ours above them: the standard library and pyca/cryptography only.

Map, from the ground up:

- ``errors``      what can be refused, each with a stable code and a French sentence
- ``framing``     labels, unambiguous concatenation, canonical JSON, strict base64
- ``signatures``  Ed25519 over labelled messages, signed statements
- ``sealing``     HPKE to one receiver, AES-256-GCM chunks of an upload
- ``wrapping``    small secrets under a key that wraps many
- ``keys``        identities and fingerprints, shares, run keys, derivations, key confirmation
- ``key_files``   secrets on a disk: written, read, destroyed
- ``hashing``     keyed hashing for the encoder (the third party never loads it)
- ``audit``       Merkle log, its proofs and signed checkpoints
- ``witness``     checkpoints signed by who has seen them
"""
