"""Which packages do cryptography: names kept by hand, so that a bill of materials can point at them.

A name is here because the package computes something that security rests on (ciphers, signatures, hashes used as such,
key exchange, TLS, randomness for keys) or binds a library that does. What merely uses one of these is not.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

_CARGO: Final = """
aead aead-stream aes aes-gcm aes-gcm-siv aes-kw aes-siv age argon2 ascon-aead aws-lc-fips-sys aws-lc-rs aws-lc-sys
bcrypt bcrypt-pbkdf belt-hash blake2 blake2b_simd blake2s_simd blake3 blowfish boring boring-sys
camellia cast5 cbc ccm cfb-mode chacha20 chacha20poly1305 cipher cmac cmov constant_time_eq
crypto-bigint crypto_box crypto_secretbox crypto_kx ctr ctutils curve25519-dalek des digest dsa eax ecdsa ed25519
ed25519-dalek ed448-goldilocks elliptic-curve ff fips203 fips204 fips205 frost-core getrandom ghash
graviola group groestl hkdf hmac hpke idea josekit jsonwebtoken jubjub k256 keccak kmac lamport
libcrux libcrux-ml-kem libsodium-sys libsodium-sys-stable magma mbedtls mbedtls-sys-auto md-5 md2 md4
md5 ml-dsa ml-kem native-tls openssl openssl-sys orion p192 p224 p256 p384 p521 pairing password-hash
pbkdf2 pgp pkcs1 pkcs5 pkcs8 poly1305 polyval pqcrypto primeorder rand_chacha rc2 rc4 rc5 rfc6979 ring
ripemd rsa rust-argon2 rustls rustls-webpki salsa20 schannel schnorrkel scrypt secp256k1 secp256k1-sys
security-framework sequoia-openpgp serpent sha-1 sha1 sha1-asm sha1_smol sha2 sha2-asm sha3 shabal
signature skein slh-dsa sm2 sm3 sm4 snow sodiumoxide speck-cipher sponge ssh-key streebog subtle
threefish tiger tiny-keccak twofish universal-hash vodozemac webpki whirlpool wolfssl x25519-dalek
x448 xsalsa20poly1305 zeroize
"""
_GOLANG: Final = """
golang.org/x/crypto github.com/cloudflare/circl filippo.io/* github.com/ProtonMail/go-crypto
github.com/go-jose/* github.com/golang-jwt/* github.com/minio/sha256-simd github.com/zeebo/blake3
github.com/decred/dcrd/dcrec/* github.com/microsoft/go-crypto-*
"""
_DEB: Final = """
libssl* openssl libcrypt1 libcrypto* libgcrypt* libgnutls* libhogweed* libnettle* libmbed* libnss3
libsodium* libwolfssl* libgpg-error* gnupg* gpg libgpgme* libk5crypto* libkrb5-* libssh-* libssh2-*
libargon2-* libscrypt* libtomcrypt* libcryptsetup* libsecret-* ca-certificates
"""

NAMES: Final = {
    "cargo": frozenset(_CARGO.split()),
    "golang": frozenset(_GOLANG.split()),
    "deb": frozenset(_DEB.split()),
}
"""Globs over names, by type of purl-spec."""


def is_cryptographic(ecosystem: str, name: str, more: tuple[str, ...] = ()) -> bool:
    """Whether a package (of the type `cargo`, `golang` or `deb`) does cryptography; `more` are globs over names.

    >>> is_cryptographic("cargo", "sha2"), is_cryptographic("cargo", "idna")
    (True, False)
    """
    return any(fnmatchcase(name, glob) for glob in (*NAMES.get(ecosystem, ()), *more))
