/** The routes that the cameras' pages ask. */

import type { CameraDetail, Zone, ZoneDrawing } from "./cameraTypes";
import { get, request } from "./client";

const camera = (id: string): string => `/cameras/${encodeURIComponent(id)}`;

export const cameras = {
  detail: (id: string) => get<CameraDetail>(camera(id)),
  draw: (id: string, version: string, zones: readonly Zone[]) => request<ZoneDrawing>("PUT", `${camera(id)}/zones`, { version, zones }),
};
