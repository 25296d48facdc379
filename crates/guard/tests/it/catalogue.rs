//! True examples of the rules for vendors and stored passwords, put together at run time so that this file
//! holds none, and what every prefix must leave alone.

use guard::Secrets;

use crate::samples::{ALNUM, DIGITS, HEX, LOWER, PREFIXED, Row, UPPER, from_table, noise};

const CRYPT: &str = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const VENDORS: &[Row] = &[
    ("jina_api_key", "jina_", ALNUM, 60),
    ("tavily_api_key", "tvly-", ALNUM, 32),
    ("firecrawl_api_key", "fc-", HEX, 32),
    ("langsmith_api_key", "lsv2_pt_", HEX, 43),
    ("pinecone_api_key", "pcsk_", ALNUM, 70),
    ("cerebras_api_key", "csk-", LOWER, 48),
    ("together_api_key", "tgp_v1_", ALNUM, 43),
    ("fireworks_api_key", "fw_", ALNUM, 24),
    ("e2b_api_key", "e2b_", HEX, 40),
    ("apify_token", "apify_api_", ALNUM, 36),
    ("browserbase_api_key", "bb_live_", ALNUM, 27),
    ("brave_search_key", "BSA", ALNUM, 28),
    ("friendli_token", "flp_", ALNUM, 46),
    ("wandb_api_key", "wandb_v1_", ALNUM, 77),
    ("voyage_api_key", "pa-", ALNUM, 43),
    ("nomic_api_key", "nk-", ALNUM, 43),
    ("google_ai_studio_key", "AQ.Ab", ALNUM, 48),
    ("vercel_token", "vcp_", ALNUM, 56),
    ("heroku_api_key", "HRKU-", ALNUM, 60),
    ("netlify_token", "nfp_", ALNUM, 40),
    ("render_api_key", "rnd_", ALNUM, 32),
    ("scaleway_access_key", "SCW", UPPER, 17),
    ("tencent_secret_id", "AKID", ALNUM, 32),
    ("volcengine_access_key", "AKLT", ALNUM, 47),
    ("yandex_cloud_key", "AQVN", ALNUM, 36),
    ("yandex_oauth_token", "y0_", ALNUM, 55),
    ("neon_api_key", "napi_", LOWER, 64),
    ("xata_api_key", "xau_", ALNUM, 38),
    ("fauna_secret", "fnA", ALNUM, 38),
    ("mongodb_atlas_secret", "mdb_sa_sk_", ALNUM, 40),
    ("aiven_password", "AVNS_", ALNUM, 19),
    ("cockroach_cloud_key", "CCDB1_", ALNUM, 63),
    ("confluent_cloud_secret", "cflt", ALNUM, 60),
    ("clickhouse_cloud_secret", "4b1d", ALNUM, 38),
    ("supabase_secret_key", "sb_secret_", ALNUM, 31),
    ("infracost_api_key", "ico-", ALNUM, 32),
    ("akamai_client_token", "akab-", LOWER, 34),
    ("scalingo_token", "tk-us-", ALNUM, 48),
    ("openshift_token", "sha256~", ALNUM, 43),
    ("aws_appsync_key", "da2-", LOWER, 26),
    ("aws_presigned_signature", "X-Amz-Signature=", HEX, 64),
    ("gcp_signed_url_signature", "X-Goog-Signature=", HEX, 256),
    ("honeycomb_key", "hcaik_", LOWER, 58),
    ("stackhawk_api_key", "hawk.", ALNUM, 41),
    ("deno_deploy_token", "ddp_", ALNUM, 36),
    ("zuplo_api_key", "zpka_", LOWER, 41),
    ("crates_io_token", "cio", ALNUM, 32),
    ("packagist_token", "packagist_uut_", HEX, 68),
    ("clojars_token", "CLOJARS_", HEX, 60),
    ("artifactory_reference_token", "cmVmd", ALNUM, 59),
    ("docker_swarm_token", "SWMTKN-1-", LOWER, 75),
    ("snyk_token", "snyk_uat.", ALNUM, 60),
    ("contentful_token", "CFPAT-", ALNUM, 43),
    ("trello_token", "ATTA", HEX, 72),
    ("typeform_token", "tfp_", ALNUM, 44),
    ("octopus_deploy_key", "API-", UPPER, 29),
    ("dependency_track_key", "odt_", ALNUM, 32),
    ("sourcegraph_cody_key", "slk_", HEX, 64),
    ("jumpcloud_key", "jca_", ALNUM, 36),
    ("frame_io_token", "fio-u-", ALNUM, 64),
    ("forty_two_secret", "s-s4t2ud-", HEX, 64),
    ("adafruit_io_key", "aio_", ALNUM, 28),
    ("databento_key", "db-", ALNUM, 29),
    ("lichess_token", "lip_", ALNUM, 20),
    ("nightfall_key", "NF-", ALNUM, 32),
    ("ubidots_token", "BBFF-", ALNUM, 30),
    ("ionic_token", "ion_", ALNUM, 42),
    ("settlemint_token", "sm_pat_", HEX, 16),
    ("pubnub_secret", "sec-c-", ALNUM, 48),
    ("statsig_secret", "secret-", ALNUM, 43),
    ("instagram_token", "IGQV", ALNUM, 140),
    ("pinterest_token", "pina_", ALNUM, 78),
    ("dropbox_token", "sl.", ALNUM, 136),
    ("elevenlabs_api_key", "sk_", HEX, 48),
    ("flutterwave_secret", "FLWSECK-", HEX, 32),
    ("razorpay_key", "rzp_live_", ALNUM, 14),
    ("paddle_api_key", "pdl_live_apikey_", LOWER, 50),
    ("woocommerce_key", "ck_", HEX, 40),
    ("pagarme_key", "ak_live_", ALNUM, 30),
    ("duffel_token", "duffel_test_", ALNUM, 43),
    ("fleetbase_key", "flb_live_", ALNUM, 20),
    ("flexport_key", "shltm_", ALNUM, 40),
    ("mollie_api_key", "live_", ALNUM, 30),
    ("gocardless_token", "live_", ALNUM, 40),
    ("adyen_api_key", "AQE", ALNUM, 140),
    ("nostr_secret_key", "nsec1", LOWER, 58),
    ("bitcoin_extended_key", "xprv9", ALNUM, 106),
    ("age_plugin_identity", "AGE-PLUGIN-", UPPER, 60),
    ("minisign_secret_key", "RWRTY0Iy", ALNUM, 204),
];

