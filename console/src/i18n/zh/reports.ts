/** What reports say; what files say too comes from where those have it. */

import written from "../../../../alerting/reports/words.json";

export const reports: Record<string, string> = {
  ...written,
  "report.tab_daily": "日",
  "report.tab_weekly": "周",
  "report.tab_monthly": "月",
  "report.date": "日期",
  "report.before_button": "前一期",
  "report.after_button": "后一期",
  "report.pdf": "导出 PDF",
  "report.xlsx": "导出 Excel",
  "report.nothing": "这个时段没有案卷受理、办结或超时。",
  "report.chart_trend": "立案与办结",
  "report.chart_kinds": "各类立案",
  "error.bad_report_date": "日期不在可统计的范围内",
  "error.too_many_cases": "案卷过多，无法一次统计",
};
