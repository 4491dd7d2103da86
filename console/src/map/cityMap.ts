/** The map itself: layers for what stands, HTML markers for the tasks. Everything is updated in place. */

import { type GeoJSONSource, Map as LibreMap, Marker, NavigationControl, ScaleControl, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";

import type { Box } from "./features";
import { icons } from "./icons";
import { blankStyle } from "./style";

setWorkerUrl(workerUrl);

export interface TaskMark {
  id: number;
  lat: number;
  lon: number;
  element: () => HTMLElement;
  /** Brings the element to how the task stands now. */
  update: (element: HTMLElement) => void;
}

export type Picked = { layer: "cameras" | "stations"; id: string } | null;

const CLICKABLE = ["cameras", "stations"] as const;
const PADDING = 48;

export class CityMap {
  private readonly map: LibreMap;
  private readonly markers = new Map<number, Marker>();
  private readonly waiting = new Map<string, GeoJSON.FeatureCollection>();
  private ready = false;
  /** Somebody has chosen his own view: it is left alone until he asks for the whole city again. */
  private moved = false;
  private box: Box | null = null;

  /** Throws when the browser has no WebGL. */
  constructor(container: HTMLElement, picked: (thing: Picked) => void) {
    this.map = new LibreMap({
      container,
      style: blankStyle(),
      center: [116.4, 39.9],
      zoom: 10,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      fadeDuration: 0,
      canvasContextAttributes: { antialias: true },
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.addControl(new NavigationControl({ showCompass: false }), "bottom-right");
    this.map.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-left");
    this.map.on("load", () => this.loaded());
    this.map.on("movestart", (event) => (this.moved ||= Boolean(event.originalEvent)));
    this.map.on("resize", () => this.moved || this.fit());
    this.map.on("click", (event) => {
      const hit = this.map.queryRenderedFeatures(event.point, { layers: [...CLICKABLE] })[0];
      picked(hit ? { layer: hit.layer.id as "cameras" | "stations", id: String(hit.properties.id) } : null);
    });
    for (const layer of CLICKABLE) {
      this.map.on("mouseenter", layer, () => (this.map.getCanvas().style.cursor = "pointer"));
      this.map.on("mouseleave", layer, () => (this.map.getCanvas().style.cursor = ""));
    }
  }

  show(source: string, data: GeoJSON.FeatureCollection): void {
    if (!this.ready) this.waiting.set(source, data);
    else this.map.getSource<GeoJSONSource>(source)?.setData(data);
  }

  /** Moves the view only when the city itself has changed its extent. */
  frame(box: Box | null): void {
    if (!box || (this.box && JSON.stringify(box) === JSON.stringify(this.box))) return;
    this.box = box;
    if (!this.moved) this.fit();
  }

  fit(): void {
    if (!this.box) return;
    this.moved = false;
    const { west, south, east, north } = this.box;
    this.map.fitBounds([west, south, east, north], { padding: PADDING, animate: false, maxZoom: 15 });
  }

  flyTo(lat: number, lon: number): void {
    this.moved = true;
    this.map.easeTo({ center: [lon, lat], zoom: Math.max(this.map.getZoom(), 13.5), duration: 800 });
  }

  showTasks(marks: TaskMark[]): void {
    const kept = new Set(marks.map((mark) => mark.id));
    for (const [id, marker] of this.markers) {
      if (kept.has(id)) continue;
      marker.remove();
      this.markers.delete(id);
    }
    for (const mark of marks) this.mark(mark);
  }

  remove(): void {
    this.map.remove();
  }

  private mark(mark: TaskMark): void {
    let marker = this.markers.get(mark.id);
    if (!marker) {
      marker = new Marker({ element: mark.element(), anchor: "bottom" }).setLngLat([mark.lon, mark.lat]).addTo(this.map);
      this.markers.set(mark.id, marker);
    }
    const at = marker.getLngLat();
    if (at.lng !== mark.lon || at.lat !== mark.lat) marker.setLngLat([mark.lon, mark.lat]);
    mark.update(marker.getElement());
  }

  private loaded(): void {
    for (const { name, image, pixelRatio } of icons()) this.map.addImage(name, image, { pixelRatio });
    this.ready = true;
    for (const [source, data] of this.waiting) this.show(source, data);
    this.waiting.clear();
  }
}
