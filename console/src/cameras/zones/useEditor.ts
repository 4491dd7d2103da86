/** The editor's state: zones with their history, what is selected, and the polygon that is being drawn. */

import { computed, ref, type Ref } from "vue";

import type { Point, Purpose, Zone } from "@/api/cameraTypes";
import { word } from "@/i18n";
import { addZone, insertPoint, isFull, movePoint, moveZone, problemOf, removePoint, removeZone, rename, repurpose, type Zones } from "./drawing";
import { clamped, midpoint, POINTS_MAX, POINTS_MIN } from "./geometry";
import { useHistory } from "./useHistory";

const RECTANGLE: readonly Point[] = [
  [0.3, 0.35],
  [0.7, 0.35],
  [0.7, 0.75],
  [0.3, 0.75],
];

export function useEditor() {
  const history = useHistory<Zones>([]);
  const zones = history.now;
  const selected: Ref<number | null> = ref(null);
  const point: Ref<number | null> = ref(null);
  const draft = ref<readonly Point[] | null>(null);
  const purpose = ref<Purpose>("ground");

  const zone = computed<Zone | null>(() => (selected.value === null ? null : (zones.value[selected.value] ?? null)));
  const problems = computed(() => zones.value.map((_, at) => problemOf(zones.value, at)));

  function select(at: number | null, of: number | null = null): void {
    selected.value = at;
    point.value = of;
    history.settle();
  }

  /** After an undo there may be less than was selected. */
  function hold(): void {
    if (selected.value !== null && selected.value >= zones.value.length) select(null);
    if (zone.value && point.value !== null && point.value >= zone.value.polygon.length) point.value = zone.value.polygon.length - 1;
  }

  function restart(from: Zones): void {
    history.restart(from);
    select(null);
    draft.value = null;
  }

  function dragPoint(at: number, of: number, to: Point): void {
    history.change(movePoint(zones.value, at, of, to), `point ${at} ${of}`);
  }

  function dragZone(at: number, by: Point): void {
    history.change(moveZone(zones.value, at, by), `zone ${at}`);
  }

  /** Gives the number of the new point, null when the zone has as many as it may. */
  function insertAfter(at: number, of: number, where?: Point): number | null {
    const polygon = zones.value[at]?.polygon ?? [];
    const [from, to] = [polygon[of], polygon[(of + 1) % polygon.length]];
    if (!from || !to || polygon.length >= POINTS_MAX) return null;
    history.change(insertPoint(zones.value, at, of, where ?? midpoint(from, to)));
    select(at, of + 1);
    return of + 1;
  }

  function deletePoint(at: number, of: number): void {
    if ((zones.value[at]?.polygon.length ?? 0) <= POINTS_MIN) return;
    history.change(removePoint(zones.value, at, of));
    select(at, Math.max(0, of - 1));
  }

  function deleteZone(at: number): void {
    history.change(removeZone(zones.value, at));
    select(null);
  }

  function add(polygon: readonly Point[]): void {
    if (isFull(zones.value)) return;
    history.change(addZone(zones.value, purpose.value, polygon, word("zone_name", purpose.value)));
    select(zones.value.length - 1);
  }

  function beginDraft(): void {
    select(null);
    draft.value = [];
  }

  function draw(to: Point): void {
    if (draft.value && draft.value.length < POINTS_MAX) draft.value = [...draft.value, clamped(to)];
  }

  function finishDraft(): void {
    if ((draft.value?.length ?? 0) < POINTS_MIN) return;
    add(draft.value ?? []);
    draft.value = null;
  }

  return {
    zones, selected, point, draft, purpose, zone, problems, select, restart, dragPoint, dragZone, insertAfter, deletePoint, deleteZone, beginDraft, draw, finishDraft,
    canUndo: history.canUndo,
    canRedo: history.canRedo,
    settle: history.settle,
    undo: () => (history.undo(), hold()),
    redo: () => (history.redo(), hold()),
    addRectangle: () => add(RECTANGLE),
    takeBack: () => (draft.value = draft.value?.slice(0, -1) ?? null),
    cancelDraft: () => (draft.value = null),
    rename: (at: number, name: string) => history.change(rename(zones.value, at, name), `name ${at}`),
    repurpose: (at: number, to: Purpose) => history.change(repurpose(zones.value, at, to)),
  };
}

export type Editor = ReturnType<typeof useEditor>;
