-- A case that somebody reviewed has its years, not a quota: also between its two reviews, rejected, or overtaken by one piece more.
CREATE OR REPLACE VIEW confirmed_tasks AS
  SELECT t.id, t.closed_at FROM tasks t WHERE EXISTS (SELECT FROM case_reviews r WHERE r.task_id = t.id AND r.withdrawn_at IS NULL)
    OR (t.outcome = 'handled' AND EXISTS (SELECT FROM penalty_decisions p WHERE p.task_id = t.id AND p.withdrawn_at IS NULL));
