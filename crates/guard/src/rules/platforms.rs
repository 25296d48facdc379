//! Keys of model services, clouds and databases that are known by their prefix and length alone.

use super::{Rule, prefixed};
use crate::class::{ALNUM, BASE64, Class, HEX, LOWER_ALNUM, TOKEN, UPPER_ALNUM, WORD};

const UUID: Class = Class::of("0-9a-f-");

const DOTTED: Class = Class::of("A-Za-z0-9_.-");

pub(super) const RULES: &[Rule] = prefixed! {
    "jina_api_key": &["jina_"], ALNUM, 50..80;
    "tavily_api_key": &["tvly-"], TOKEN, 30..64;
    "firecrawl_api_key": &["fc-"], HEX, 32;
    "langsmith_api_key": &["lsv2_pt_", "lsv2_sk_"], WORD, 40..64;
    "pinecone_api_key": &["pcsk_"], WORD, 50..96;
    "cerebras_api_key": &["csk-"], LOWER_ALNUM, 40..64;
    "together_api_key": &["tgp_v1_"], TOKEN, 40..64;
    "fireworks_api_key": &["fw_"], ALNUM, 22..32;
    "e2b_api_key": &["e2b_"], HEX, 40;
    "apify_token": &["apify_api_"], ALNUM, 32..44;
    "browserbase_api_key": &["bb_live_"], TOKEN, 20..48;
    "brave_search_key": &["BSA"], TOKEN, 28;
    "friendli_token": &["flp_"], ALNUM, 40..56;
    "voyage_api_key": &["pa-"], TOKEN, 43;
    "nomic_api_key": &["nk-"], TOKEN, 43;
    "google_ai_studio_key": &["AQ.Ab"], TOKEN, 40..64;
    "vercel_token": &["vcp_", "vci_", "vca_", "vcr_", "vck_"], ALNUM, 24..64;
    "heroku_api_key": &["HRKU-"], TOKEN, 36..72;
    "netlify_token": &["nfp_", "nfc_", "nfo_", "nfb_"], ALNUM, 36..48;
    "render_api_key": &["rnd_"], ALNUM, 28..40;
    "scaleway_access_key": &["SCW"], UPPER_ALNUM, 17;
    "tencent_secret_id": &["AKID"], ALNUM, 32;
    "volcengine_access_key": &["AKLT"], TOKEN, 40..64;
    "yandex_cloud_key": &["AQVN"], TOKEN, 35..40;
    "yandex_oauth_token": &["y0_"], TOKEN, 50..64;
    "neon_api_key": &["napi_"], LOWER_ALNUM, 60..72;
    "xata_api_key": &["xau_"], ALNUM, 30..48;
    "fauna_secret": &["fnA"], TOKEN, 37..40;
    "mongodb_atlas_secret": &["mdb_sa_sk_"], TOKEN, 40;
    "aiven_password": &["AVNS_"], TOKEN, 19..24;
    "cockroach_cloud_key": &["CCDB1_"], WORD, 40..72;
    "confluent_cloud_secret": &["cflt"], BASE64, 60;
    "clickhouse_cloud_secret": &["4b1d"], ALNUM, 38;
    "supabase_secret_key": &["sb_secret_"], TOKEN, 30..48;
    "akamai_client_token": &["akab-"], TOKEN, 32..56;
    "scalingo_token": &["tk-us-"], TOKEN, 48;
    "openshift_token": &["sha256~"], TOKEN, 43;
    "aws_appsync_key": &["da2-"], LOWER_ALNUM, 26;
    "aws_presigned_signature": &["X-Amz-Signature="], HEX, 64;
    "gcp_signed_url_signature": &["X-Goog-Signature="], HEX, 128..512;
    "honeycomb_key": &["hcaik_", "hcxik_", "hcalk_"], LOWER_ALNUM, 50..64;
    "axiom_token": &["xaat-", "xapt-"], UUID, 36;
    "pixie_key": &["px-api-", "px-dep-"], UUID, 36;
    "stackhawk_api_key": &["hawk."], DOTTED, 40..48;
    "launchdarkly_key": &["sdk-", "api-"], UUID, 36;
    "deno_deploy_token": &["ddp_", "ddo_"], ALNUM, 36;
    "zuplo_api_key": &["zpka_"], WORD, 32..64;
};
