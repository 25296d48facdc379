//! Keys without a form of their own, told by the name of their vendor and the length its keys have.

use super::{LIKELY, Rule};
use crate::class::Class;
use crate::shape::Before;
use crate::shape::Part::{AnyOf, Assigned};
use crate::value::{generated, is_uuid};

/// Generated, with so many bytes at least and at most.
fn long<const MIN: usize, const MAX: usize>(bytes: &[u8]) -> bool {
    (MIN..=MAX).contains(&bytes.len()) && generated(bytes)
}

/// So many hexadecimal digits, and no others.
fn hex<const BYTES: usize>(bytes: &[u8]) -> bool {
    bytes.len() == BYTES && bytes.iter().all(u8::is_ascii_hexdigit) && generated(bytes)
}

macro_rules! named {
    ($($name:literal: $lower:literal $title:literal $upper:literal, $test:expr;)+) => {
        &[$(
            Rule {
                name: $name,
                triggers: &[$lower, $title],
                before: Before::Not(Class::of("a-z")),
                shape: &[AnyOf(&[$lower, $title]), Assigned { upper: false, test: $test }],
                score: LIKELY,
            },
            Rule {
                name: $name,
                triggers: &[$upper],
                before: Before::Not(Class::of("A-Z")),
                shape: &[AnyOf(&[$upper]), Assigned { upper: true, test: $test }],
                score: LIKELY,
            },
        )+]
    };
}

pub(super) const RULES: &[Rule] = named! {
    "cohere_api_key": "cohere" "Cohere" "COHERE", long::<40, 40>;
    "mistral_api_key": "mistral" "Mistral" "MISTRAL", long::<32, 32>;
    "deepgram_api_key": "deepgram" "Deepgram" "DEEPGRAM", hex::<40>;
    "assemblyai_api_key": "assemblyai" "Assemblyai" "ASSEMBLYAI", hex::<32>;
    "azure_openai_key": "azure_openai" "Azure_openai" "AZURE_OPENAI", long::<32, 84>;
    "wandb_key": "wandb" "Wandb" "WANDB", hex::<40>;
    "datadog_key": "datadog" "Datadog" "DATADOG", long::<32, 40>;
    "cloudflare_key": "cloudflare" "Cloudflare" "CLOUDFLARE", long::<37, 40>;
    "algolia_key": "algolia" "Algolia" "ALGOLIA", hex::<32>;
    "mailchimp_key": "mailchimp" "Mailchimp" "MAILCHIMP", long::<32, 38>;
    "postmark_token": "postmark" "Postmark" "POSTMARK", is_uuid;
    "heroku_key": "heroku" "Heroku" "HEROKU", is_uuid;
    "okta_token": "okta" "Okta" "OKTA", long::<42, 42>;
    "auth0_secret": "auth0" "Auth0" "AUTH0", long::<64, 64>;
    "asana_secret": "asana" "Asana" "ASANA", long::<32, 64>;
    "jira_token": "jira" "Jira" "JIRA", long::<24, 96>;
    "zendesk_token": "zendesk" "Zendesk" "ZENDESK", long::<40, 40>;
    "linkedin_secret": "linkedin" "Linkedin" "LINKEDIN", long::<16, 32>;
    "twitter_secret": "twitter" "Twitter" "TWITTER", long::<35, 50>;
    "facebook_secret": "facebook" "Facebook" "FACEBOOK", hex::<32>;
    "dropbox_secret": "dropbox" "Dropbox" "DROPBOX", long::<60, 96>;
    "discord_bot_token": "discord" "Discord" "DISCORD", long::<59, 80>;
    "telegram_token": "telegram" "Telegram" "TELEGRAM", long::<35, 35>;
    "sonar_login": "sonar" "Sonar" "SONAR", hex::<40>;
    "jenkins_token": "jenkins" "Jenkins" "JENKINS", long::<32, 34>;
    "ngrok_token": "ngrok" "Ngrok" "NGROK", long::<40, 50>;
    "linode_token": "linode" "Linode" "LINODE", long::<64, 64>;
    "vultr_key": "vultr" "Vultr" "VULTR", long::<36, 36>;
    "rollbar_token": "rollbar" "Rollbar" "ROLLBAR", hex::<32>;
    "snyk_key": "snyk" "Snyk" "SNYK", is_uuid;
    "codecov_token": "codecov" "Codecov" "CODECOV", is_uuid;
    "opsgenie_key": "opsgenie" "Opsgenie" "OPSGENIE", is_uuid;
    "pagerduty_key": "pagerduty" "Pagerduty" "PAGERDUTY", long::<20, 32>;
    "intercom_token": "intercom" "Intercom" "INTERCOM", long::<60, 60>;
    "amplitude_key": "amplitude" "Amplitude" "AMPLITUDE", hex::<32>;
    "mixpanel_secret": "mixpanel" "Mixpanel" "MIXPANEL", hex::<32>;
    "ibm_cloud_key": "ibm_cloud" "Ibm_cloud" "IBM_CLOUD", long::<44, 44>;
    "openweather_key": "openweather" "Openweather" "OPENWEATHER", hex::<32>;
    "newsapi_key": "newsapi" "Newsapi" "NEWSAPI", hex::<32>;
    "sumologic_key": "sumologic" "Sumologic" "SUMOLOGIC", long::<64, 64>;
};
