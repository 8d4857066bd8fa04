-- The log. Times are Unix nanoseconds in UTC, ids are the 16 bytes of a UUID, data is the fact as JSON text.
-- Stream and kind are integers: a name is stored once, not once an event. The view event_log joins them back.

CREATE TABLE streams (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE kinds (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE events (
  position    INTEGER PRIMARY KEY,
  id          BLOB    NOT NULL CHECK (length(id) = 16),
  stream      INTEGER NOT NULL REFERENCES streams (id),
  revision    INTEGER NOT NULL CHECK (revision >= 0),
  kind        INTEGER NOT NULL REFERENCES kinds (id),
  version     INTEGER NOT NULL,
  occurred_at INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  causation   BLOB, -- null where nothing caused it
  correlation TEXT    NOT NULL,
  actor       TEXT    NOT NULL,
  workspace   TEXT    NOT NULL,
  data        TEXT    NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_id ON events (id);
CREATE UNIQUE INDEX events_stream ON events (stream, revision);

CREATE TRIGGER events_never_change BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an event is never changed'); END;

CREATE TRIGGER events_never_go BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an event is never deleted'); END;

CREATE TRIGGER streams_never_change BEFORE UPDATE ON streams
BEGIN SELECT RAISE(ABORT, 'the log is append-only: a stream is never renamed'); END;

CREATE TRIGGER streams_never_go BEFORE DELETE ON streams
BEGIN SELECT RAISE(ABORT, 'the log is append-only: a stream is never deleted'); END;

CREATE TRIGGER kinds_never_change BEFORE UPDATE ON kinds
BEGIN SELECT RAISE(ABORT, 'the log is append-only: a kind is never renamed'); END;

CREATE TRIGGER kinds_never_go BEFORE DELETE ON kinds
BEGIN SELECT RAISE(ABORT, 'the log is append-only: a kind is never deleted'); END;

-- event_log is for people: names instead of numbers, UUIDs and times as text.
CREATE VIEW event_log AS
WITH hexed AS (
  SELECT *, lower(hex(id)) AS i, lower(hex(causation)) AS c FROM events
)
SELECT
  e.position,
  s.name AS stream,
  e.revision,
  k.name AS kind,
  e.version,
  strftime('%Y-%m-%dT%H:%M:%S', e.occurred_at / 1000000000, 'unixepoch') || printf('.%09dZ', e.occurred_at % 1000000000) AS occurred_at,
  strftime('%Y-%m-%dT%H:%M:%S', e.recorded_at / 1000000000, 'unixepoch') || printf('.%09dZ', e.recorded_at % 1000000000) AS recorded_at,
  e.actor,
  e.workspace,
  e.correlation,
  substr(e.i, 1, 8) || '-' || substr(e.i, 9, 4) || '-' || substr(e.i, 13, 4) || '-' || substr(e.i, 17, 4) || '-' || substr(e.i, 21) AS id,
  CASE WHEN e.causation IS NULL THEN NULL ELSE
    substr(e.c, 1, 8) || '-' || substr(e.c, 9, 4) || '-' || substr(e.c, 13, 4) || '-' || substr(e.c, 17, 4) || '-' || substr(e.c, 21)
  END AS causation,
  e.data
FROM hexed e
JOIN streams s ON s.id = e.stream
JOIN kinds k ON k.id = e.kind;
