//! Keys of messaging, payment, mail and other services.

use super::{MASKED, Rule, at_edge};
use crate::check::{mixed, varied};
use crate::class::{ALNUM, Class, DIGIT, HEX, LOWER_ALNUM, TOKEN, UPPER_ALNUM, WORD};
use crate::shape::Part::{self, AnyOf, Check, Lit, Mark, NotNext, Open, Run, Unless};
use crate::tail::Tail;

const ON: Part = Open(Tail::Run(TOKEN));

const PATH: Class = Class::of("A-Za-z0-9_/-");

const SLACK: &[&str] = &[
    "xoxe.xoxb-",
    "xoxe.xoxp-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xoxr-",
    "xoxs-",
    "xoxe-",
    "xoxo-",
];

const ONE_PASSWORD: &str = "A3-";

pub(super) const RULES: &[Rule] = &[
    at_edge(
        "slack_token",
        &["xox"],
        &[
            AnyOf(SLACK),
            Run(DIGIT, 5, 14),
            Lit("-"),
            Run(TOKEN, 16, 300),
            Check(mixed),
            Unless(MASKED),
            ON,
        ],
    ),
    at_edge(
        "slack_app_token",
        &["xapp-"],
        &[
            Lit("xapp-"),
            Run(DIGIT, 1, 2),
            Lit("-"),
            Run(UPPER_ALNUM, 9, 14),
            Lit("-"),
            Run(DIGIT, 9, 16),
            Lit("-"),
            Run(ALNUM, 32, 80),
            Check(mixed),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "slack_webhook_url",
        &["hooks.slack.com/"],
        &[
            Lit("hooks.slack.com/"),
            Mark,
            AnyOf(&["services/", "workflows/", "triggers/"]),
            Run(PATH, 24, 120),
            Check(mixed),
            Open(Tail::Run(PATH)),
        ],
    ),
    at_edge(
        "discord_webhook_url",
        &["discord"],
        &[
            AnyOf(&["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"]),
            Mark,
            Run(DIGIT, 16, 22),
            Lit("/"),
            Run(TOKEN, 40, 80),
            Check(mixed),
            ON,
        ],
    ),
    at_edge(
        "teams_webhook_url",
        &["webhook.office.com/", "outlook.office.com/"],
        &[
            AnyOf(&["webhook.office.com/", "outlook.office.com/webhook/"]),
            Mark,
            Run(Class::of("A-Za-z0-9_/@-"), 80, 300),
            Check(mixed),
            Open(Tail::Run(PATH)),
        ],
    )
    .after(Class::of("./")),
    at_edge(
        "stripe_key",
        &["sk_", "rk_"],
        &[
            AnyOf(&["sk_live_", "sk_test_", "rk_live_", "rk_test_"]),
            Run(ALNUM, 16, 128),
            Check(varied),
            Open(Tail::Run(ALNUM)),
        ],
    ),
    at_edge(
        "stripe_webhook_secret",
        &["whsec_"],
        &[
            Lit("whsec_"),
            Run(Class::of("A-Za-z0-9+/="), 32, 64),
            Check(mixed),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "shopify_token",
        &["shpat_", "shpss_", "shpca_", "shppa_"],
        &[
            AnyOf(&["shpat_", "shpss_", "shpca_", "shppa_"]),
            Run(ALNUM, 32, 32),
            Check(varied),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "square_token",
        &["sq0atp-", "sq0csp-"],
        &[
            AnyOf(&["sq0atp-", "sq0csp-"]),
            Run(TOKEN, 22, 48),
            Check(varied),
            ON,
        ],
    ),
    at_edge(
        "square_access_token",
        &["EAAAE", "EAAAl"],
        &[
            AnyOf(&["EAAAE", "EAAAl"]),
            Run(TOKEN, 59, 59),
            Check(mixed),
            NotNext(TOKEN),
        ],
    ),
    at_edge(
        "facebook_access_token",
        &["EAAC", "EAAM"],
        &[
            AnyOf(&["EAAC", "EAAM"]),
            Run(ALNUM, 80, 300),
            Check(mixed),
            NotNext(WORD),
        ],
    ),
    at_edge(
        "sendgrid_api_key",
        &["SG."],
        &[
            Lit("SG."),
            Run(TOKEN, 18, 28),
            Lit("."),
            Run(TOKEN, 32, 50),
            Check(mixed),
            NotNext(TOKEN),
        ],
    ),
    at_edge(
        "twilio_api_key",
        &["wilio_"],
        &[
            Lit("wilio_"),
            Run(WORD, 0, 24),
            Run(Class::of(" \t\"'=:"), 1, 8),
            Mark,
            AnyOf(&["SK", ""]),
            Run(HEX, 32, 32),
            Check(varied),
            NotNext(WORD),
        ],
    )
    .after(Class::of("tT")),
    at_edge(
        "twilio_api_key",
        &["WILIO_"],
        &[
            Lit("WILIO_"),
            Run(WORD, 0, 24),
            Run(Class::of(" \t\"'=:"), 1, 8),
            Mark,
            AnyOf(&["SK", ""]),
            Run(HEX, 32, 32),
            Check(varied),
            NotNext(WORD),
        ],
    )
    .after(Class::of("tT")),
    at_edge(
        "mailgun_api_key",
        &["key"],
        &[Lit("key-"), Run(HEX, 32, 32), Check(varied), NotNext(WORD)],
    ),
    at_edge(
        "sendinblue_api_key",
        &["xkeysib-"],
        &[
            Lit("xkeysib-"),
            Run(HEX, 64, 64),
            Lit("-"),
            Run(ALNUM, 16, 16),
            Check(mixed),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "notion_token",
        &["ntn_"],
        &[Lit("ntn_"), Run(ALNUM, 40, 60), Check(mixed), NotNext(ALNUM)],
    ),
    at_edge(
        "notion_token",
        &["secret_"],
        &[Lit("secret_"), Run(ALNUM, 43, 43), Check(mixed), NotNext(WORD)],
    ),
    at_edge(
        "one_password_service_token",
        &["ops_"],
        &[
            Lit("ops_eyJ"),
            Run(Class::of("A-Za-z0-9+/_-"), 100, 300),
            Check(mixed),
            Open(Tail::Run(Class::of("A-Za-z0-9+/=_-"))),
        ],
    ),
    at_edge(
        "one_password_secret_key",
        &[ONE_PASSWORD],
        &[
            Lit(ONE_PASSWORD),
            Run(UPPER_ALNUM, 6, 6),
            Lit("-"),
            Run(Class::of("A-Z0-9-"), 29, 30),
            Check(mixed),
            NotNext(TOKEN),
        ],
    ),
    at_edge(
        "age_secret_key",
        &["AGE-SECRET-KEY-1", "age-secret-key-1"],
        &[
            AnyOf(&["AGE-SECRET-KEY-1", "age-secret-key-1"]),
            Run(ALNUM, 40, 58),
            Check(varied),
            Open(Tail::Run(ALNUM)),
        ],
    ),
    at_edge(
        "shippo_token",
        &["shippo_live_", "shippo_test_"],
        &[
            AnyOf(&["shippo_live_", "shippo_test_"]),
            Run(Class::of("0-9a-fA-F"), 40, 40),
            Check(varied),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "easypost_key",
        &["EZAK", "EZTK"],
        &[
            AnyOf(&["EZAK", "EZTK"]),
            Run(ALNUM, 54, 54),
            Check(mixed),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "telnyx_key",
        &["KEY"],
        &[Lit("KEY"), Run(TOKEN, 54, 58), NotNext(TOKEN), Check(mixed)],
    ),
    at_edge(
        "posthog_key",
        &["phx_"],
        &[Lit("phx_"), Run(TOKEN, 40, 60), Check(mixed), NotNext(ALNUM)],
    ),
    at_edge(
        "prefect_key",
        &["pnu_"],
        &[
            Lit("pnu_"),
            Run(LOWER_ALNUM, 36, 36),
            Check(mixed),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "mapbox_secret_token",
        &["sk.eyJ", "tk.eyJ"],
        &[
            AnyOf(&["sk.eyJ", "tk.eyJ"]),
            Run(TOKEN, 40, 256),
            Lit("."),
            Run(TOKEN, 16, 32),
            Check(mixed),
            NotNext(TOKEN),
        ],
    ),
];
