-- A service account's token is found by its digest before its tenant is known, as a session is.
-- threat: CTX-T3
CREATE UNIQUE INDEX service_tokens_by_digest ON records (name) WHERE kind = 'service_token' AND name IS NOT NULL;