/// Prefixes of keys that are UUIDs.
const UUIDS: &[(&str, &str)] = &[
    ("axiom_token", "xaat-"),
    ("pixie_key", "px-api-"),
    ("launchdarkly_key", "sdk-"),
    ("langfuse_secret_key", "sk-lf-"),
    ("hubspot_token", "pat-na1-"),
    ("plaid_access_token", "access-production-"),
];

/// A name that stands before the value, the alphabet of the value, and how long that is.
const NAMED: &[Row] = &[
    ("cohere_api_key", "COHERE_API_KEY=", ALNUM, 40),
    ("mistral_api_key", "mistral_api_key: ", ALNUM, 32),
    ("deepgram_api_key", "Deepgram key = '", HEX, 40),
    ("assemblyai_api_key", "assemblyai.token=", HEX, 32),
    ("azure_openai_key", "AZURE_OPENAI_API_KEY=", HEX, 32),
    ("wandb_key", "wandb login ", HEX, 40),
    ("datadog_key", "datadog: ", HEX, 32),
    ("cloudflare_key", "CLOUDFLARE_TOKEN=", ALNUM, 40),
    ("algolia_key", "algolia_admin = \"", HEX, 32),
    ("mailchimp_key", "mailchimp: \"", HEX, 32),
    ("okta_token", "okta_token => ", ALNUM, 42),
    ("auth0_secret", "AUTH0_SECRET='", ALNUM, 64),
    ("asana_secret", "asana_secret=", HEX, 32),
    ("jira_token", "Jira token: ", ALNUM, 24),
    ("zendesk_token", "zendesk_token=", ALNUM, 40),
    ("linkedin_secret", "linkedin.secret=", ALNUM, 16),
    ("twitter_secret", "twitter_secret = ", ALNUM, 45),
    ("facebook_secret", "facebook: \"", HEX, 32),
    ("dropbox_secret", "dropbox = ", ALNUM, 64),
    ("discord_bot_token", "discord_token=", ALNUM, 60),
    ("telegram_token", "telegram_token = ", ALNUM, 35),
    ("sonar_login", "-Dsonar.login=", HEX, 40),
    ("jenkins_token", "JENKINS_TOKEN=", HEX, 34),
    ("ngrok_token", "ngrok: ", ALNUM, 49),
    ("linode_token", "LINODE_TOKEN=", HEX, 64),
    ("vultr_key", "vultr_api_key=", UPPER, 36),
    ("rollbar_token", "rollbar: '", HEX, 32),
    ("pagerduty_key", "pagerduty_key=", ALNUM, 20),
    ("intercom_token", "intercom_token=", ALNUM, 60),
    ("amplitude_key", "amplitude_key=", HEX, 32),
    ("mixpanel_secret", "mixpanel: ", HEX, 32),
    ("ibm_cloud_key", "IBM_CLOUD_API_KEY=", ALNUM, 44),
    ("openweather_key", "openweather_key=", HEX, 32),
    ("newsapi_key", "newsapi = ", HEX, 32),
    ("sumologic_key", "sumologic_access = ", ALNUM, 64),
];

