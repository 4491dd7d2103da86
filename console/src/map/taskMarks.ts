/** A task's pin on the map: the kind gives sign and colour, the clock gives the ring. */

import type { Task } from "@/api/types";
import { clocks, leadMatter } from "@/task/taskView";
import { word } from "@/i18n";
import { kindStyle } from "@/ui/kinds";
import type { TaskMark } from "./cityMap";

const SVG = "http://www.w3.org/2000/svg";

function pin(task: Task, open: (id: number) => void): HTMLElement {
  const style = kindStyle(leadMatter(task)?.kind ?? task.kinds[0]);
  const button = document.createElement("button");
  button.type = "button";
  button.style.setProperty("--kind", style.colour);
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    open(task.id);
  });
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", style.path);
  svg.append(path);
  button.append(svg);
  return button;
}

export function taskMark(task: Task, nowMs: number, open: (id: number) => void): TaskMark {
  return {
    id: task.id,
    lat: task.place.lat,
    lon: task.place.lon,
    element: () => pin(task, open),
    update(element) {
      const both = clocks(task, nowMs);
      const tone = both.active ? both[both.active].tone : "done";
      const overdue = both.active && both[both.active].phase === "overdue";
      const classes = ["pin", `tone-${tone}`, `state-${task.state}`, overdue ? "overdue" : "", task.drill_id ? "drill" : ""];
      const wanted = classes.filter(Boolean).join(" ");
      if (element.dataset.look === wanted) return;
      if (element.dataset.look) element.classList.remove(...element.dataset.look.split(" "));
      element.classList.add(...wanted.split(" "));
      element.dataset.look = wanted;
      element.setAttribute("aria-label", `#${task.id} ${word("kind", task.kinds[0])} ${word("state", task.state)}`);
    },
  };
}
