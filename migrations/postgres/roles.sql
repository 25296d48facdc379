-- The two roles the gate works under. Roles belong to the whole server, so this runs before the migrations
-- of each database; it changes nothing where it has run before, and several replicas may run it at once.
DO $$
DECLARE
    wanted     text;
    switchable text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['bartizan_app', 'bartizan_feed'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOBYPASSRLS', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another replica was faster
            END;
        END IF;
        IF NOT pg_has_role(current_user, wanted, switchable) THEN
            BEGIN
                EXECUTE format('GRANT %I TO %I', wanted, current_user);
            EXCEPTION
                WHEN unique_violation OR internal_error THEN
                    NULL; -- another replica was faster
                WHEN insufficient_privilege THEN
                    NULL; -- the roles were made by someone else; an owner need not switch to them
            END;
        END IF;
    END LOOP;
END
$$;
