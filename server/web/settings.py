"""The slice of the settings that the web role needs."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """`tls`: this process speaks TLS itself. `proxied`: a proxy of ours stands in front, so the last entry of its
    X-Forwarded-For and X-Forwarded-Proto is believed; nobody else's ever is. `session_hours`: how long a sign-in lasts.
    `metrics_token` lets a scraper from another machine read /metrics. `camera_player_url` is a page of the city's own gateway
    that plays a camera, with `{camera}` for its id. `public_url`: where phones outside reach these pages; None: as this request
    did. `bureau_name` is what the public pages call the bureau. `report_font` is a font that PDF reports embed."""

    tls: bool = False
    proxied: bool = False
    session_hours: float = 12.0
    metrics_token: str | None = None
    camera_player_url: str | None = None
    public_url: str | None = None
    bureau_name: str = ""
    report_font: Path | None = None
