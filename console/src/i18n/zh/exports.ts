/** 案件证据包。 */
export const exports: Record<string, string> = {
  "export.title": "证据包",
  "export.purpose": "用途",
  "export.take": "导出证据包",
  "export.verify": "核验页面",
  "export.key": "签名公钥指纹",
  "export.unsealed": "还有 {count} 条记录尚未封印，整点之后再导出一次。",
  "error.no_signing_key": "这台服务器上没有本市的签名密钥",
  "error.disk_short": "磁盘空间不足，暂不能导出",
  "error.log_behind": "日志尚未编入本案的最新记录，请稍后再导出",
};
