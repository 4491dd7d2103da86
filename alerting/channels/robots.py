"""Group robots of DingTalk, WeCom and Feishu. They answer 200 also when they refuse; what counts stands in the answer's body."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import httpx

from alerting.channels import SEND_TIMEOUT_S, Address, Failed, Message, Sent
from farwatch.runtime.clock import Clock

TOO_MANY = frozenset({130101, 660026, 45009, 302033, 11232, 9499, 429})
"""DingTalk's, WeCom's and Feishu's ways to say that more came than they take; they then take nothing for ten minutes."""
ANSWER_MAX_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Robot:
    """`base` is where the token is appended to; `code` the answer's field that is 0 when all is well."""

    base: str
    code: str


ROBOTS = {
    "dingtalk": Robot("https://oapi.dingtalk.com/robot/send?access_token=", "errcode"),
    "wecombot": Robot("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=", "errcode"),
    "feishu": Robot("https://open.feishu.cn/open-apis/bot/v2/hook/", "code"),
    "lark": Robot("https://open.larksuite.com/open-apis/bot/v2/hook/", "code"),
}


class Robots:
    """Addresses as apprise writes them: `dingtalk://[SECRET@]TOKEN`, `wecombot://KEY`, `feishu://TOKEN`. Close it."""

    def __init__(
        self, clock: Clock, timeout_s: float = SEND_TIMEOUT_S, robots: Mapping[str, Robot] = ROBOTS
    ) -> None:
        self._clock = clock
        self._timeout_s = timeout_s
        self._robots = robots
        self._client = httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=timeout_s)

    async def send(self, address: Address, message: Message) -> Sent | Failed:
        robot = self._robots[address.scheme]
        text = f"{message.title}\n{message.text}"
        feishu = robot.code == "code"
        body = (
            {"msg_type": "text", "content": {"text": text}}
            if feishu
            else {"msgtype": "text", "text": {"content": text}}
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._client.post(self._url(robot, address), json=body)
        except (TimeoutError, httpx.TimeoutException):
            return Failed("timeout")
        except httpx.ConnectError:
            return Failed("not_reached")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Failed(type(error).__name__)
        return _outcome(answer, robot)

    def _url(self, robot: Robot, address: Address) -> str:
        place = urlsplit(address.url)
        user, _, host = place.netloc.rpartition("@")
        if address.scheme != "dingtalk" or not user:
            return robot.base + host
        secret, at_ms = unquote(user), int(self._clock.now().timestamp() * 1000)
        digest = hmac.new(secret.encode(), f"{at_ms}\n{secret}".encode(), hashlib.sha256).digest()
        return str(
            httpx.URL(robot.base + host).copy_merge_params(
                {"timestamp": str(at_ms), "sign": base64.b64encode(digest).decode()}
            )
        )

    async def close(self) -> None:
        await self._client.aclose()


def _outcome(answer: httpx.Response, robot: Robot) -> Sent | Failed:
    if answer.status_code != httpx.codes.OK:
        return Failed(f"http_{answer.status_code}", too_many=answer.status_code in TOO_MANY)
    try:
        said = answer.json()
        code = int(said[robot.code])
    except (ValueError, TypeError, KeyError):
        return Failed("unreadable_answer")
    if code == 0:
        return Sent()
    return Failed(f"refused_{code}", too_many=code in TOO_MANY)
