-- What was carried into a window out of the one before, less what was carried out of it into the next.
ALTER TABLE bartizan.budget_windows ADD COLUMN carried bigint NOT NULL DEFAULT 0;

-- What may still be leased, with what was carried in.
CREATE FUNCTION bartizan.room_with(limit_nanos bigint, carried bigint, spent bigint, leased bigint, unexplained bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT bartizan.room(least(limit_nanos::numeric + carried, 9223372036854775807)::bigint, spent, leased, unexplained)
$$;
