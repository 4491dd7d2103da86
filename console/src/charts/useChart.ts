/** ECharts with only what the pages draw, following its element's size and gone with its component. */

import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { onMounted, onUnmounted, type ShallowRef, watch } from "vue";

use([BarChart, LineChart, GridComponent, MarkLineComponent, TooltipComponent, CanvasRenderer]);

/** `option` is read again whenever something that it uses changes. */
export function useChart(element: Readonly<ShallowRef<HTMLElement | null>>, option: (rem: number) => EChartsCoreOption): void {
  let dispose: () => void = () => undefined;
  onMounted(() => {
    if (!element.value) return;
    const chart = init(element.value);
    const rem = (): number => parseFloat(getComputedStyle(document.documentElement).fontSize);
    const stop = watch(() => option(rem()), (value) => chart.setOption(value, { notMerge: true }), { immediate: true });
    const sizes = new ResizeObserver(() => {
      chart.resize();
      chart.setOption(option(rem()), { notMerge: true });
    });
    sizes.observe(element.value);
    dispose = () => {
      stop();
      sizes.disconnect();
      chart.dispose();
    };
  });
  onUnmounted(() => dispose());
}

export const FONT = getComputedStyle(document.documentElement).getPropertyValue("--font").trim();