/// Names before values that are UUIDs.
const NAMED_UUIDS: &[(&str, &str)] = &[
    ("postmark_token", "postmark: \""),
    ("heroku_key", "HEROKU_KEY="),
    ("snyk_key", "snyk_token = "),
    ("codecov_token", "CODECOV_TOKEN="),
    ("opsgenie_key", "opsgenie: "),
];

fn uuid(salt: u64) -> String {
    let part = |bytes, at| noise(HEX, bytes, salt * 7 + at);
    [part(8, 1), part(4, 2), part(4, 3), part(4, 4), part(12, 5)].join("-")
}

/// The rule, what stands before the finding, and the finding.
pub fn samples() -> Vec<(&'static str, String, String)> {
    let mut all = from_table(VENDORS);
    let named = NAMED.iter().zip(300..);
    all.extend(named.map(|(row, salt)| (row.0, row.1.to_owned(), noise(row.2, row.3, salt))));
    let uuids = UUIDS.iter().zip(400..);
    all.extend(uuids.map(|((rule, prefix), salt)| (*rule, String::new(), format!("{prefix}{}", uuid(salt)))));
    let named = NAMED_UUIDS.iter().zip(450..);
    all.extend(named.map(|((rule, before), salt)| (*rule, (*before).to_owned(), uuid(salt))));
    all.extend(shaped());
    all.extend(stored());
    all
}

