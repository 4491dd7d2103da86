-- A visit may be to several places: each matter has its own, that of its first finding (null: its task's, as of before), and its
-- own t5, since when somebody was there.
ALTER TABLE matters ADD COLUMN lat double precision, ADD COLUMN lon double precision, ADD COLUMN arrived_at timestamptz;
-- Whoever has arrived by now has arrived at all of them.
UPDATE matters m SET arrived_at = t.arrived_at FROM tasks t WHERE t.id = m.task_id AND t.state = 'arrived';
