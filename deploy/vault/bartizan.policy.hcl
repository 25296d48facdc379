# What the gate may do in a Vault or OpenBao server: read its own secrets, and look after its own token.
# It may not list, write, or see any other path. `secret` is the KV version 2 engine's mount; a reference
# `vault:secret/bartizan/openai#api_key` reads `secret/data/bartizan/openai`.

# threat: AGP-E2
path "secret/data/bartizan/*" {
  capabilities = ["read"]
}

# Whether a refusal means the secret or the token.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}

# Before it expires.
path "auth/token/renew-self" {
  capabilities = ["update"]
}

# When the gate stops: nobody can use its token for the rest of its life.
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
