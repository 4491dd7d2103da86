-- Which cases quota and retention leave alone. A hold keeps every visit of its line: those it was opened again from, and those opened again.
CREATE VIEW held_tasks AS
  WITH RECURSIVE line AS (
    SELECT t.id, t.reopened_from FROM tasks t JOIN legal_holds h ON h.task_id = t.id AND h.lifted_at IS NULL
    UNION SELECT t.id, t.reopened_from FROM tasks t JOIN line l ON t.id = l.reopened_from OR t.reopened_from = l.id
  ) SELECT id FROM line;
-- Confirmed by two persons, or handled with a decision about a penalty.
CREATE VIEW confirmed_tasks AS
  SELECT t.id, t.closed_at FROM tasks t WHERE EXISTS (SELECT FROM case_statuses s WHERE s.task_id = t.id AND s.status = 'evidence')
    OR (t.outcome = 'handled' AND EXISTS (SELECT FROM penalty_decisions p WHERE p.task_id = t.id AND p.withdrawn_at IS NULL));