/// Keys of more than one part.
fn shaped() -> Vec<(&'static str, String, String)> {
    let n = noise;
    let row = |rule, before: &str, secret: String| (rule, before.to_owned(), secret);
    vec![
        row(
            "airtable_token",
            "",
            format!("pat{}.{}", n(ALNUM, 14, 501), n(HEX, 64, 502)),
        ),
        row(
            "harness_token",
            "",
            format!(
                "pat.{}.{}.{}",
                n(ALNUM, 22, 503),
                n(HEX, 24, 504),
                n(ALNUM, 20, 505)
            ),
        ),
        row(
            "clickup_token",
            "",
            format!("pk_{}_{}", n(DIGITS, 8, 506), n(UPPER, 32, 507)),
        ),
        row(
            "resend_api_key",
            "",
            format!("re_{}_{}", n(ALNUM, 8, 508), n(ALNUM, 24, 509)),
        ),
        row(
            "voiceflow_key",
            "",
            format!("VF.DM.{}.{}", n(HEX, 24, 510), n(ALNUM, 16, 511)),
        ),
        row(
            "terraform_cloud_token",
            "ab12cd34ef56gh.",
            format!("atlasv1.{}", n(ALNUM, 67, 512)),
        ),
        row(
            "azure_platform_key",
            "a7b",
            format!("JQQJ99{}", n(ALNUM, 26, 513)),
        ),
        row(
            "azure_sas_signature",
            "https://acme.blob.core.windows.net/a?sv=1&",
            format!("sig={}", n(ALNUM, 44, 514)),
        ),
        row(
            "zapier_webhook_url",
            "https://",
            format!(
                "hooks.zapier.com/hooks/catch/{}/{}",
                n(DIGITS, 7, 515),
                n(LOWER, 7, 516)
            ),
        ),
        row(
            "firebase_server_key",
            "AAAA1b2c3d4",
            format!(":APA91b{}", n(ALNUM, 134, 517)),
        ),
        row(
            "twitch_stream_key",
            "",
            format!("live_{}_{}", n(DIGITS, 9, 518), n(ALNUM, 30, 519)),
        ),
        row(
            "braintree_access_token",
            "",
            format!(
                "access_token$production${}${}",
                n(LOWER, 16, 520),
                n(HEX, 32, 521)
            ),
        ),
        row("stytch_secret", "", format!("secret-live-{}", n(ALNUM, 36, 522))),
        row(
            "zoho_oauth_token",
            "",
            format!("1000.{}.{}", n(HEX, 32, 523), n(HEX, 32, 524)),
        ),
        row(
            "salesforce_session",
            "",
            format!("00D{}!{}", n(ALNUM, 12, 525), n(ALNUM, 96, 526)),
        ),
        row("assigned_secret", "Authorization: Token ", n(HEX, 40, 527)),
        row("assigned_secret", "X-Api-Key: ", n(ALNUM, 32, 528)),
        row("assigned_secret", "?access_token=", n(HEX, 40, 529)),
        row("assigned_secret", "os.getenv('ACME_KEY', '", n(HEX, 32, 530)),
        row("assigned_secret", "acme SECRET ", n(HEX, 32, 531)),
        row("assigned_secret", "the api key is ", n(HEX, 32, 532)),
        row("assigned_secret", "acmeToken: ", uuid(533)),
        row(
            "assigned_short_secret",
            "api_key=",
            format!("{}{}", n(LOWER, 6, 542), n(DIGITS, 6, 543)),
        ),
        row(
            "assigned_short_secret",
            "X-Token: ",
            format!("{}{}", n(LOWER, 6, 544), n(DIGITS, 6, 545)),
        ),
        row(
            "assigned_password",
            "password = ",
            format!("{}!{}", n(LOWER, 5, 534), n(DIGITS, 3, 535)),
        ),
        row(
            "assigned_password",
            "Server=db;Pwd=",
            format!("{}{}", n(LOWER, 5, 536), n(DIGITS, 4, 537)),
        ),
        row(
            "basic_auth_argument",
            "curl -u admin:",
            format!("{}{}", n(LOWER, 5, 538), n(DIGITS, 4, 539)),
        ),
        row(
            "basic_auth_argument",
            "curl --user 'ci:",
            format!("{}~{}", n(LOWER, 5, 540), n(DIGITS, 4, 541)),
        ),
    ]
}

/// Hashes of passwords, and keys in files.
fn stored() -> Vec<(&'static str, String, String)> {
    let n = noise;
    let row = |rule, before: &str, secret: String| (rule, before.to_owned(), secret);
    vec![
        row("bcrypt_hash", "", format!("$2b$12${}", n(CRYPT, 53, 601))),
        row(
            "crypt_hash",
            "root:",
            format!("$6${}${}", n(ALNUM, 8, 602), n(CRYPT, 86, 603)),
        ),
        row(
            "argon2_hash",
            "",
            format!(
                "$argon2id$v=19$m=65536,t=3,p=4${}${}",
                n(ALNUM, 22, 604),
                n(ALNUM, 43, 605)
            ),
        ),
        row(
            "pbkdf2_hash",
            "",
            format!("pbkdf2_sha256$600000${}${}", n(ALNUM, 22, 606), n(ALNUM, 43, 607)),
        ),
        row(
            "kerberos_hash",
            "",
            format!(
                "$krb5tgs$23$*svc$AD$web*${}${}",
                n(HEX, 32, 608),
                n(HEX, 200, 609)
            ),
        ),
        row("ldap_password_hash", "userPassword: {SSHA}", n(ALNUM, 32, 610)),
        row("putty_private_key", "Private-Lines: 1\n", n(ALNUM, 64, 611)),
        row(
            "laravel_app_key",
            "APP_KEY=base64:",
            format!("{}=", n(ALNUM, 43, 612)),
        ),
        row(
            "django_secret_key",
            "'",
            format!(
                "django-insecure-{}",
                n("abcdefghij0123456789!@#$%^&*(-_=+)", 50, 613)
            ),
        ),
    ]
}

