"""The world comes in: monitors over MQTT, cameras over RTSP."""
