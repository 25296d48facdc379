//! One true example of every rule, put together at run time so that this file holds none.

/// Varied text of a length, over an alphabet; the same for the same salt.
pub fn noise(alphabet: &str, length: usize, salt: u64) -> String {
    let letters = alphabet.as_bytes();
    let mut state = salt.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    let draw = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(letters[(state >> 33) as usize % letters.len()])
    };
    (0..length).map(draw).collect()
}

pub const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
pub const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
pub const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
pub const HEX: &str = "0123456789abcdef";
pub const DIGITS: &str = "123456789";

/// A JWT with this many bytes of payload.
pub fn jwt(payload: usize) -> String {
    let header = concat!("eyJhbGciOiJI", "UzI1NiIsInR5cCI6IkpXVCJ9");
    format!(
        "{header}.eyJ{}.{}",
        noise(ALNUM, payload, 71),
        noise(ALNUM, 43, 72)
    )
}

/// A private key block with this many lines.
pub fn pem(label: &str, lines: usize) -> String {
    let body: Vec<String> = (0..lines)
        .map(|line| noise(ALNUM, 64, 80 + line as u64))
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----",
        body.join("\n")
    )
}

/// The rule, what stands before the finding, and the finding. What follows is up to the test.
pub fn samples() -> Vec<(&'static str, String, String)> {
    let mut all = prefixed();
    all.extend(shaped());
    all.extend(crate::catalogue::samples());
    all
}

/// A vendor's prefix and a value of fixed length.
fn prefixed() -> Vec<(&'static str, String, String)> {
    from_table(PREFIXED)
}