#[test]
fn agp_i3_no_prefix_is_enough_without_a_generated_value() {
    let secrets = Secrets::new();
    for (rule, prefix, alphabet, length) in VENDORS.iter().chain(PREFIXED) {
        let first = &alphabet[..1];
        for rest in [
            first.repeat(*length),
            "x".repeat(*length),
            noise(alphabet, 5, 9),
            "_example_".to_owned(),
        ] {
            let text = format!("see {prefix}{rest} there");
            let mut found = Vec::new();
            secrets.scan(&text, &mut found);
            found.retain(|finding| finding.rule == *rule);
            assert!(found.is_empty(), "{rule} in `{text}`");
        }
    }
}

#[test]
fn agp_i3_a_vendor_that_is_only_spoken_of_is_left_alone() {
    let secrets = Secrets::new();
    let uuids = NAMED_UUIDS.iter().map(|(_, before)| before);
    for before in NAMED.iter().map(|row| &row.1).chain(uuids) {
        for rest in [
            "and how to use it",
            "$VALUE",
            "<your key>",
            "your-api-key-here-0123456789",
            "{{ value }}",
        ] {
            let text = format!("{before}{rest}");
            let mut found = Vec::new();
            secrets.scan(&text, &mut found);
            assert!(found.is_empty(), "{found:?} in `{text}`");
        }
    }
}

#[test]
fn agp_i3_what_only_looks_generated_is_left_alone() {
    let hex = |bytes, salt| noise(HEX, bytes, salt);
    let near = [
        format!("\"integrity\": \"sha512-{}==\"", noise(ALNUM, 86, 1)),
        format!("checksum = \"{}\"", hex(64, 2)),
        format!("github.com/acme/token v0.0.0-20240512144102-{}", hex(12, 3)),
        format!("github.com/acme/api-key v1.2.3 h1:{}=", noise(ALNUM, 43, 4)),
        format!(
            "{{file = \"pyjwt_token-1.0-py3-none-any.whl\", hash = \"sha256:{}\"}}",
            hex(64, 5)
        ),
        format!(
            "\"resolved\": \"https://registry.npmjs.org/csrf-token/-/csrf-token-1.0.0.tgz#{}\"",
            hex(40, 6)
        ),
        format!("uses: acme/get-token@{}", hex(40, 7)),
        format!("commit {}", hex(40, 8)),
        format!("request {} took 3 ms", uuid(9)),
        format!("kms_key_id = \"{}\"", uuid(10)),
        format!("public_key = \"{}\"", noise(ALNUM, 43, 11)),
        format!("csrf_token: {}", noise(ALNUM, 43, 12)),
        format!("nextPageToken: \"{}\"", noise(ALNUM, 43, 13)),
        format!("credentialsId: '{}'", uuid(14)),
        format!("partition_key = \"{}\"", hex(32, 15)),
        "SECRET_NAME = \"ACME-GPT4-API-KEY-2\"; token_type: bearer_token_v2_jwt".to_owned(),
        "api_key = \"your-api-key-here-1234567890\"; API_KEY=xxxxxxxxxxxxxxxxxxxx1234".to_owned(),
        "token = process.env.ACME_TOKEN_2; secret: ${{ secrets.DEPLOY_KEY_1 }}".to_owned(),
        "const keyChars = \"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\"".to_owned(),
        "token_count = 128000; max_tokens: 4096; secret = config2.value3; api_key: api_key_2".to_owned(),
        "docker run -u 1000:1000 acme/app; curl -u user:password https://a.b; curl -u $USER:$PASSWORD1 x"
            .to_owned(),
        "password: string; password = get_password1(); type=\"password\" name=\"password2\"".to_owned(),
        "the key to chapter 12345 and the secret of 1984 and a token of thanks: 20 roses".to_owned(),
    ];
    let secrets = Secrets::new();
    for text in near {
        let mut found = Vec::new();
        secrets.scan(&text, &mut found);
        assert!(found.is_empty(), "{found:?} in `{text}`");
    }
}
