/** What this browser plays. */

const PROFILES: Record<string, string> = { h264: "avc1.640028", h265: "hvc1.1.6.L120.90" };

export function browserPlays(codec: string): boolean {
  const profile = PROFILES[codec];
  return profile !== undefined && document.createElement("video").canPlayType(`video/mp4; codecs="${profile}"`) !== "";
}
