-- A service account's token is found by its digest before its tenant is known, as a session is.
-- threat: CTX-T3
CREATE UNIQUE INDEX service_tokens_by_digest ON bartizan.records (name) WHERE kind = 'service_token' AND name IS NOT NULL;

-- threat: AGP-E1
CREATE POLICY node_finds_service_tokens ON bartizan.records FOR SELECT TO bartizan_feed USING (kind = 'service_token');
