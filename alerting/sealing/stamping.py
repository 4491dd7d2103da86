"""Asks a time stamp authority (RFC 3161) to witness the roots of seals, and verifies what such an authority said."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn
from urllib.parse import urlsplit

import httpx
import rfc3161_client
from cryptography import x509
from prometheus_client import Gauge

from alerting.verifier import verify
from alerting.verifier.layout import Found
from farwatch.domain.merkle import Seal
from farwatch.storage import seals
from farwatch.storage.database import Pool
from farwatch.storage.seals import Stamp

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0
MOST_ANSWER_BYTES = 64 * 1024
LOOK_EVERY_S = 60.0
RETRY_EVERY_S = 3600.0
_TYPES = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
UNSTAMPED = Gauge(
    "farwatch_seals_unstamped",
    "Seals of the last 30 days that the time stamp authority has not witnessed yet",
    multiprocess_mode="mostrecent",
)


class StampError(Exception):
    """The authority did not answer, refused, or said something else than it was asked for."""


@dataclass(frozen=True, slots=True)
class Authority:
    """`root` is its root certificate; without one the answer's signature is kept but not verified here."""

    url: str
    root: x509.Certificate | None = None

    @property
    def name(self) -> str:
        """Host and port: an address may hold a password."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


def read_certificate(pem: bytes) -> x509.Certificate:
    """Raises ValueError."""
    return x509.load_pem_x509_certificate(pem)


async def run(pool: Pool, authority: Authority) -> NoReturn:
    """For ever: a new seal is witnessed within a minute; an authority that does not answer is asked again each hour."""
    while True:
        await asyncio.sleep(RETRY_EVERY_S if await stamp_all(pool, authority) else LOOK_EVERY_S)


async def stamp_all(pool: Pool, authority: Authority) -> int:
    """Asks for every seal that lacks a stamp, until one fails; returns how many still lack one."""
    waiting, stamped = await seals.unstamped(pool, authority.name), 0
    UNSTAMPED.set(len(waiting))
    async with httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=TIMEOUT_S) as client:
        for signed in waiting:
            try:
                stamp = await ask(client, authority, signed.seal)
            except StampError as error:
                log.warning("no time stamp from %s: %s", authority.name, error, extra={"event": "no_stamp"})
                break
            async with pool.acquire() as connection:
                await seals.add_stamp(connection, stamp)
            stamped += 1
    UNSTAMPED.set(len(waiting) - stamped)
    return len(waiting) - stamped


async def ask(client: httpx.AsyncClient, authority: Authority, seal: Seal) -> Stamp:
    """Raises StampError; what comes back was verified as far as the authority's certificate is known."""
    builder = rfc3161_client.TimestampRequestBuilder(data=seal.root)
    request = builder.hash_algorithm(rfc3161_client.HashAlgorithm.SHA256).build()
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            client.stream("POST", authority.url, content=request.as_bytes(), headers=_TYPES) as answer,
        ):
            if answer.status_code != 200:
                raise StampError(f"HTTP {answer.status_code}")
            token = b""
            async for chunk in answer.aiter_bytes():
                token += chunk
                if len(token) > MOST_ANSWER_BYTES:
                    raise StampError("a longer answer than any time stamp")
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise StampError(type(error).__name__) from None
    at = verified(token, seal.root, authority.root, request.nonce)
    return Stamp(seal.hour, authority.name, token, at)


def verified(
    token: bytes, root: bytes, certificate: x509.Certificate | None, nonce: int | None = None
) -> datetime:
    """When the authority saw this root. Raises StampError unless `token` says so, under `certificate` where one is given."""
    try:
        answer = rfc3161_client.decode_timestamp_response(token)
        if rfc3161_client.PKIStatus(answer.status) is not rfc3161_client.PKIStatus.GRANTED:
            raise StampError(f"refused: status {answer.status}")
        told = answer.tst_info
        if nonce is not None and told.nonce != nonce:
            raise StampError("an answer to another question")
        if certificate is not None:
            builder = rfc3161_client.VerifierBuilder().add_root_certificate(certificate)
            builder.build().verify_message(answer, root)
        elif told.message_imprint.message != _imprint(root):
            raise StampError("a stamp of something else")
    except (rfc3161_client.VerificationError, ValueError) as error:
        raise StampError(str(error).partition("\n")[0][:200]) from None
    return told.gen_time


def _imprint(root: bytes) -> bytes:
    builder = rfc3161_client.TimestampRequestBuilder(data=root)
    request = builder.hash_algorithm(rfc3161_client.HashAlgorithm.SHA256).build()
    return request.message_imprint.message


def judge(
    stamps: Sequence[verify.Stamp], certificate: x509.Certificate | None
) -> tuple[list[Found], list[str]]:
    """What is wrong with the stamps in an evidence ZIP, and what is to be known of them."""
    found, notes = [], []
    for stamp in stamps:
        try:
            at = verified(stamp.token, stamp.root, certificate)
        except StampError as error:
            found.append(Found("stamp_wrong", f"{stamp.hour} {stamp.authority}", str(error)))
        else:
            by_whom = "" if certificate else ", by an authority that nobody vouches for here"
            notes.append(f"the seal of {stamp.hour} was stamped at {at.isoformat()}{by_whom}")
    return found, notes
