"""Basic and Digest authentication (RFC 7617, RFC 7616), computed and verified.

Digest with MD5 or SHA-256, their -sess forms, and the protections auth and auth-int.
Basic never answers where Digest was offered: a camera's password must not travel readable because somebody asked so.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ingest.rtsp.errors import Problem, RtspError

_MOST_VALUE_CHARS = 4096
"""Of a header that is looked at; what servers send is a tenth of it."""
# All cameras of a process wait while one's header is parsed: none of these patterns goes back over what it has read.
_PARAMETER = re.compile(r'(?<![A-Za-z_-])([A-Za-z_-]{1,64}+)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s,"]*+))')
_QUOTED = re.compile(r'"(?:[^"\\]|\\.?)*+"?')
_SCHEME = re.compile(r"\s*(Basic|Digest)\b(?!\s*=)", re.IGNORECASE)
_HASHES = {"md5": hashlib.md5, "sha-256": hashlib.sha256}
_PREFERRED = ("sha-256", "sha-256-sess", "md5", "md5-sess")
_QOPS = ("auth", "auth-int")


@dataclass(frozen=True, slots=True)
class Credential:
    """A camera account. The password is in no text that Python makes of it."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One way that a server offers to sign in. `algorithm` is lower case, empty for Basic; `qop` auth, auth-int or empty."""

    scheme: str
    realm: str
    nonce: str = ""
    algorithm: str = ""
    qop: str = ""
    opaque: str | None = None
    stale: bool = False


def parse_challenges(values: Sequence[str]) -> list[Challenge]:
    """The challenges of all WWW-Authenticate headers, Digest ones with unknown algorithms or qop included."""
    return [
        c
        for value in values
        for text in _split_schemes(value[:_MOST_VALUE_CHARS])
        if (c := _parse_challenge(text)) is not None
    ]


def _split_schemes(value: str) -> list[str]:
    """Several challenges may share a header, separated by commas like their own parameters."""
    quoted = _QUOTED.sub(lambda m: '"' * len(m[0]), value)
    starts = [m.start(1) for m in re.finditer(r"(?:^|,)\s*(Basic|Digest)\b(?!\s*=)", quoted, re.IGNORECASE)]
    return [value[a:b] for a, b in pairwise([*starts, len(value)])]


def _parse_challenge(text: str) -> Challenge | None:
    match = _SCHEME.match(text)
    if match is None:
        return None
    parameters = parse_parameters(text[match.end() :])
    if match[1].lower() == "basic":
        return Challenge(scheme="basic", realm=parameters.get("realm", ""))
    offered_qop = [q.strip().lower() for q in parameters.get("qop", "").split(",") if q.strip()]
    algorithm = parameters.get("algorithm", "MD5").lower()
    qop = next((known for known in _QOPS if known in offered_qop), "")
    if offered_qop and not qop:
        algorithm = f"{algorithm} with {offered_qop[0]}"
    elif algorithm.endswith("-sess") and not qop:
        algorithm = f"{algorithm} without qop"  # its answer wants a nonce of ours, which nothing carries then
    return Challenge(
        scheme="digest",
        realm=parameters.get("realm", ""),
        nonce=parameters.get("nonce", ""),
        algorithm=algorithm,
        qop=qop,
        opaque=parameters.get("opaque"),
        stale=parameters.get("stale", "").lower() == "true",
    )


def parse_parameters(text: str) -> dict[str, str]:
    """`name="value"` pairs with lower-case names; of a repeated name the first counts."""
    found: dict[str, str] = {}
    for name, quoted, bare in _PARAMETER.findall(text[:_MOST_VALUE_CHARS]):
        found.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or bare)
    return found


def _shown(algorithm: str) -> str:
    return algorithm.upper().replace("-SESS", "-sess")


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def digest(
    algorithm: str, credential: Credential, realm: str, method: str, uri: str, nonce: str, qop: str = ""
) -> str:
    """The response value for a request without a body. `qop` is empty, or `nc:cnonce:auth` or `nc:cnonce:auth-int`."""
    new = _HASHES[algorithm.removesuffix("-sess")]

    def h(text: str) -> str:
        return new(text.encode()).hexdigest()

    account = h(f"{credential.user}:{realm}:{credential.password}")
    if algorithm.endswith("-sess"):
        account = h(f"{account}:{nonce}:{qop.split(':')[1] if qop else ''}")
    middle = f"{nonce}:{qop}" if qop else nonce
    request = f"{method}:{uri}:{h('')}" if qop.endswith(":auth-int") else f"{method}:{uri}"
    return h(f"{account}:{middle}:{h(request)}")


