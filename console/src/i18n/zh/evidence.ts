/** 证据：视频及其副本，缺失及原因。 */

export const evidence: Record<string, string> = {
  "task.copy_pending": "正在生成浏览器可播放的副本",
  "task.plays_copy": "正在播放供浏览器使用的副本；原件为 {codec}，未作改动。",
  "task.plays_not": "此浏览器无法播放 {codec} 原件。",
  "task.fetch_original": "下载原件",
  "task.evidence_purged": "不再保存：{reason}",
  "evidence.key_distance": "关键帧间隔 {seconds} 秒",
  "evidence.clock_offset": "到达晚 {seconds} 秒",
  "evidence.cut_short": "提前结束：{reason}",
  "codec.h264": "H.264",
  "codec.h265": "H.265",
  "codec.mjpeg": "MJPEG",
  "time_source.rtcp": "摄像机时钟",
  "time_source.receive": "以到达时间计",
  "lost.disk_full": "磁盘空间不足",
  "lost.copy_failed": "副本生成失败",
  "lost.copy_too_slow": "生成副本超时",
  "lost.original_purged": "原件已不再保存",
  "lost.stream_changed": "摄像机码流变更",
  "health.disk_short": "磁盘将满：只存截图，不存视频",
};
