-- +goose Up

-- The log. Times are Unix nanoseconds in UTC, data is the fact as JSON text. Names compare by their bytes (COLLATE "C"),
-- so that an index means the same on every machine. The view event_log shows the times as times.

CREATE TABLE events (
  position    bigint PRIMARY KEY CHECK (position > 0),
  id          uuid   NOT NULL,
  stream      text   NOT NULL COLLATE "C",
  revision    bigint NOT NULL CHECK (revision >= 0),
  kind        text   NOT NULL COLLATE "C",
  version     int    NOT NULL,
  occurred_at bigint NOT NULL,
  recorded_at bigint NOT NULL,
  causation   uuid, -- null where nothing caused it
  correlation text   NOT NULL,
  actor       text   NOT NULL,
  workspace   text   NOT NULL,
  data        text   NOT NULL
);

CREATE UNIQUE INDEX events_id ON events (id);
CREATE UNIQUE INDEX events_stream ON events (stream, revision);

-- +goose StatementBegin
CREATE FUNCTION events_never_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the log is append-only: an event is never changed and never deleted' USING ERRCODE = 'restrict_violation';
END
$$;
-- +goose StatementEnd

CREATE TRIGGER events_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events
  FOR EACH STATEMENT EXECUTE FUNCTION events_never_change();

-- Also where session_replication_role switches other triggers off.
ALTER TABLE events ENABLE ALWAYS TRIGGER events_never_change;

-- event_log is for people. PostgreSQL's times count microseconds: the last three digits are in the table only.
CREATE VIEW event_log AS
SELECT
  position,
  stream,
  revision,
  kind,
  version,
  timestamptz 'epoch' + (occurred_at / 1000) * interval '1 microsecond' AS occurred_at,
  timestamptz 'epoch' + (recorded_at / 1000) * interval '1 microsecond' AS recorded_at,
  actor,
  workspace,
  correlation,
  id,
  causation,
  data
FROM events;
