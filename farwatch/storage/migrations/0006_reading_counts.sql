-- Readings written on each day of the city, drills left out: the wall asks every few seconds, and a day has millions of rows.
CREATE TABLE reading_counts (day date PRIMARY KEY, readings bigint NOT NULL) WITH (fillfactor = 50);
