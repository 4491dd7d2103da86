"""Reports (一日一网巡、一周一晾晒、一月一总结): figures from cases, and their page, spreadsheet and paper."""
