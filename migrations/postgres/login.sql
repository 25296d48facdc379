-- Lets the login named by `bartizan.login` switch to the gate's two roles, and gives it nothing else: what it
-- has not switched to, it cannot use.
DO $$
DECLARE
    login text := current_setting('bartizan.login');
BEGIN
    IF current_setting('server_version_num')::int >= 160000 THEN
        EXECUTE format('GRANT bartizan_app, bartizan_feed TO %I WITH INHERIT FALSE, SET TRUE', login);
    ELSE
        EXECUTE format('ALTER ROLE %I NOINHERIT', login);
        EXECUTE format('GRANT bartizan_app, bartizan_feed TO %I', login);
    END IF;
END
$$;