/// A rule, its prefix, the alphabet of the rest, and how long that is.
pub type Row = (&'static str, &'static str, &'static str, usize);

/// A value for each row of a table.
pub fn from_table(table: &[Row]) -> Vec<(&'static str, String, String)> {
    let make = |(at, row): (usize, &Row)| {
        let value = format!("{}{}", row.1, noise(row.2, row.3, at as u64 + 1));
        (row.0, String::new(), value)
    };
    table.iter().enumerate().map(make).collect()
}

pub const PREFIXED: &[Row] = &[
    ("bartizan_virtual_key", "btz_", ALNUM, 43),
    ("anthropic_api_key", "sk-ant-api03-", ALNUM, 95),
    ("openrouter_api_key", "sk-or-v1-", HEX, 64),
    ("huggingface_token", "hf_", ALNUM, 34),
    ("groq_api_key", "gsk_", ALNUM, 52),
    ("xai_api_key", "xai-", ALNUM, 80),
    ("perplexity_api_key", "pplx-", ALNUM, 48),
    ("nvidia_api_key", "nvapi-", ALNUM, 64),
    ("replicate_api_token", "r8_", ALNUM, 37),
    ("google_api_key", "AIza", ALNUM, 35),
    ("aws_bedrock_api_key", "ABSK", ALNUM, 132),
    ("aws_access_key_id", "AKIA", UPPER, 16),
    ("aws_access_key_id", "ASIA", UPPER, 16),
    ("gcp_oauth_access_token", "ya29.", ALNUM, 80),
    ("gcp_oauth_client_secret", "GOCSPX-", ALNUM, 28),
    ("gcp_refresh_token", "1//0", ALNUM, 60),
    ("digitalocean_token", "dop_v1_", HEX, 64),
    ("databricks_token", "dapi", HEX, 32),
    ("vault_token", "hvs.", ALNUM, 90),
    ("doppler_token", "dp.pt.", ALNUM, 43),
    ("alibaba_access_key_id", "LTAI", ALNUM, 20),
    ("planetscale_token", "pscale_tkn_", ALNUM, 43),
    ("tailscale_key", "tskey-api-", ALNUM, 40),
    ("supabase_token", "sbp_", HEX, 40),
    ("fly_io_token", "fo1_", ALNUM, 43),
    ("github_token", "ghp_", ALNUM, 36),
    ("github_token", "gho_", ALNUM, 36),
    ("github_token", "ghu_", ALNUM, 36),
    ("github_token", "ghs_", ALNUM, 36),
    ("github_token", "ghr_", ALNUM, 76),
    ("github_fine_grained_token", "github_pat_", ALNUM, 82),
    ("gitlab_token", "glpat-", ALNUM, 20),
    ("npm_token", "npm_", ALNUM, 36),
    ("pypi_token", "pypi-AgEIcHlwaS5vcmc", ALNUM, 130),
    ("rubygems_token", "rubygems_", HEX, 48),
    ("nuget_api_key", "oy2", LOWER, 43),
    ("docker_hub_token", "dckr_pat_", ALNUM, 27),
    ("atlassian_token", "ATATT3", ALNUM, 180),
    ("bitbucket_app_password", "ATBB", ALNUM, 32),
    ("linear_api_key", "lin_api_", ALNUM, 40),
    ("sentry_token", "sntryu_", HEX, 64),
    ("grafana_token", "glsa_", ALNUM, 41),
    ("new_relic_key", "NRAK-", UPPER, 27),
    ("sourcegraph_token", "sgp_", HEX, 40),
    ("sonar_token", "squ_", HEX, 40),
    ("artifactory_token", "AKCp", ALNUM, 69),
    ("pulumi_token", "pul-", HEX, 40),
    ("figma_token", "figd_", ALNUM, 40),
    ("buildkite_token", "bkua_", HEX, 40),
    ("readme_api_key", "rdme_", LOWER, 70),
    ("circleci_token", "CCIPAT_", ALNUM, 60),
    ("stripe_key", "sk_live_", ALNUM, 24),
    ("stripe_key", "rk_test_", ALNUM, 99),
    ("stripe_webhook_secret", "whsec_", ALNUM, 32),
    ("shopify_token", "shpat_", HEX, 32),
    ("square_token", "sq0atp-", ALNUM, 22),
    ("square_access_token", "EAAAE", ALNUM, 59),
    ("facebook_access_token", "EAAC", ALNUM, 120),
    ("mailgun_api_key", "key-", HEX, 32),
    ("notion_token", "ntn_", ALNUM, 46),
    ("notion_token", "secret_", ALNUM, 43),
    ("one_password_service_token", "ops_eyJ", ALNUM, 250),
    ("age_secret_key", "AGE-SECRET-KEY-1", UPPER, 58),
    ("shippo_token", "shippo_live_", HEX, 40),
    ("easypost_key", "EZAK", ALNUM, 54),
    ("posthog_key", "phx_", ALNUM, 43),
    ("prefect_key", "pnu_", LOWER, 36),
];
/// Values of more than one part, or known only by what stands before them.
fn shaped() -> Vec<(&'static str, String, String)> {
    let n = noise;
    let row = |rule, before: &str, secret: String| (rule, before.to_owned(), secret);
    vec![
        row("openai_api_key", "sk-", n(ALNUM, 48, 101)),
        row("openai_api_key", "sk-", format!("proj-{}", n(ALNUM, 140, 102))),
        row(
            "aws_secret_access_key",
            "aws_secret_access_key = \"",
            n(ALNUM, 40, 103),
        ),
        row(
            "aws_secret_access_key",
            "AWS_SECRET_ACCESS_KEY=",
            n(ALNUM, 40, 104),
        ),
        row(
            "aws_mws_token",
            "",
            format!(
                "amzn.mws.{}-{}-{}-{}-{}",
                n(HEX, 8, 1),
                n(HEX, 4, 2),
                n(HEX, 4, 3),
                n(HEX, 4, 4),
                n(HEX, 12, 5)
            ),
        ),
        row("azure_client_secret", "aB3", format!("8Q~{}", n(ALNUM, 34, 105))),
        row(
            "azure_storage_key",
            "AccountName=x;AccountKey=",
            format!("{}==", n(ALNUM, 86, 106)),
        ),
        row(
            "azure_shared_access_key",
            "SharedAccessKey=",
            format!("{}=", n(ALNUM, 43, 107)),
        ),
        row(
            "cloudflare_origin_ca_key",
            "",
            format!("v1.0-{}-{}", n(HEX, 24, 108), n(HEX, 146, 109)),
        ),
        row(
            "dynatrace_token",
            "",
            format!("dt0c01.{}.{}", n(UPPER, 24, 110), n(UPPER, 64, 111)),
        ),
        row(
            "postman_api_key",
            "",
            format!("PMAK-{}-{}", n(HEX, 24, 112), n(HEX, 34, 113)),
        ),
        row(
            "telegram_bot_token",
            "123456789",
            format!(":AA{}", n(ALNUM, 33, 114)),
        ),
        row(
            "slack_token",
            "",
            format!(
                "xoxb-{}-{}-{}",
                n(DIGITS, 12, 115),
                n(DIGITS, 12, 116),
                n(ALNUM, 24, 117)
            ),
        ),
        row(
            "slack_app_token",
            "",
            format!(
                "xapp-1-A{}-{}-{}",
                n(UPPER, 10, 118),
                n(DIGITS, 13, 119),
                n(HEX, 64, 120)
            ),
        ),
        row(
            "slack_webhook_url",
            "https://hooks.slack.com/",
            format!(
                "services/T{}/B{}/{}",
                n(UPPER, 8, 121),
                n(UPPER, 8, 122),
                n(ALNUM, 24, 123)
            ),
        ),
        row(
            "discord_webhook_url",
            "https://discord.com/api/webhooks/",
            format!("{}/{}", n(DIGITS, 18, 124), n(ALNUM, 68, 125)),
        ),
        row(
            "teams_webhook_url",
            "https://acme.webhook.office.com/",
            format!(
                "webhookb2/{}@{}/IncomingWebhook/{}",
                n(HEX, 36, 126),
                n(HEX, 36, 127),
                n(HEX, 32, 128)
            ),
        ),
        row(
            "sendgrid_api_key",
            "",
            format!("SG.{}.{}", n(ALNUM, 22, 129), n(ALNUM, 43, 130)),
        ),
        row("twilio_api_key", "twilio_auth_token = '", n(HEX, 32, 131)),
        row(
            "twilio_api_key",
            "TWILIO_API_KEY=",
            format!("SK{}", n(HEX, 32, 132)),
        ),
        row(
            "sendinblue_api_key",
            "",
            format!("xkeysib-{}-{}", n(HEX, 64, 133), n(ALNUM, 16, 134)),
        ),
        row(
            "one_password_secret_key",
            "",
            format!(
                "A3-{}-{}-{}-{}-{}",
                n(UPPER, 6, 137),
                n(UPPER, 11, 138),
                n(UPPER, 5, 139),
                n(UPPER, 5, 140),
                n(UPPER, 5, 141)
            ),
        ),
        row(
            "telnyx_key",
            "",
            format!("KEY0{}_{}", n(ALNUM, 31, 142), n(ALNUM, 22, 143)),
        ),
        row(
            "mapbox_secret_token",
            "",
            format!("sk.eyJ{}.{}", n(ALNUM, 80, 144), n(ALNUM, 22, 145)),
        ),
        row(
            "private_key",
            "-----BEGIN ",
            pem("RSA PRIVATE KEY", 20)["-----BEGIN ".len()..].to_owned(),
        ),
        row(
            "private_key",
            "-----BEGIN ",
            pem("OPENSSH PRIVATE KEY", 6)["-----BEGIN ".len()..].to_owned(),
        ),
        row(
            "private_key",
            "-----BEGIN ",
            pem("PRIVATE KEY", 1)["-----BEGIN ".len()..].to_owned(),
        ),
        row(
            "private_key",
            "-----BEGIN ",
            pem("PGP PRIVATE KEY BLOCK", 30)["-----BEGIN ".len()..].to_owned(),
        ),
        row(
            "private_key_base64",
            "",
            concat!("LS0tLS1CRUdJTi", "BQUklWQVRFIEtFWS0tLS0t").to_owned() + &n(ALNUM, 200, 146),
        ),
        row("jwt", "", jwt(120)),
        row("jwt", "", jwt(5_000)),
        row("connection_string_password", "postgres://app:", n(ALNUM, 18, 147)),
        row(
            "connection_string_password",
            "mongodb+srv://app:",
            n(ALNUM, 18, 148),
        ),
        row("connection_string_password", "redis://:", n(ALNUM, 18, 149)),
        row("basic_auth_url", "https://build:", n(ALNUM, 18, 150)),
        row("bearer_token", "Authorization: Bearer ", n(ALNUM, 40, 151)),
        row(
            "basic_credentials",
            "Authorization: Basic ",
            concat!("YWxhZGRp", "bjpvcGVuc2VzYW1l").to_owned(),
        ),
        row("assigned_secret", "api_key = \"", n(ALNUM, 32, 152)),
        row("assigned_secret", "DB_PASSWORD=", n(ALNUM, 24, 153)),
        row("assigned_secret", "\"client_secret\": \"", n(ALNUM, 40, 154)),
    ]
}

/// What may stand behind a sample without becoming part of it, and completes the ones that need it.
pub fn after(rule: &str) -> &'static str {
    match rule {
        "connection_string_password" | "basic_auth_url" => "@db.internal:5432/app",
        _ => "\n",
    }
}
