/** The map's look: no base map is needed, the city's own grids are the ground. Text is drawn with the machine's fonts. */

import type { LayerSpecification, StyleSpecification } from "maplibre-gl";

const empty = { type: "geojson" as const, data: { type: "FeatureCollection" as const, features: [] } };

const FONT = ["Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "sans-serif"];

const name = (size: number, colour: string) => ({
  layout: { "text-field": ["get", "name"] as ["get", string], "text-font": FONT, "text-size": size },
  paint: { "text-color": colour, "text-halo-color": "#07111f", "text-halo-width": 1.4 },
});

const gridLayers: LayerSpecification[] = [
  {
    id: "grids",
    type: "fill",
    source: "grids",
    paint: { "fill-color": ["case", ["get", "even"], "#0e2340", "#102a4b"], "fill-outline-color": "#0e2340" },
  },
  { id: "grid-lines", type: "line", source: "grids", paint: { "line-color": "#2c5585", "line-width": 1.2 } },
  {
    id: "grid-names",
    type: "symbol",
    source: "grid-names",
    layout: { ...name(15, "").layout, "text-letter-spacing": 0.12, "text-allow-overlap": true, "text-ignore-placement": true },
    paint: { "text-color": "#6f97c4", "text-halo-color": "#0e2340", "text-halo-width": 1.2 },
  },
];

function placeLayer(source: string, icon: LayerSpecification & { type: "symbol" }, colour: string): LayerSpecification {
  const text = name(12, colour);
  return {
    ...icon,
    id: source,
    source,
    layout: {
      ...text.layout,
      ...icon.layout,
      "icon-allow-overlap": true,
      "text-optional": true,
      "text-anchor": "top",
      "text-offset": [0, 0.9],
      "text-field": ["step", ["zoom"], "", 12.5, ["get", "name"]],
    },
    paint: text.paint,
  };
}

const symbol = (layout: object) => ({ id: "", type: "symbol", source: "", layout }) as LayerSpecification & { type: "symbol" };

export function blankStyle(): StyleSpecification {
  return {
    version: 8,
    sources: { grids: empty, "grid-names": empty, stations: empty, cameras: empty, officers: empty },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": "#081423" } },
      ...gridLayers,
      placeLayer("cameras", symbol({ "icon-image": ["get", "icon"], "icon-rotate": ["get", "heading"], "icon-rotation-alignment": "map" }), "#9fd8f0"),
      placeLayer("stations", symbol({ "icon-image": ["get", "icon"] }), "#a8e6cc"),
      {
        id: "officer-dots",
        type: "circle",
        source: "officers",
        paint: {
          "circle-radius": 7,
          "circle-color": ["case", ["get", "busy"], "#ffb84d", "#ffffff"],
          "circle-stroke-color": "#07111f",
          "circle-stroke-width": 2,
        },
      },
      {
        id: "officers",
        type: "symbol",
        source: "officers",
        layout: { ...name(13, "").layout, "text-anchor": "left", "text-offset": [0.8, 0], "text-optional": true },
        paint: name(13, "#ffffff").paint,
      },
    ],
  };
}
