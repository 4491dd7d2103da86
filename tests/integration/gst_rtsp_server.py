"""A GStreamer RTSP server for the tests: run by the system's python3, prints its port, ends with its standard input.

Its first argument is how to sign in: none, basic or digest. The moving picture is at /video (H.264), /h265 and /mjpeg, and as
H.264 in one way only at /udp and /tcp. Each further argument is an MP4 file, shown once at /FILE-NAME-WITHOUT-ENDING to each
who asks; its codec is what the name begins with.
"""

import os
import sys
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PICTURE = "( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! "
H264 = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 bitrate=500 ! rtph264pay name=pay0 pt=96 )"
LIVE = {
    "/video": H264,
    "/udp": H264,
    "/tcp": H264,
    "/h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=10 bitrate=500 ! rtph265pay name=pay0 pt=97 )",
    "/mjpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26 )",
}
WAYS = {"/udp": GstRtsp.RTSPLowerTrans.UDP, "/tcp": GstRtsp.RTSPLowerTrans.TCP}


def authentication(method: str) -> GstRtspServer.RTSPAuth:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    if method == "digest":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest("viewer", "s3cr3t:@/", token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic("viewer", "s3cr3t:@/"), token)
    return auth


def launches() -> dict[str, str]:
    found = {path: PICTURE + coding for path, coding in LIVE.items()}
    for name in sys.argv[2:]:
        codec = Path(name).stem[:4]
        found[f"/{Path(name).stem}"] = (
            f"( filesrc location={name} ! qtdemux ! {codec}parse config-interval=-1 ! rtp{codec}pay name=pay0 pt=96 )"
        )
    return found


def main() -> None:
    method = sys.argv[1]
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    ports = GstRtspServer.RTSPAddressPool()
    first = (
        40_000 + os.getpid() % 100 * 200
    )  # without a pool its datagrams' sockets listen to the whole network
    ports.add_range("127.0.0.1", "127.0.0.1", first, first + 199, 0)
    for path, launch in launches().items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_address_pool(ports)
        factory.set_launch(launch)
        if path in WAYS:
            factory.set_protocols(WAYS[path])
        if method != "none":
            permissions = GstRtspServer.RTSPPermissions()
            permissions.add_permission_for_role("viewer", "media.factory.access", True)
            permissions.add_permission_for_role("viewer", "media.factory.construct", True)
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory(path, factory)
    if method != "none":
        server.set_auth(authentication(method))
    server.attach(None)
    sys.stdout.write(f"{server.get_bound_port()}\n")
    sys.stdout.flush()
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, lambda *_: loop.quit())
    loop.run()


if __name__ == "__main__":
    main()
