import { describe, expect, it } from "vitest";

import type { Point, Zone } from "@/api/cameraTypes";
import { addZone, freeName, insertPoint, isSame, movePoint, moveZone, problemOf, removePoint, rename } from "@/cameras/zones/drawing";
import { area, clamped, crossesItself } from "@/cameras/zones/geometry";
import { useEditor } from "@/cameras/zones/useEditor";

const SQUARE: readonly Point[] = [
  [0.2, 0.2],
  [0.6, 0.2],
  [0.6, 0.6],
  [0.2, 0.6],
];
const BOW: readonly Point[] = [
  [0, 0],
  [1, 1],
  [1, 0],
  [0, 1],
];
const zone = (change: Partial<Zone> = {}): Zone => ({ name: "yard", purpose: "ground", polygon: SQUARE, ...change });

describe("a polygon", () => {
  it("has an area, crosses itself or not, and stays in the picture", () => {
    expect(area(SQUARE)).toBeCloseTo(0.16);
    expect([crossesItself(SQUARE), crossesItself(BOW)]).toEqual([false, true]);
    expect(clamped([-0.2, 1.00001])).toEqual([0, 1]);
  });

  it("is moved as far as it stays in the picture", () => {
    const [moved] = moveZone([zone()], 0, [0.9, -0.1]);
    expect(moved?.polygon[0]).toEqual([0.6, 0.1]);
    expect(moved?.polygon[2]).toEqual([1, 0.5]);
  });

  it("gets points and loses them, down to three", () => {
    const more = insertPoint([zone()], 0, 3, [0.1, 0.4]);
    expect(more[0]?.polygon).toHaveLength(5);
    expect(more[0]?.polygon[4]).toEqual([0.1, 0.4]);
    let less = more;
    for (let i = 0; i < 5; i++) less = removePoint(less, 0, 0);
    expect(less[0]?.polygon).toHaveLength(3);
  });
});

describe("what the server would refuse", () => {
  it.each([
    [zone({ name: "" }), "zone_name"],
    [zone({ name: "a b" }), "zone_name"],
    [zone({ name: "-yard" }), "zone_name"],
    [zone({ name: "x".repeat(65) }), "zone_name"],
    [zone({ name: "西门 二" }), "zone_name"],
    [zone({ polygon: BOW }), "zone_crosses_itself"],
    [zone({ polygon: SQUARE.map(([x, y]): Point => [x / 100, y / 100]) }), "zone_too_small"],
    [zone({ polygon: Array.from({ length: 41 }, (_, i): Point => [i / 100, i % 2 ? 0.9 : 0.1]) }), "zone_too_many_points"],
    [zone({ name: "西门.2" }), null],
  ])("is said before it is sent: %j", (one, problem) => expect(problemOf([one], 0)).toBe(problem));

  it("includes a name that is there twice", () => expect(problemOf([zone(), zone()], 1)).toBe("zone_twice"));
});

describe("a new zone", () => {
  it("gets a name that is free", () => {
    expect(freeName([], "遮挡")).toBe("遮挡1");
    expect(freeName([zone({ name: "地面1" }), zone({ name: "地面2" })], "地面")).toBe("地面3");
    expect(addZone([], "sky", [[2, 0], [0.5, 0.5], [0, 0]], "天空")[0]).toEqual({ name: "天空1", purpose: "sky", polygon: [[1, 0], [0.5, 0.5], [0, 0]] });
  });
});

describe("the editor", () => {
  it("undoes a whole drag at once, and names apart", () => {
    const editor = useEditor();
    editor.restart([zone()]);
    for (let i = 1; i <= 10; i++) editor.dragPoint(0, 0, [i / 100, 0]);
    editor.settle();
    editor.rename(0, "gate");
    editor.undo();
    expect([editor.zones.value[0]?.name, editor.zones.value[0]?.polygon[0]]).toEqual(["yard", [0.1, 0]]);
    editor.undo();
    expect([editor.zones.value, editor.canUndo.value]).toEqual([[zone()], false]);
    editor.redo();
    editor.redo();
    expect(editor.zones.value[0]?.name).toBe("gate");
  });

  it("draws point by point, takes one back, and closes from three points on", () => {
    const editor = useEditor();
    editor.purpose.value = "mask";
    editor.beginDraft();
    for (const point of SQUARE.slice(0, 2)) editor.draw(point);
    editor.finishDraft();
    expect(editor.zones.value).toEqual([]);
    editor.draw([0.9, 0.9]);
    editor.takeBack();
    editor.draw(SQUARE[2] ?? [0, 0]);
    editor.finishDraft();
    expect(editor.zones.value).toEqual([{ name: "遮挡1", purpose: "mask", polygon: SQUARE.slice(0, 3) }]);
    expect([editor.selected.value, editor.draft.value]).toEqual([0, null]);
  });

  it("selects nothing that an undo took away", () => {
    const editor = useEditor();
    editor.restart([zone()]);
    editor.insertAfter(0, 3);
    expect(editor.point.value).toBe(4);
    editor.undo();
    expect(editor.point.value).toBe(3);
    editor.addRectangle();
    editor.undo();
    expect(editor.selected.value).toBe(null);
  });

  it("takes twenty zones of forty points and no more", () => {
    const editor = useEditor();
    for (let i = 0; i < 25; i++) editor.addRectangle();
    expect(editor.zones.value).toHaveLength(20);
    expect(new Set(editor.zones.value.map(({ name }) => name)).size).toBe(20);
    for (let i = 0; i < 50; i++) editor.insertAfter(0, 0);
    expect(editor.zones.value[0]?.polygon).toHaveLength(40);
  });

  it("counts neither the order of zones nor a rounding as a change", () => {
    const other = zone({ name: "sky", purpose: "sky" });
    expect(isSame([zone(), other], [other, movePoint([zone()], 0, 0, [0.20001, 0.2])[0] ?? zone()])).toBe(true);
    expect(isSame([zone()], rename([zone()], 0, "gate"))).toBe(false);
  });
});
