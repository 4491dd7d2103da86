-- How often a warned enterprise's contact has answered by his link: each answer is an entry of the log for ever.
ALTER TABLE warnings ADD COLUMN answers smallint NOT NULL DEFAULT 0;
