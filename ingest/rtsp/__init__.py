"""RTSP and RTP without I/O, both ways (RFC 2326/7826 subset, RFC 3550, RFC 6184), and a thin asyncio reader.

A camera reader needs four names: `session.RtspReader`, `frames.CodedFrame`, `frames.annex_b`, `errors.RtspError`.
"""