class Authenticator:
    """The client's side: remembers the server's challenge and answers it on each request."""

    def __init__(self, credential: Credential | None) -> None:
        self._credential = credential
        self._challenge: Challenge | None = None
        self._digest_seen = False
        self._answer_was_good = False
        self._count = 0

    def challenged(self, values: Sequence[str]) -> None:
        """Takes the challenges of a 401. Raises RtspError(UNAUTHORISED) where another answer would be no use."""
        if self._credential is None:
            raise RtspError(Problem.UNAUTHORISED, "the camera wants a user and a password")
        chosen = self._choose(parse_challenges(values))
        if self._challenge is not None and not self._answer_was_good and not self._is_stale(chosen):
            raise RtspError(Problem.UNAUTHORISED, "the camera refuses this user and password")
        self._challenge, self._answer_was_good, self._count = chosen, False, 0

    def _is_stale(self, chosen: Challenge) -> bool:
        """The answer was right and only its nonce too old; said twice in a row it is no longer believed."""
        return chosen.stale and self._challenge is not None and not self._challenge.stale

    def _choose(self, offered: Sequence[Challenge]) -> Challenge:
        digests = [c for c in offered if c.scheme == "digest"]
        self._digest_seen |= bool(digests)
        for algorithm in _PREFERRED:
            for challenge in digests:
                if challenge.algorithm == algorithm:
                    return challenge
        if self._digest_seen:
            names = ", ".join(c.algorithm for c in digests) or "none any more"
            raise RtspError(
                Problem.UNAUTHORISED, f"no Digest that we know is offered ({names[:80]}); Basic is weaker"
            )
        for challenge in offered:
            return challenge
        raise RtspError(Problem.UNAUTHORISED, "the camera names no way to sign in that we know")

    def accepted(self) -> None:
        """An answer was good: a later 401 is a new question (cameras let nonces run out), not a refusal."""
        self._answer_was_good = self._challenge is not None

    def authorization(self, method: str, uri: str) -> str | None:
        """The value of the Authorization header, None before any challenge."""
        challenge, credential = self._challenge, self._credential
        if challenge is None or credential is None:
            return None
        if challenge.scheme == "basic":
            return "Basic " + base64.b64encode(f"{credential.user}:{credential.password}".encode()).decode()
        self._count += 1
        count, own_nonce = f"{self._count:08x}", secrets.token_hex(8)
        qop = f"{count}:{own_nonce}:{challenge.qop}" if challenge.qop else ""
        answer = digest(challenge.algorithm, credential, challenge.realm, method, uri, challenge.nonce, qop)
        parts = [f"username={_quote(credential.user)}", f"realm={_quote(challenge.realm)}"]
        parts += [f"nonce={_quote(challenge.nonce)}", f"uri={_quote(uri)}", f'response="{answer}"']
        if challenge.algorithm != "md5":
            parts.append(f"algorithm={_shown(challenge.algorithm)}")
        if qop:
            parts += [f"qop={challenge.qop}", f"nc={count}", f'cnonce="{own_nonce}"']
        if challenge.opaque is not None:
            parts.append(f"opaque={_quote(challenge.opaque)}")
        return "Digest " + ", ".join(parts)


class Verifier:
    """The server's side, for one connection: says how to sign in, and checks the answers.

    `schemes` are those of basic, md5, sha-256 and the -sess forms that are offered. A counted Digest answer is good once.
    """

    def __init__(
        self,
        credential: Credential,
        realm: str,
        schemes: Sequence[str] = ("sha-256", "md5"),
        qop: str = "auth",
    ) -> None:
        self._credential = credential
        self._realm = realm
        self._schemes = tuple(schemes)
        self._qop = qop
        self._nonce = secrets.token_hex(16)
        self._highest_count = 0

    def challenges(self) -> list[str]:
        """Values for one WWW-Authenticate header each, strongest first."""
        realm = _quote(self._realm)
        values = [
            f'Digest realm={realm}, nonce="{self._nonce}", algorithm={_shown(name)}, qop="{self._qop}"'
            for name in _PREFERRED
            if name in self._schemes
        ]
        return [*values, f"Basic realm={realm}"] if "basic" in self._schemes else values

    def verify(self, method: str, uri: str, authorization: str | None) -> bool:
        """True when the Authorization header proves the user and password for this request."""
        scheme, _, rest = (authorization or "").strip().partition(" ")
        if scheme.lower() == "basic" and "basic" in self._schemes:
            return self._verify_basic(rest)
        if scheme.lower() == "digest":
            return self._verify_digest(method, uri, parse_parameters(rest))
        return False

    def _verify_basic(self, token: str) -> bool:
        wanted = f"{self._credential.user}:{self._credential.password}".encode()
        try:
            return secrets.compare_digest(base64.b64decode(token.strip(), validate=True), wanted)
        except ValueError:
            return False

    def _verify_digest(self, method: str, uri: str, given: Mapping[str, str]) -> bool:
        algorithm, qop, count = given.get("algorithm", "MD5").lower(), "", 0
        named = (given.get("username"), given.get("realm"), given.get("nonce"), given.get("uri"))
        if algorithm not in self._schemes or named != (self._credential.user, self._realm, self._nonce, uri):
            return False
        if "qop" in given:
            if given["qop"] not in _QOPS or not re.fullmatch(r"[0-9a-fA-F]{8}", given.get("nc", "")):
                return False
            count = int(given["nc"], 16)
            if count <= self._highest_count:
                return False
            qop = f"{given['nc']}:{given.get('cnonce', '')}:{given['qop']}"
        wanted = digest(algorithm, self._credential, self._realm, method, uri, self._nonce, qop)
        good = secrets.compare_digest(wanted.encode(), given.get("response", "").lower().encode())
        if good:
            self._highest_count = max(self._highest_count, count)
        return good
