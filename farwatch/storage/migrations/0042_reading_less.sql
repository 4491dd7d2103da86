-- What planning a notice and the list of storms look for, so that neither reads a whole table.
CREATE INDEX notices_by_finding ON notices (finding_id) WHERE finding_id IS NOT NULL;
CREATE INDEX notices_of_storms ON notices (target, step) WHERE task_id IS NULL AND finding_id IS NULL;
CREATE INDEX tasks_of_storm ON tasks (storm_id) WHERE storm_id IS NOT NULL;
